"""A bare clone works by its Python alone: the first hub makes the environment, and says so."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hub_process import CHECKOUT

PYTHON = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
PARTS = ["arc", "arclog", "projections", "api", "relay", "cli", "docs", "pyproject.toml", "README.md", "LICENSE"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a clone has, and nothing installed."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for part in PARTS:
        source = CHECKOUT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    return folder


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    return subprocess.run([PYTHON, *words], cwd=cwd, env=kept, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.outer
@pytest.mark.timeout(300)
def test_the_first_hub_of_a_clone_makes_its_environment_and_later_ones_find_it(clone: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    try:
        first = run(clone / "arc", "ensure", "--port", "0", cwd=project)
        assert json.loads(first.stdout)["started"], first.stderr
        assert f"installing what the hub needs into {clone}/.venv, once" in first.stderr
        assert json.loads(run(clone / "arc", "whoami", "--agent", "ada", cwd=project).stdout)["agent_id"] == "ada"
    finally:
        stopped = run(clone / "arc", "stop", cwd=project)
    assert json.loads(stopped.stdout)["stopped"]
    again = run(clone / "arc", "log", "verify", cwd=project)
    assert (again.returncode, again.stderr) == (0, "")


def test_an_agent_needs_no_environment(clone: Path, tmp_path: Path) -> None:
    told = run("-m", "arc", "whoami", "--agent", "ada", "--base-url", "http://127.0.0.1:9", cwd=clone)
    assert told.returncode == 1
    assert "arc ensure" in told.stdout
    assert not (clone / ".venv").exists()
