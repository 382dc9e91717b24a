"""The engines that keep the log. Each must pass `test_log_*.py`; what these have in common stands here."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from arclog.clock import LogClock
from arclog.codec import Metadata, RecordedEvent, StoredEvent
from arclog.events import Event, MessagePosted
from arclog.sqlite.log import NO_END, Filter, Log, read
from arclog.sqlite.schema import open_storage
from tests.support.fake_time import FakeTime

BY_HTTP = Metadata("http")


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


def post(agent: str, body: str = "hi", **more: Any) -> MessagePosted:
    """A message that an agent posted in `general`."""
    return MessagePosted(from_agent=agent, channel="general", body=body, **more)


def append_all(log: Log, *events: Event, metadata: Metadata = BY_HTTP) -> None:
    """Append events in one transaction, all at one time."""
    log.begin()
    for event in events:
        log.append(event, log.now(), metadata)
    log.commit()


def events_of(log: Log, after: int = 0, limit: int = 1000, until: int = NO_END, **where: Any) -> list[StoredEvent]:
    """Events of a log, as they are stored."""
    return list(read(log.connection, after, limit, until, Filter(**where)))


def decoded(log: Log) -> list[RecordedEvent]:
    """All events of a log, decoded."""
    return [event.decode() for event in events_of(log)]
