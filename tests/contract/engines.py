"""The engines that keep the log. Each must pass `test_log_*.py`; what these have in common stands here."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

import apsw
import pytest

from arclog.clock import LogClock
from arclog.codec import Metadata, RecordedEvent, StoredEvent
from arclog.engine import Engine, Head, Moved
from arclog.events import Event, MessagePosted
from arclog.sqlite.engine import FileEngine
from arclog.sqlite.log import KeptKey, Log
from arclog.sqlite.reads import NO_END, Filter, read
from arclog.sqlite.schema import open_storage
from tests.support.fake_time import BEGINNING, ELAPSED, FakeTime
from tests.support.memory_engine import MemoryLog
from tests.support.postgresql import HUB, Server, needs_postgresql, serving

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
        if not self.connection.in_transaction:
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


_FAKE_TIME: Final = (
    "CREATE TABLE arc.fake_time AS SELECT 0::bigint AS now",
    f"GRANT SELECT ON arc.fake_time TO {HUB}",
    "CREATE OR REPLACE FUNCTION arc.arc_now() RETURNS bigint LANGUAGE sql AS 'SELECT now FROM arc.fake_time'",
)


class OnPostgresql:
    """The log on a PostgreSQL server, each of its hubs with a file of its own, in the role that hubs have."""

    name = "postgresql"

    def __init__(self) -> None:
        self._life = ExitStack()
        self._server: Server | None = None
        self._place: Path | None = None
        self._copies = 0
        self._owner: Any = None

    def open(self, place: Path, time: FakeTime) -> Copy:
        programs = needs_postgresql()
        from arclog.postgresql.address import read_address
        from arclog.postgresql.engine import PostgresqlEngine
        from arclog.postgresql.schema import create_log

        if self._server is None:
            self._server = self._life.enter_context(serving(programs))
        if place != self._place:
            self._place, self._copies = place, 0
            self._server.sql("arc", "DROP SCHEMA IF EXISTS arc CASCADE")
            create_log(read_address(self._server.url()), HUB)
            self._server.sql("arc", *_FAKE_TIME)
        self._copies += 1
        address = read_address(self._server.url(HUB))
        path = place / f"hub-{self._copies}.sqlite3"
        psycopg = pytest.importorskip("psycopg")
        owner = self._owner = self._owner or psycopg.connect(self._server.url(), autocommit=True)

        class AtFakeTime(PostgresqlEngine):
            """The server's clock is the test's, and nobody sets it."""

            def hold(self, after: int, digest: bytes, *, wait: bool) -> Moved | None:
                owner.execute("UPDATE arc.fake_time SET now = %s", (BEGINNING + time.elapsed() - ELAPSED,))
                return super().hold(after, digest, wait=wait)

        return Copy.open(path, lambda _connection: AtFakeTime(address, time))

    def stop(self) -> None:
        """End the server."""
        if self._owner is not None:
            self._owner.close()
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
