"""The engine on PostgreSQL: the log's lock is one transaction's, and a batch is what that transaction inserts.

    hold      BEGIN, the lock, the check of the hub's copy and the events that it lacks: one round trip
    append    the batch, COMMIT; a barrier, COMMIT; word to the other hubs: one round trip
    release   ROLLBACK

The lock cannot outlive its transaction, nor the transaction its connection. So a hub that loses the one has lost all,
and nobody ever appends who only thinks that he holds the lock.

**Nobody holds the lock while a disk or a standby is waited for.** The batch's own commit waits for neither, so the next
hub decides on top of it at once. The transaction after it does (the barrier), and the WAL has one order: when the
barrier is there for good, so is everything that was committed before, whichever hub did. The flushes of several hubs
then share one disk's turn. Until its own barrier has passed, a hub keeps nothing in its storage of what it was
given with the lock, and tells nobody; and a hub that only follows reads no further than somebody's barrier reaches
(`_kept_to`), which is what the word to the other hubs says.

**When nobody can say what became of a batch**: the line broke, or says nothing for too long, or the server warns that
it gave up waiting for its standby. Then the batch may be there or not, or be on the primary alone. `has_kept` finds out
under the lock, since the old transaction may still be on its way and holds the lock until it is over; and then waits
for a barrier of its own.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from arclog.clock import LogClock, TimeSource
from arclog.codec import StoredEvent
from arclog.digest import GENESIS
from arclog.engine import Head, LogName, LogState, Moved
from arclog.errors import FarFromHead, LockLost, LogAway, OutcomeUnknown, StorageBusy, StorageError
from arclog.machine_time import MachineTime
from arclog.postgresql.address import Address
from arclog.postgresql.batch import columns_of, number, parts_of
from arclog.postgresql.bell import Bell
from arclog.postgresql.durability import Durability
from arclog.postgresql.erasing import erasures_of, scrub
from arclog.postgresql.failures import IDLE_TOO_LONG, LineLost, ServerRefused, storage_error_of
from arclog.postgresql.line import Ask, Line, Row
from arclog.postgresql.sent_batch import SentBatch
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
        self._end = Head()
        """The end of the log as this hub was last told of it."""
        self._has_news = False
        """Whether events were given with the lock that is held: they may not be there for good."""
        self._on_its_way: SentBatch | None = None
        self._kept_to = 0
        """Up to which event the log is known to be there for good."""
        self._heard_at: int | None = None
        """When the server answered last, by the clock's `elapsed`."""
        self._given_up = threading.Event()
        self._backend = 0
        self._bell = Bell(address, lambda backend: backend == self._backend, self._learn_kept)

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
        self.clock.correct(time, asked_at, self.clock.elapsed())
        if len(rows) > MOST_MISSING:
            self.release()
            raise FarFromHead
        missing = [StoredEvent(*row) for row in rows]
        self._has_news = bool(missing)
        if missing:
            self._end = self._head_of(missing)
        elif self._seen == (after, digest):
            return None
        elif (self._end.event_id, self._end.digest) != (after, digest):
            self._end = self.read_head()
        return Moved(self._end, missing)

    def append(self, events: Sequence[StoredEvent]) -> None:
        if not events and not self._has_news:
            self.release()
            return
        if not self._holds:
            raise LockLost
        sent = self._on_its_way or self._send(events)
        line, end = self._line(), self._head_of(events) if events else self._end
        self._holds, self._has_news, self._on_its_way = False, False, None
        try:
            line.receive(sent.told, self._commit_sec)
        except ServerRefused as refused:
            self._roll_back()
            if refused.place < sent.committed:
                raise storage_error_of(refused, self._address.shown) from None
            if refused.place < sent.kept:
                raise self._unknown(events) from refused
        except LineLost as lost:
            self._drop()
            if lost.code == IDLE_TOO_LONG:
                raise LockLost from None
            raise self._unknown(events) from lost
        self._hear()
        if line.warnings:  # committed here, and the wait for the standby was given up
            raise self._unknown(events)
        self._end, self._seen = end, (end.event_id, end.digest)
        self._learn_kept(end.event_id)

    def hasten(self, events: Sequence[StoredEvent]) -> None:
        if self._holds and self._on_its_way is None and (events or self._has_news):
            self._send(events)

    def _send(self, events: Sequence[StoredEvent]) -> SentBatch:
        end = events[-1].event_id if events else self._end.event_id
        batch: list[Ask] = [("append", columns_of(part)) for part in parts_of(events)] if events else []
        if self._session is not None and self._session.may_erase:
            batch += erasures_of(events)
        batch += [("commit", ()), *self._barrier(), ("tell", (number(end),))]
        self._on_its_way = sent = SentBatch(len(batch) - 4, len(batch) - 1, len(batch))
        with suppress(LineLost):  # as whoever waits for the answer will see
            self._line().send(*batch)
        return sent

    def has_kept(self, event: StoredEvent) -> bool:
        try:
            _begun, _held, found, *_done = self._ask(
                ("begin", ()),
                ("hold", (number(0), GENESIS)),
                ("find_digest", (number(event.event_id),)),
                ("commit", ()),
                *self._barrier(),
                within_sec=self._lock_sec + self._commit_sec,
            )
        except StorageBusy:
            raise LogAway("it has not said yet whether it kept the batch before") from None
        if self._line().warnings:
            raise LogAway("its standby has not got the batch yet")
        return found == [(event.digest,)]

    def release(self) -> None:
        self._has_news = False
        if self._on_its_way is not None:  # it cannot be called back
            self._drop()
        if self._holds:
            self._holds = False
            self._roll_back()

    def read(self, after: int, limit: int, *, wait: bool = True) -> Sequence[StoredEvent]:
        if not wait and self._bell.is_sure and self._kept_to <= after:
            self._reach()
            return ()
        (rows,) = self._ask(("read", (number(after), number(limit))), within_sec=ANSWER_SEC)
        events = [StoredEvent(*row) for row in rows]
        assert self._durability is not None
        if self._durability.is_standby:
            return events
        kept = [event for event in events if event.event_id <= self._kept_to]
        if events and not kept:
            self._ask(*self._barrier(), within_sec=self._commit_sec)
            if self._line().warnings:
                raise LogAway("its standby has not got its last events yet")
            self._learn_kept(events[-1].event_id)
            kept = events
        if kept:
            self._end = self._head_of(kept)
        return kept

    def read_head(self) -> Head:
        """The end of the log; needs no lock.

        Raises:
            LogAway: the server cannot be reached.
        """
        (rows,) = self._ask(("find_head", ()), within_sec=ANSWER_SEC)
        if not rows:
            return Head()
        ((event_id, recorded_at, digest),) = rows
        return Head(event_id, recorded_at, digest)

    async def changed(self) -> None:
        await self._bell.next()

    def scrub(self, erasure: int) -> bool:
        session = self._open()
        try:
            if session.may_erase:
                scrub(session.line, erasure, self._barrier())
        except ServerRefused as refused:
            raise storage_error_of(refused, self._address.shown) from None
        except LineLost as lost:
            raise LogAway(str(lost)) from None
        finally:
            session.line.close()
        return session.may_erase

    def expect(self, name: LogName, lag: int) -> None:
        self._name = name
        self._heard_at = self.clock.elapsed() - lag

    def stop_waiting(self) -> None:
        self._given_up.set()

    def close(self) -> None:
        self._bell.close()
        self._drop()

    # For good -------------------------------------------------------------------------------------------------------

    def _barrier(self) -> tuple[Ask, ...]:
        """What is over only when all that was committed before is there for good, by the server's own settings."""
        assert self._durability is not None
        return ("begin", ()), ("barrier", (self._durability.synchronous_commit.encode(),)), ("commit", ())

    def _learn_kept(self, event_id: int) -> None:
        self._kept_to = max(self._kept_to, event_id)

    @staticmethod
    def _unknown(events: Sequence[StoredEvent]) -> StorageError:
        """What a batch came to whose barrier was not reached; where it is empty, nothing is lost with it."""
        return OutcomeUnknown() if events else LogAway("it did not say whether what it has is there for good")

    # The line -------------------------------------------------------------------------------------------------------

    def _reach(self) -> Line:
        """The line, made again when it is lost; every server that the address names is tried."""
        session = self._session
        if session is not None and session.line.is_open:
            return session.line
        self._drop()
        self._session = session = self._open()
        self._name, self._durability = session.name, session.durability
        self._backend = session.line.told_backend
        self._seen = None
        self._hear()
        return session.line

    def _open(self) -> Session:
        known = None if self._name is None else self._name.log_id
        return open_session(
            self._address, self._given_up, lock_sec=self._lock_sec, stall_sec=self._stall_sec, log_id=known
        )

    def _line(self) -> Line:
        assert self._session is not None
        return self._session.line

    def _ask(self, *asks: Ask, within_sec: float, after: int = 0) -> list[list[Row]]:
        """Ask outside a transaction; one that this begins is over when something is refused."""
        line = self._reach()
        try:
            found = line.ask(*asks, within_sec=within_sec)
        except ServerRefused as refused:
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
        except (ServerRefused, LineLost):
            self._drop()

    def _drop(self) -> None:
        self._holds, self._has_news, self._on_its_way = False, False, None
        if self._session is not None:
            self._session.line.close()
            self._session = None

    def _hear(self) -> None:
        self._heard_at = self.clock.elapsed()

    @staticmethod
    def _head_of(events: Sequence[StoredEvent]) -> Head:
        last = events[-1]
        return Head(last.event_id, last.recorded_at, last.digest)
