"""What it costs to set up one repository: all harnesses, git, and the start of its hub."""

import os
import resource
import subprocess
import sys
import time
from contextlib import chdir
from pathlib import Path

import pytest

from cli.main import main

pytestmark = [pytest.mark.soak, pytest.mark.timeout(120)]

MOST_SEC = 3.0


def test_setup_of_a_repository_takes_at_most_three_seconds_of_the_processor(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ARC_")}
    before, began_at = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    try:
        subprocess.run(
            [sys.executable, "-m", "arc", "setup", "all"], cwd=tmp_path, env=kept, check=True, capture_output=True
        )
        took, after = time.perf_counter() - began_at, resource.getrusage(resource.RUSAGE_CHILDREN)
    finally:
        with chdir(tmp_path):
            main(["stop"])
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    sys.stdout.write(f"setup of a repository: {spent:.2f} s of the processor, {took:.2f} s until its hub ran\n")
    assert spent <= MOST_SEC
