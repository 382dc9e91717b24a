"""A hub in the repository, for the real programs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hub_process import HubProcess


@pytest.fixture
def hub(repository: Path) -> Iterator[HubProcess]:
    """A hub in the repository."""
    hub = HubProcess.at(repository).start()
    try:
        yield hub
    finally:
        hub.stop()
