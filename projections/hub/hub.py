"""The hub: the one door to a storage. Writes are queued for the next group commit, reads go to the reading side.

Everything here runs on one event loop.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar
from uuid import uuid4

from arclog.clock import LogClock, TimeSource
from arclog.deciders.hub import (
    CancelShutdown,
    ChangeNetwork,
    HubState,
    InitiateShutdown,
    StopHub,
)
from arclog.deciders.log import EraseTexts
from arclog.deciders.preconditions import Preconditions
from arclog.engine import LogState, RemoteEngine
from arclog.errors import ArcError, StorageError
from arclog.events import SYSTEM
from arclog.events.hub import StopReason
from arclog.limits import MICROSECONDS
from arclog.machine_time import MachineTime
from arclog.progress import Progress, no_progress
from arclog.proof.findings import Finding
from arclog.sender import PRINCIPAL
from arclog.sqlite.in_place import find_size
from arclog.sqlite.readers import Readers
from arclog.sqlite.schema import get_instance_id
from arclog.sqlite.snapshot import Query
from projections.hub.alarms import Alarms
from projections.hub.arrivals import Arrivals
from projections.hub.attendance import Attendance
from projections.hub.beginning import Beginning
from projections.hub.calls import Call, tell_nobody
from projections.hub.command_handlers import Command
from projections.hub.cursors import Cursors
from projections.hub.doubt import in_doubt
from projections.hub.ending import Ending
from projections.hub.erasing import Erasing
from projections.hub.group_commit import GroupCommit
from projections.hub.inspection import Integrity
from projections.hub.inspections import Inspections
from projections.hub.lease_waits import LeaseWaits
from projections.hub.measures import Measures
from projections.hub.other_hubs import OtherHubs
from projections.hub.outcomes import Outcome
from projections.hub.reading_side import ReadingSide
from projections.hub.recorder import Recorder
from projections.hub.roots import Roots
from projections.hub.settings import Settings
from projections.hub.submission import Submission
from projections.hub.task_waits import TaskWaits
from projections.hub.waiting import Waiters
from projections.intervals import AsOf, live
from projections.search.filler import Filler

logger = logging.getLogger("arc.hub")

P = ParamSpec("P")
T = TypeVar("T")

_FOLLOWED_UP: Final = frozenset((EraseTexts, InitiateShutdown, CancelShutdown, ChangeNetwork))
"""Commands after which the hub itself has something to do."""


class Hub:
    """One hub on one storage. Open it, `start` it on a running event loop, and `stop` it there.

    Raises (when made):
        StorageError: the storage cannot be opened.
    """

    def __init__(self, settings: Settings, time: TimeSource | None = None, remote: RemoteEngine | None = None) -> None:
        self.settings = settings
        self.measures = Measures()
        self.hub_id = uuid4().hex[:8]
        state = settings.state_of(self.hub_id)
        own_clock = LogClock(time or MachineTime())
        self.roots = Roots(settings.root or settings.storage.parent, settings.find_tree)
        presence_ttl = round(settings.presence_ttl_sec * MICROSECONDS)
        self._recorder = Recorder(
            settings.storage, own_clock, settings.limits, presence_ttl, state, remote, self.roots, settings.tuning
        )
        self._remote = remote
        self._engine = self._recorder.engine
        self.clock = self._engine.clock
        self._readers = Readers(settings.storage)
        self._waiters = Waiters()
        self._other_hubs = OtherHubs(
            self._engine.changed,
            self._readers,
            self._waiters,
            lambda: self._recorder.last_event_id,
            None if remote is None else self._fetch,
        )
        self._filler = Filler(settings.storage, logger.warning) if settings.search else None
        self.reading = ReadingSide(
            self._readers,
            self._waiters,
            self._other_hubs,
            self.clock.now,
            lambda: self._recorder.last_event_id,
            self._filler,
        )
        """Pages of messages, search, and waiting."""
        self.erasing = Erasing(settings.storage, self._readers, self._filler, remote)
        self._inspections = Inspections(
            settings.storage, self.clock.now, self._tell_damage, self._filler, settings.tuning
        )
        self.alarms = Alarms()
        self._beginning = Beginning(settings, self._recorder.presence, self.reading, self._record, lambda: self.trouble)
        self.instance_id = ""

    # Life -----------------------------------------------------------------------------------------------------------

    async def start(self, url: str | None = None, progress: Progress = no_progress) -> tuple[str, ...]:
        """Take calls from now on.

        Args:
            url: where the hub can be reached, for the log.
            progress: told how far a rebuild has come, if one is needed.

        Returns:
            The names of the projections that were rebuilt.

        Raises:
            StorageError: the storage cannot be written.
        """
        self._loop = asyncio.get_running_loop()
        rebuilt = await asyncio.to_thread(self._recorder.start, progress)
        self._commits = GroupCommit(
            self._recorder,
            self.clock.now,
            Arrivals(
                self._recorder,
                self._waiters,
                self._filler,
                self.alarms,
                self._readers,
                self._inspections,
                self.erasing,
            ).tell,
            reads=lambda: self._readers.count,
            measures=self.measures,
        )
        self.measures.gauges = self._gauges()
        self.ending = Ending(self._commits.submit)
        self._waiters.head = self._recorder.last_event_id
        self._lease_waits = LeaseWaits(self._recorder.leases, self._commits, self._waiters, self.clock.now)
        self.cursors = Cursors(
            self._readers,
            lambda command, done: self._commits.submit(Call(command, done, sender=SYSTEM)),
            self.settings.tuning.write_cursors_sec,
        )
        task_waits = TaskWaits(self._waiters, self._readers, self.clock.now, lambda: self.closing)
        self.attendance = Attendance(
            self._recorder.presence,
            self._recorder.clockwork,
            self._readers,
            self.clock.now,
            self._commits.look_sooner,
        )
        """Agents that read, wait, or run a tool."""
        self._submission = Submission(
            self._commits, self._lease_waits, task_waits, self.attendance.present, self._other_hubs.watch
        )
        self.instance_id = self._readers.read(get_instance_id)
        await asyncio.to_thread(self._inspections.log.check_newest)
        await self._beginning.record(url)
        self._inspections.start()
        if self._remote is not None:
            self._other_hubs.watch()
        if self._filler is not None:
            self._filler.start()
        await self.erasing.resume()
        return rebuilt

    def _gauges(self) -> dict[str, Callable[[], float]]:
        """What there is of something now, by its name in the metrics."""
        return {
            "queue_calls": lambda: self._commits.queued,
            "wal_bytes": lambda: find_size(Path(f"{self.settings.storage}-wal")) or 0,
            "log_head": lambda: self.last_event_id,
            "log_lag_seconds": lambda: (self.log_state and self.log_state.lag_sec) or 0,
            "search_lag_events": lambda: 0 if self._filler is None else self._filler.count_behind(self.last_event_id),
            "waiters": lambda: len(self._waiters),
        }

    async def _record(self, command: Command) -> None:
        """Have a command of the hub itself recorded."""
        await self.execute(command, transport="hub", sender=SYSTEM)

    @property
    def closing(self) -> bool:
        """Whether the hub is about to end: nobody waits any more."""
        return self._waiters.closing

    def begin_closing(self) -> None:
        """Let everyone who waits go, so that requests in flight can end."""
        self._waiters.close()
        self._lease_waits.wake_all()

    async def stop(self, reason: StopReason = "signal") -> None:
        """Record the end, finish what is queued, and close the storage."""
        self.begin_closing()
        self.ending.cancel()
        moved = self.cursors.take()
        with contextlib.suppress(ArcError):
            if moved is not None:
                await self._record(moved)
            await self._record(StopHub(reason=reason))
        self._beginning.cancel()
        self._other_hubs.close()
        await self._inspections.stop()
        await self.erasing.close()
        if self._filler is not None:
            await asyncio.to_thread(self._filler.stop)
        await asyncio.to_thread(self.reading.close)  # a read that takes long ends first, and holds up nobody
        # The writer's connection is the last to be closed, since only it can empty the WAL into the file.
        await self._commits.stop()

    # Writing --------------------------------------------------------------------------------------------------------

    def execute(
        self,
        command: Command,
        *,
        transport: str = "http",
        key: str | None = None,
        request: bytes | None = None,
        former_request: bytes | None = None,
        sender: str = "",
        relies_on: Preconditions | None = None,
    ) -> Coroutine[Any, Any, Outcome]:
        """Have a command judged and, if it is accepted, its event recorded.

        What is awaited returns only when the event is on disk.

        Args:
            command: what is asked for.
            transport: the way that the call came.
            key: the caller's idempotency key; the same key with the same `request` gets the same answer again.
            request: a hash of the request.
            former_request: the same as former versions made it, which may be what is kept.
            sender: who asks, as far as the carrier knows; it counts where the command names nobody.
            relies_on: what must hold; else nothing is done.

        Raises:
            ArcError: it was refused, or could not be kept.
        """
        call = Call(command, tell_nobody, transport, key, request, sender, former_request, relies_on, PRINCIPAL.get())
        return self._execute_and_follow_up(call) if type(command) in _FOLLOWED_UP else self._submission.execute(call)

    async def _execute_and_follow_up(self, call: Call) -> Outcome:
        if isinstance(call.command, EraseTexts):
            return await self.erasing.erase(call, call.command, self._submission.execute)
        outcome = await self._submission.execute(call)
        self.ending.follow_up(call.command, self.state)
        return outcome

    def give_back(self, outcome: Outcome) -> None:
        """Free what was granted to a call that had waited for it, since its answer cannot be told."""
        self._lease_waits.give_back(outcome)

    async def execute_all(self, calls: Sequence[Call]) -> list[Outcome | ArcError]:
        """Have many commands judged in order, as many in one transaction as are there.

        Each stands for itself: one that is refused does not keep the others from being recorded. Returns only when all
        that was accepted is on disk.

        Args:
            calls: the commands, each with its idempotency key, if any; whom they tell is set here.

        Returns:
            For each call its outcome, or why it was refused.
        """
        return await self._submission.execute_all(calls)

    async def _fetch(self) -> None:
        await self._commits.look()

    # Reading --------------------------------------------------------------------------------------------------------

    def now(self) -> AsOf:
        """The present, as a moment to read at."""
        return live(self.clock.now())

    def read(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query of one statement that an index bounds, on the event loop itself."""
        return self.reading.read(query, *args, **kwargs)

    async def read_on_thread(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query that may take long, or needs several statements to see one state, on another thread."""
        return await self.reading.read_on_thread(query, *args, **kwargs)

    @property
    def state(self) -> HubState:
        """What the hub knows of itself."""
        return self._recorder.hub

    @property
    def presence_ttl_sec(self) -> float:
        """How long an agent may be silent: as the hubs have it that run on the storage already, else as it was set."""
        return self._beginning.presence_ttl_sec

    @property
    def integrity(self) -> Integrity:
        """What the hub has found out about its log and its tables by now."""
        return self._inspections.integrity

    @property
    def trouble(self) -> StorageError | None:
        """What keeps the hub from writing, as far as its last transaction tells."""
        return in_doubt() if self._recorder.doubt.exists else self._recorder.trouble

    @property
    def log_state(self) -> LogState | None:
        """What is known of the log, where that is not the storage's file."""
        return None if self._remote is None else self._remote.state

    @property
    def last_event_id(self) -> int:
        """The end of the log when this hub last wrote to it."""
        return self._recorder.last_event_id

    def _tell_damage(self, finding: Finding) -> None:
        self._loop.call_soon_threadsafe(self.alarms.tell_damage, finding)
