"""The engine on PostgreSQL: the log's lock is one transaction's, and a batch is what that transaction inserts.

    hold      BEGIN, the lock, the check of the hub's copy and the events that it lacks: one round trip
    append    the batch, word to the other hubs, COMMIT: one round trip
    release   ROLLBACK

The lock cannot outlive its transaction, nor the transaction its connection. So a hub that loses the one has lost all,
and nobody ever appends who only thinks that he holds the lock.

**When nobody can say what became of a COMMIT**: the line broke, or says nothing for too long, or the server warns that
it gave up waiting for its standby. Then the batch may be there or not, or be on the primary alone. `has_kept` finds out
under the lock, since the old transaction may still be on its way and holds the lock until it is over; and it commits
something after it, which waits for the standby too, and the WAL's order then says that the batch is there as well.
"""

import threading
from collections.abc import Sequence
from typing import Final

from arclog.clock import LogClock, TimeSource
from arclog.codec import StoredEvent
from arclog.digest import GENESIS
from arclog.engine import Head, LogName, LogState, Moved
from arclog.errors import FarFromHead, LockLost, LogAway, OutcomeUnknown, StorageBusy
from arclog.machine_time import MachineTime
from arclog.postgresql.address import Address
from arclog.postgresql.batch import columns_of, event_of, number, parts_of, read_number
from arclog.postgresql.bell import Bell
from arclog.postgresql.durability import Durability
from arclog.postgresql.failures import IDLE_TOO_LONG, LineLost, Refused, storage_error_of
from arclog.postgresql.line import Ask, Line, Row
from arclog.postgresql.session import LOCK_SEC, STALL_SEC, Session, open_session

MOST_MISSING: Final = 2_000
"""Events that a hub is given with the lock; one that lacks more reads them without it first."""
COMMIT_SEC: Final = 10.0
"""How long a commit may wait for its standby before callers are told that the log does not answer. It is not cancelled:
the hub turns to another line, and asks there what became of it."""
ANSWER_SEC: Final = 5.0
"""How long an answer may take, beyond what the question itself waits for, before the line is taken for dead."""


class PostgresqlEngine:
    """The log on one server, or a primary and its standbys, for one hub.

    Args:
        address: where the log is.
        time: this machine's time, by which the log's clock is counted on.
        lock_sec: how long to wait for the lock.
        stall_sec: how long this hub may do nothing while it holds the lock.
        commit_sec: how long a commit may take before its outcome counts as unknown.
    """

    is_remote = True

    def __init__(
        self,
        address: Address,
        time: TimeSource | None = None,
        *,
        lock_sec: float = LOCK_SEC,
        stall_sec: float = STALL_SEC,
        commit_sec: float = COMMIT_SEC,
    ) -> None:
        self.clock = LogClock(time or MachineTime())
        self._address = address
        self._lock_sec = lock_sec
        self._stall_sec = stall_sec
        self._commit_sec = commit_sec
        self._session: Session | None = None
        self._durability: Durability | None = None
        self._name: LogName | None = None
        self._holds = False
        self._seen: tuple[int, bytes] | None = None
        """The end of the log as this hub left it."""
        self._heard_at: int | None = None
        """When the server answered last, by the clock's `elapsed`."""
        self._given_up = threading.Event()
        self._backend = 0
        self._bell = Bell(address, lambda backend: backend == self._backend)

    # The protocol ---------------------------------------------------------------------------------------------------

    def identify(self) -> LogName:
        self._reach()
        assert self._name is not None
        return self._name

    @property
    def state(self) -> LogState:
        durability, heard_at = self._durability, self._heard_at
        lag = None if heard_at is None else max(0.0, (self.clock.elapsed() - heard_at) / 1e6)
        return LogState(
            "postgresql",
            self._address.shown,
            "" if self._name is None else self._name.log_id,
            "" if durability is None else durability.summary,
            durability is not None and durability.is_copied,
            lag,
        )

    def hold(self, after: int, digest: bytes, *, wait: bool) -> Moved | None:
        if not wait:
            raise StorageBusy("the log is asked over a network: try again in a moment")
        asked_at = self.clock.elapsed()
        _begun, ((time,),), rows = self._ask(
            ("begin", ()),
            ("hold", (number(after), digest)),
            ("read", (number(after), number(MOST_MISSING + 1))),
            within_sec=self._lock_sec + ANSWER_SEC,
            after=after,
        )
        self._holds = True
        self.clock.follow(read_number(time), asked_at, self.clock.elapsed())
        if len(rows) > MOST_MISSING:
            self.release()
            raise FarFromHead
        missing = [event_of(row) for row in rows]
        if not missing and self._seen == (after, digest):
            return None
        head = self._head_of(missing) if missing else self.read_head()
        return Moved(head, missing)

    def append(self, events: Sequence[StoredEvent]) -> None:
        if not events:
            self.release()
            return
        if not self._holds:
            raise LockLost
        self._holds = False
        line = self._line()
        try:
            parts = [("append", columns_of(part)) for part in parts_of(events)]
            line.ask(*parts, ("commit", ()), within_sec=self._commit_sec)
        except Refused as refused:
            self._roll_back()
            raise storage_error_of(refused, self._address.shown) from None
        except LineLost as lost:
            self._drop()
            if lost.code == IDLE_TOO_LONG:
                raise LockLost from None
            raise OutcomeUnknown from lost
        self._hear()
        if line.warnings:  # committed here, and the wait for the standby was given up
            raise OutcomeUnknown
        self._seen = (events[-1].event_id, events[-1].digest)

    def has_kept(self, event: StoredEvent) -> bool:
        try:
            _begun, _held, found, _written, _done = self._ask(
                ("begin", ()),
                ("hold", (number(0), GENESIS)),
                ("find_digest", (number(event.event_id),)),
                ("barrier", ()),
                ("commit", ()),
                within_sec=self._lock_sec + self._commit_sec,
            )
        except StorageBusy:
            raise LogAway("it has not said yet whether it kept the batch before") from None
        if self._line().warnings:
            raise LogAway("its standby has not got the batch yet")
        return found == [(event.digest,)]

    def release(self) -> None:
        if self._holds:
            self._holds = False
            self._roll_back()

    def read(self, after: int, limit: int) -> Sequence[StoredEvent]:
        (rows,) = self._ask(("read", (number(after), number(limit))), within_sec=ANSWER_SEC)
        return [event_of(row) for row in rows]

    def read_head(self) -> Head:
        """The end of the log; needs no lock.

        Raises:
            LogAway: the server cannot be reached.
        """
        (rows,) = self._ask(("find_head", ()), within_sec=ANSWER_SEC)
        if not rows:
            return Head()
        ((event_id, recorded_at, digest),) = rows
        return Head(read_number(event_id), read_number(recorded_at), digest)

    async def changed(self) -> None:
        await self._bell.next()

    def give_up(self) -> None:
        self._given_up.set()

    def close(self) -> None:
        self._bell.close()
        self._drop()

    # The line -------------------------------------------------------------------------------------------------------

    def _reach(self) -> Line:
        """The line, made again when it is lost; every server that the address names is tried."""
        session = self._session
        if session is not None and session.line.is_open:
            return session.line
        self._drop()
        known = None if self._name is None else self._name.log_id
        self._session = session = open_session(
            self._address, self._given_up, lock_sec=self._lock_sec, stall_sec=self._stall_sec, log_id=known
        )
        self._name, self._durability = session.name, session.durability
        self._backend = session.line.told_backend
        self._seen = None
        self._hear()
        return session.line

    def _line(self) -> Line:
        assert self._session is not None
        return self._session.line

    def _ask(self, *asks: Ask, within_sec: float, after: int = 0) -> list[list[Row]]:
        """Ask outside a transaction; one that this begins is over when something is refused."""
        line = self._reach()
        try:
            found = line.ask(*asks, within_sec=within_sec)
        except Refused as refused:
            self._roll_back()
            error = storage_error_of(refused, self._address.shown, after)
            if isinstance(error, LogAway):
                self._drop()
            raise error from None
        except LineLost as lost:
            self._drop()
            raise LogAway(str(lost)) from None
        self._hear()
        return found

    def _roll_back(self) -> None:
        line = self._line()
        try:
            if line.in_transaction:
                line.ask(("rollback", ()), within_sec=ANSWER_SEC)
        except (Refused, LineLost):
            self._drop()

    def _drop(self) -> None:
        self._holds = False
        if self._session is not None:
            self._session.line.close()
            self._session = None

    def _hear(self) -> None:
        self._heard_at = self.clock.elapsed()

    @staticmethod
    def _head_of(events: Sequence[StoredEvent]) -> Head:
        last = events[-1]
        return Head(last.event_id, last.recorded_at, last.digest)
