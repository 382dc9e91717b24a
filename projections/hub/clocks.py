"""The clocks of one hub: what is due though nobody calls, and when to look for it.

    clockwork     sessions and what they held; vouching
    task_clock    leases on tasks, deadlines of questions
    wake_clock    agents that are to be called
    leases        places in the queue, and those whose hub is gone

After a fault nothing is tried for a second. Nor is it while the log follows rules that this hub does not know: what is
due then stays due until a hub comes that knows them.
"""

from collections.abc import Callable, Collection
from typing import Final

from arclog.events import Event
from arclog.sqlite.snapshot import Snapshot
from projections.hub.clockwork import Clockwork
from projections.hub.context import Context
from projections.hub.task_clock import TaskClock
from projections.hub.wake_clock import WakeClock
from projections.tasks import CONCERNING_TASKS
from projections.wakes import CONCERNING_WAKES

TRY_AGAIN: Final = 1_000_000
"""How long after a fault what is due is tried again, in microseconds."""


class Clocks:
    """What is due; all times are microseconds of the log's clock.

    Args:
        clockwork: what is due by silence.
        context: what is due for claims and locks, and what calls are judged against.
    """

    def __init__(self, clockwork: Clockwork, context: Context) -> None:
        self._clockwork = clockwork
        self._context = context
        self._tasks = TaskClock()
        self._wakes = WakeClock()
        self._not_before = 0

    @property
    def next_due_at(self) -> int:
        """When something may be due, leases that are waited for included."""
        soonest = min(self._clockwork.next_at, self._tasks.next_at, self._wakes.next_at)
        if self._context.leases.calls.has_places:
            lease_at = self._context.leases.next_look_at()
            orphans_at = self._context.leases.next_orphans_at()
            soonest = min(at for at in (soonest, lease_at, orphans_at) if at is not None)
        return max(soonest, self._not_before)

    @property
    def expected_at(self) -> int | None:
        """When the hub meant to look at its clock; None when it has not decided that yet."""
        return max(self._clockwork.next_at, self._not_before) if self._clockwork.next_at else None

    def settle(self, now: int, append: Callable[[Event], object] | None) -> None:
        """Do what is due for tasks and wakes, in the transaction.

        Args:
            now: its time.
            append: takes each event that follows; None where nothing may be decided.
        """
        if append is None:
            self.put_off(now)
            return
        if now >= self._tasks.next_at:
            self._tasks.settle(self._context, now, append)
        if now >= self._wakes.next_at:
            self._wakes.settle(self._context.snapshot, now, append)

    def look_again_after(self, types: Collection[str]) -> None:
        """Other hubs appended events of these types."""
        self.look_again(
            tasks=not CONCERNING_TASKS.isdisjoint(types),
            wakes=not CONCERNING_WAKES.isdisjoint(types),
        )

    def look_again(self, *, tasks: bool, wakes: bool) -> None:
        """Something became of a task, or of a wake."""
        if tasks:
            self._tasks.look_again()
        if wakes:
            self._wakes.look_again()

    def fail(self, now: int) -> None:
        """What was settled came to nothing: it is due again with the next call, or in a second."""
        self._clockwork.forget()
        self.look_again(tasks=True, wakes=True)
        self.put_off(now)

    def put_off(self, now: int) -> None:
        """Try nothing for a second."""
        self._not_before = now + TRY_AGAIN

    def is_due(self, snapshot: Snapshot, now: int) -> bool:
        """Whether something is to be done now, found by reading only.

        Raises:
            StorageError: the storage cannot be read.
        """
        leases = self._context.leases
        lease_at = leases.next_look_at()
        if lease_at is not None and max(lease_at, self._not_before) <= now:
            return True
        if now < self.next_due_at:
            return False
        if leases.look_for_orphans(snapshot, now):
            return True
        if max(self._tasks.next_at, self._not_before) <= now and self._tasks.prepare(snapshot, now):
            return True
        if self._wakes.next_at <= now and self._wakes.prepare(snapshot, now):
            return True
        return self._clockwork.prepare(snapshot, now)
