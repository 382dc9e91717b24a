"""Arc 0.1.1 from the package index: the hub and the client that this one must get on with."""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pytest

from tests.support.hub_process import CHECKOUT, HubProcess

PACKAGE = "megastructure-arc==0.1.1"
CACHE = CHECKOUT / ".pytest_cache" / "arc-0.1.1"
INSTALL = f"make a virtual environment, install {PACKAGE} into it, and name its python in ARC_011_PYTHON"


def require_arc_011() -> Path:
    """The Python of an environment that has Arc 0.1.1; where there is none and none can be had, the test is skipped.

    It is named by `ARC_011_PYTHON`, else made once from the package index and kept in `.pytest_cache`.
    """
    if named := os.environ.get("ARC_011_PYTHON"):
        return Path(named)
    python = CACHE / "bin" / "python"
    if not python.exists():
        _install()
    return python


def _install() -> None:
    CACHE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as folder:
        unfinished = Path(folder) / "venv"
        venv.create(unfinished)
        command = [sys.executable, "-m", "pip", "--python", str(unfinished / "bin" / "python"), "install", "--quiet"]
        done = subprocess.run(
            [*command, "--disable-pip-version-check", PACKAGE], capture_output=True, text=True, timeout=100, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"Arc 0.1.1 is missing: {INSTALL}\n{done.stderr[-500:]}")
        if not CACHE.exists():  # another run may have been faster
            unfinished.rename(CACHE)


def hub_011(home: Path) -> HubProcess:
    """A hub of Arc 0.1.1, not yet started, that keeps everything in the folder `home`; or the test is skipped."""
    program = [str(require_arc_011()), "-P", "-m", "arc"]
    environment = {"PYTHONPATH": ""}  # else it would find the package of this checkout
    return HubProcess(home, home / "arc.sqlite3", home / ".arc-relay", environment=environment, program=program)
