"""The engines that keep the log. Each must pass `test_log_contract.py`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from arclog.clock import LogClock
from arclog.codec import RecordedEvent, StoredEvent
from arclog.schema import open_storage
from arclog.store import NO_END, Filter, Log, read
from tests.support.fake_time import FakeTime


class Engine(Protocol):
    """One kind of storage for the log."""

    name: str

    def open(self, place: Path, time: FakeTime) -> Log:
        """The log at `place`, made if there is none; several may be open at once."""

    def close(self, log: Log) -> None:
        """Close what `open` opened."""


class SQLite:
    """The log in one SQLite file."""

    name = "sqlite"

    def open(self, place: Path, time: FakeTime) -> Log:
        path = place / "arc.sqlite3"
        return Log(open_storage(path), path, LogClock(time))

    def close(self, log: Log) -> None:
        log.connection.close()


ENGINES: Sequence[Engine] = (SQLite(),)


@contextmanager
def opened(engine: Engine, place: Path, time: FakeTime) -> Iterator[Log]:
    """The log at `place` while this lasts."""
    log = engine.open(place, time)
    try:
        yield log
    finally:
        engine.close(log)


def events_of(log: Log, after: int = 0, limit: int = 1000, until: int = NO_END, **where: Any) -> list[StoredEvent]:
    """Events of a log, as they are stored."""
    return list(read(log.connection, after, limit, until, Filter(**where)))


def decoded(log: Log) -> list[RecordedEvent]:
    """All events of a log, decoded."""
    return [event.decode() for event in events_of(log)]
