"""The engines that keep the log. Each must pass `test_log_*.py`; what these have in common stands here."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

import apsw

from arclog.clock import LogClock
from arclog.codec import Metadata, RecordedEvent, StoredEvent
from arclog.engine import Engine, Head
from arclog.events import Event, MessagePosted
from arclog.keys import KeptKey
from arclog.sqlite.engine import FileEngine
from arclog.sqlite.log import Log
from arclog.sqlite.reads import NO_END, Filter, read
from arclog.sqlite.schema import open_storage
from tests.support.fake_time import FakeTime
from tests.support.memory_engine import MemoryLog
from tests.support.postgresql import needs_postgresql, serving
from tests.support.postgresql_time import FakeServerTime

BY_HTTP = Metadata("http")

P = ParamSpec("P")
T = TypeVar("T")


class Copy(Log):
    """One hub's copy of a log, which fetches what it lacks before it is read."""

    @classmethod
    def open(cls, path: Path, engine_on: Callable[[apsw.Connection], Engine]) -> "Copy":
        connection = open_storage(path)
        return cls(connection, path, engine_on(connection))

    def close(self) -> None:
        self.engine.close()
        self.connection.close()

    def read(self, query: Callable[Concatenate[apsw.Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        self._look()
        return super().read(query, *args, **kwargs)

    def head(self) -> Head:
        self._look()
        return super().head()

    def find_key(self, owner: str, key: str) -> KeptKey | None:
        self._look()
        return super().find_key(owner, key)

    def _look(self) -> None:
        before = -1
        while not self.connection.in_transaction and before != self.kept_to:
            before = self.kept_to
            self.fetch()


class Kind(Protocol):
    """One kind of engine."""

    name: str

    def open(self, place: Path, time: FakeTime) -> Copy:
        """A copy of the log at `place`, which is made if there is none; several may be open at once."""


class InOneFile:
    """The log in one SQLite file, which all its hubs share."""

    name = "sqlite"

    def open(self, place: Path, time: FakeTime) -> Copy:
        path = place / "arc.sqlite3"
        return Copy.open(path, lambda connection: FileEngine(path, LogClock(time), connection))


class InMemory:
    """The log in memory, each of its hubs with a file of its own."""

    name = "memory"

    def __init__(self) -> None:
        self._logs: defaultdict[Path, MemoryLog] = defaultdict(MemoryLog)

    def open(self, place: Path, time: FakeTime) -> Copy:
        log = self._logs[place]
        path = place / f"hub-{len(log.joined)}.sqlite3"
        return Copy.open(path, lambda _connection: log.join(time))


class OnPostgresql:
    """The log on a PostgreSQL server, each of its hubs with a file of its own, in the role that hubs have."""

    name = "postgresql"

    def __init__(self) -> None:
        self._life = ExitStack()
        self._log: FakeServerTime | None = None
        self._place: Path | None = None
        self._copies = 0

    def open(self, place: Path, time: FakeTime) -> Copy:
        log = self._log
        if log is None:
            log = self._log = FakeServerTime(self._life.enter_context(serving(needs_postgresql())))
            self._life.callback(log.close)
        if place != self._place:
            self._place, self._copies = place, 0
            log.begin()
        self._copies += 1
        return Copy.open(place / f"hub-{self._copies}.sqlite3", lambda _connection: log.join(time))

    def stop(self) -> None:
        """End the server."""
        self._life.close()


POSTGRESQL: Final = OnPostgresql()
BY_MACHINE: Final[Sequence[Kind]] = (InOneFile(), InMemory())
"""Those whose clock is the machine's."""
ENGINES: Final[Sequence[Kind]] = (*BY_MACHINE, POSTGRESQL)


@contextmanager
def opened(engine: Kind, place: Path, time: FakeTime) -> Iterator[Copy]:
    """The log at `place` while this lasts."""
    log = engine.open(place, time)
    try:
        yield log
    finally:
        log.close()


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
    return log.read(_list, after, limit, until, Filter(**where))


def decoded(log: Log) -> list[RecordedEvent]:
    """All events of a log, decoded."""
    return [event.decode() for event in events_of(log)]


def _list(connection: apsw.Connection, after: int, limit: int, until: int, where: Filter) -> list[StoredEvent]:
    return list(read(connection, after, limit, until, where))
