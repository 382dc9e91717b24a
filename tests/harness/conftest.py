"""A fresh repository, and a hub in it, for the real programs."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hub_process import HubProcess


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of git without a commit."""
    folder = tmp_path / "repository"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
    return folder


@pytest.fixture
def hub(repository: Path) -> Iterator[HubProcess]:
    """A hub in the repository."""
    hub = HubProcess.at(repository).start()
    try:
        yield hub
    finally:
        hub.stop()
