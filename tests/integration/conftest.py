"""A recorder on a storage of the test's own, at a time that the test moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from projections.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.recorders import recording


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """Where the storage is to be; nothing is there yet."""
    return tmp_path / "arc.sqlite3"


@pytest.fixture
def recorder(storage: Path, time: FakeTime) -> Iterator[Recorder]:
    with recording(storage, time) as recorder:
        yield recorder
