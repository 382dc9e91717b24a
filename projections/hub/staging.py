"""A batch before it is flushed: what it makes of the storage and of what the hub remembers, and how that is undone.

The recorder decides what comes of it: a flush, another try, or a refusal that every caller is told.
"""

from collections.abc import Sequence
from typing import Final

from arclog.clock import LogClock
from arclog.events import PayloadErased
from projections.hub.calls import Call, Commit
from projections.hub.clocks import Clocks
from projections.hub.clockwork import Clockwork
from projections.hub.context import Context
from projections.hub.lease_settling import collect_told
from projections.hub.presence import Listening
from projections.hub.transaction import Transaction
from projections.hub.writing_side import WritingSide
from projections.messages import posted_by
from projections.tasks import CONCERNING_TASKS

NOWHERE: Final = -1
"""No event: what begins here follows on nothing that anybody has been told of."""


class Staging:
    """Writes batches of calls into a transaction; used by one thread at a time.

    Args:
        side: the writing connection, and the log.
        clock: the log's clock.
        context: what calls are judged against.
        clocks: what is due though nobody calls.
        clockwork: what of it is due by silence.
        listening: since when the hub has been there to hear anybody.
        known_rules: the newest rules of the log that this hub knows.
    """

    def __init__(
        self,
        side: WritingSide,
        clock: LogClock,
        context: Context,
        clocks: Clocks,
        clockwork: Clockwork,
        listening: Listening,
        known_rules: int,
    ) -> None:
        self._side = side
        self._clock = clock
        self._context = context
        self._clocks = clocks
        self._clockwork = clockwork
        self._listening = listening
        self._known_rules = known_rules
        self._hub_before = context.hub
        self._has_erasure = False
        """Whether another hub erased something, of which no commit has told yet."""

    def begin(self, wait: bool) -> bool:
        """Take the log's lock, and see what other hubs appended; nothing is done where that was done already.

        Args:
            wait: whether to wait when another process holds the lock.

        Returns:
            Whether others may have appended something.

        Raises:
            StorageBusy: another process holds the lock.
            StorageError: the storage cannot be used.
        """
        self._hub_before = self._context.hub
        types = self._side.begin(wait)
        if types is None:
            return False
        self._context.forget_after(types)
        self._clocks.look_again_after(types)
        self._has_erasure |= PayloadErased.type in types
        return True

    def write(self, calls: Sequence[Call], foreign: bool) -> Commit:
        """Judge some calls in order, and write what follows from them and what is due."""
        transaction = Transaction(self._side.log, self._context, self._clockwork, self._known_rules)
        if transaction.now >= self._clockwork.next_at or self._listening.is_failing:  # else nobody is judged by silence
            self._listening.try_again(transaction.now, self._clock.slept())
        leases, snapshot = self._context.leases, self._context.snapshot
        leases.begin(snapshot, transaction.after, transaction.now)
        transaction.settle()
        self._clocks.settle(transaction.now, transaction.append_ours if transaction.decides else None)
        answers = [(call, transaction.carry_out(call)) for call in calls]
        if leases.concerns_us:
            transaction.settle_leases()
        told = collect_told(leases, snapshot, transaction.now) if leases.ended else []
        if transaction.has_work or transaction.has_wakes:
            self._clocks.look_again(tasks=transaction.has_work, wakes=transaction.has_wakes)
        head = self._side.log.head_id
        if head != transaction.after:
            self._side.end_batch(head, ends=transaction.ends)
        has_erasure, self._has_erasure = self._has_erasure, False
        return Commit(
            transaction.after,
            head,
            transaction.messages,
            answers,
            told,
            foreign,
            staged=True,
            has_work=transaction.has_work,
            has_erasure=has_erasure,
        )

    def follow(self, after: int) -> Commit:
        """Bring the storage to the head of a log elsewhere, without its lock.

        Args:
            after: the last event that is known here.

        Raises:
            StorageError: the log, or the storage, cannot be used.
        """
        came = self._side.follow()
        if came is not None and not came:
            return Commit(after, after, [], [])
        self._forget()
        self._clocks.look_again(tasks=True, wakes=False)
        head = self._side.log.head().event_id
        if came is None:  # no commit ends there, so everyone who waits reads again
            return Commit(NOWHERE, head, [], [], has_work=True, has_erasure=True)
        messages = [message for event in came for message in posted_by(event)]
        types = {event.data.type for event in came}
        has_work, has_erasure = not types.isdisjoint(CONCERNING_TASKS), PayloadErased.type in types
        return Commit(after, head, messages, [], has_work=has_work, has_erasure=has_erasure)

    def undo(self, error: Exception) -> None:
        """A transaction came to nothing: nothing of it stays, in the storage or in memory.

        What was due is due again with the next call, or in a second.
        """
        self._side.undo(error)
        self._context.attach(self._side.snapshot, self._side.writer)
        self._context.hub = self._hub_before
        self._forget()
        now = self._clock.now()
        self._clocks.fail(now)
        self._context.leases.forget(now)
        self._listening.fail(now)

    def _forget(self) -> None:
        """What was remembered of the tables may no longer be so."""
        self._context.forget()
        self._side.writer.memory.clear()
