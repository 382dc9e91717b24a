"""The log of a test, kept by each engine in turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arclog.clock import LogClock
from arclog.sqlite.engine import file_log
from arclog.sqlite.log import Log
from arclog.sqlite.schema import open_storage
from tests.contract.engines import ENGINES, POSTGRESQL, Copy, Kind, opened
from tests.support.fake_time import FakeTime


@pytest.fixture(scope="session", autouse=True)
def _servers() -> Iterator[None]:
    """Whatever servers the engines started end with the tests."""
    yield
    POSTGRESQL.stop()


@pytest.fixture(
    params=[
        pytest.param(engine, id=engine.name, marks=[pytest.mark.outer] if engine is POSTGRESQL else [])
        for engine in ENGINES
    ]
)
def engine(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def log(engine: Kind, tmp_path: Path, time: FakeTime) -> Iterator[Copy]:
    with opened(engine, tmp_path, time) as log:
        yield log


@pytest.fixture
def other(engine: Kind, tmp_path: Path, time: FakeTime, log: Copy) -> Iterator[Copy]:
    """A second process on the same storage, as far as the engine can tell."""
    with opened(engine, tmp_path, time) as other:
        yield other


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a storage in one SQLite file is to be; nothing is there yet."""
    return tmp_path / "arc.sqlite3"


@pytest.fixture
def sqlite_log(path: Path, time: FakeTime) -> Iterator[Log]:
    """The log in one SQLite file, for what that engine alone promises; the connection is closed whatever it was at."""
    connection = open_storage(path)
    yield file_log(connection, path, LogClock(time))
    connection.close(True)
