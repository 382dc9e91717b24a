"""A log in memory that several hubs share, and everything that can go wrong with one that is far away."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from msgspec.structs import replace

from arclog.clock import LogClock, TimeSource
from arclog.codec import StoredEvent
from arclog.digest import GENESIS, digest_of
from arclog.engine import Head, LogName, LogState, Moved
from arclog.errors import LockLost, LogAway, LogReplaced, OutcomeUnknown, StorageBusy
from arclog.events import PayloadErased
from arclog.machine_time import MachineTime

BUSY_SEC = 10.0
SAFETY_SEC = 0.05


@dataclass
class MemoryLog:
    """What the engines of several hubs share.

    Attributes:
        events: the log.
        is_away: whether nobody can reach it.
        loses_answer: what becomes of the next batch, whose answer is lost on the way.
        loses_lock: how many batches from now on find that their lock has ended.
        stall: called in each `append`, while the lock is held.
        busy_sec: how long a hub waits for another's lock.
        log_id: which log it is.
    """

    events: list[StoredEvent] = field(default_factory=list)
    is_away: bool = False
    loses_answer: Literal["kept", "not kept"] | None = None
    loses_lock: int = 0
    stall: Callable[[], None] = lambda: None
    busy_sec: float = BUSY_SEC
    log_id: str = "memory"
    offsets: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    joined: "list[MemoryEngine]" = field(default_factory=list)

    def join(self, time: TimeSource | None = None) -> "MemoryEngine":
        """What one more hub writes through."""
        engine = MemoryEngine(self, time or MachineTime())
        self.joined.append(engine)
        return engine

    def restore(self, event_id: int) -> None:
        """Take the log back to how it was after an event."""
        del self.events[event_id:]

    def head(self) -> Head:
        if not self.events:
            return Head()
        last = self.events[-1]
        return Head(last.event_id, last.recorded_at, last.digest)


class MemoryEngine:
    """The shared log, for one hub."""

    is_remote = True

    def __init__(self, log: MemoryLog, time: TimeSource) -> None:
        self.clock = LogClock(time)
        self._log = log
        self._holds = False
        self._seen: tuple[int, bytes] | None = None
        """The end of the log when this hub last let go of the lock."""
        self._told = threading.Event()
        self._lag_sec = 0.0

    def hold(self, after: int, digest: bytes, *, wait: bool) -> Moved | None:
        log = self._log
        self._reach()
        if not wait or not log.lock.acquire(timeout=log.busy_sec):
            raise StorageBusy("another hub holds the log's lock: try again in a moment")
        self._holds = True
        try:
            self._reach()
            self._check(after, digest)
            self._set_clock()
        except BaseException:
            self.release()
            raise
        head = log.head()
        if self._seen == (after, digest) == (head.event_id, head.digest):
            return None
        return Moved(head, [event for event in log.events if event.event_id > after])

    def append(self, events: Sequence[StoredEvent]) -> None:
        log = self._log
        try:
            if not events:
                self._seen = (log.head().event_id, log.head().digest)
                return
            log.stall()
            self._reach()
            if log.loses_lock:
                log.loses_lock -= 1
                raise LockLost
            answer, log.loses_answer = log.loses_answer, None
            if answer != "not kept":
                self._keep(events)
            if answer is not None:
                raise OutcomeUnknown
            self.clock.ease()
            log.offsets[self.clock.boot_id] = self.clock.offset
            head = log.head()
            self._seen = (head.event_id, head.digest)
        finally:
            self.release()

    def hasten(self, events: Sequence[StoredEvent]) -> None:
        pass

    def release(self) -> None:
        if self._holds:
            self._holds = False
            self._log.lock.release()

    def read(self, after: int, limit: int, *, wait: bool = True) -> Sequence[StoredEvent]:
        self._reach()
        return [event for event in self._log.events if event.event_id > after][:limit]

    def identify(self) -> LogName:
        self._reach()
        return LogName(self._log.log_id, self._log.log_id)

    @property
    def state(self) -> LogState:
        lag_sec = self._lag_sec if self._log.is_away else 0.0
        return LogState("memory", "memory", self._log.log_id, "one process's memory", is_copied=False, lag_sec=lag_sec)

    def has_kept(self, event: StoredEvent) -> bool:
        found = self.read(event.event_id - 1, 1)
        return bool(found) and found[0].digest == event.digest

    def scrub(self, erasure: int) -> bool:
        return True

    def expect(self, name: LogName, lag: int) -> None:
        self._lag_sec = lag / 1_000_000

    def stop_waiting(self) -> None:
        pass

    async def changed(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + SAFETY_SEC
        while not self._told.is_set() and loop.time() < until:  # noqa: ASYNC110 - other hubs are on other threads
            await asyncio.sleep(0.002)
        self._told.clear()

    def close(self) -> None:
        self.release()

    def _reach(self) -> None:
        if self._log.is_away:
            raise LogAway("the line is dead")

    def _check(self, after: int, digest: bytes) -> None:
        known = next((event.digest for event in self._log.events if event.event_id == after), None)
        if (known or GENESIS) != digest or (after > 0 and known is None):
            raise LogReplaced(after)

    def _set_clock(self) -> None:
        log, clock = self._log, self.clock
        kept = log.offsets.get(clock.boot_id)
        if kept is None:
            clock.offset += max(0, log.head().recorded_at - clock.now())
        else:
            clock.offset = kept
        log.offsets[clock.boot_id] = clock.offset

    def _erase(self, event: StoredEvent) -> None:
        """What an event erased is here no more either."""
        data = event.decode().data
        if isinstance(data, PayloadErased):
            left = {one.event_id: one.data for one in data.events}
            self._log.events[:] = [replace(one, data=left.get(one.event_id, one.data)) for one in self._log.events]

    def _keep(self, events: Sequence[StoredEvent]) -> None:
        log = self._log
        previous = log.head()
        for event in events:
            assert event.event_id > previous.event_id
            assert digest_of(previous.digest, event) == event.digest
            previous = Head(event.event_id, event.recorded_at, event.digest)
        log.events.extend(events)
        for event in events:
            self._erase(event)
        for other in log.joined:
            if other is not self and events:
                other._told.set()
