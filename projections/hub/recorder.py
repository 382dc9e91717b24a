"""The recorder: the one writer of a hub.

Every call that writes ends here, on the only writing connection. Calls that wait together go into one transaction:

    begin                   takes the log's lock, and sees what other hubs appended
      for each call:        an idempotency key that is known gives the first answer again; else the rules judge the
                            call against the state that the calls before it left; its event and all rows that follow
                            from it are written (`projections.hub.transaction`)
    commit                  one flush of the disk for all of them
    answers                 only now does anyone hear of it: the callers, the pollers and the streams

What if it dies between any two lines? Before the commit is on disk there is nothing, and nobody was told anything.
After it, everything is there, and a caller that missed its answer asks again under its key. If the commit fails, the
transaction is undone and every caller of the batch is told so (`projections.hub.writing_side`).

What a batch makes of the storage and of memory before its commit is in `projections.hub.staging`.
`projections.hub.group_commit` decides when a batch begins and on which thread it is flushed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from arclog.clock import LogClock
from arclog.deciders.fields import Limits
from arclog.deciders.hub import HubState
from arclog.engine import RemoteEngine
from arclog.errors import (
    ArcError,
    LockLost,
    LogAway,
    OutcomeUnknown,
    StorageBusy,
    StorageError,
    StorageGone,
    UnexpectedFailure,
)
from arclog.progress import Progress
from projections.hub.calls import Call, Commit, joined
from projections.hub.clocks import Clocks
from projections.hub.clockwork import Clockwork
from projections.hub.command_handlers import Command
from projections.hub.context import Context
from projections.hub.doubt import Doubt
from projections.hub.lease_memory import LeaseMemory
from projections.hub.outcomes import Outcome
from projections.hub.presence import Presence
from projections.hub.roots import Roots
from projections.hub.staging import Staging
from projections.hub.tuning import Tuning
from projections.hub.writing_side import WritingSide

_ATTEMPTS: Final = 3
"""How often a batch is judged at most, when the log does not take it."""


class Recorder:
    """The writer of one hub; used by one thread at a time.

    Args:
        path: the storage's file.
        clock: the log's clock.
        limits: how much one message may hold.
        presence_ttl: how long an agent may be silent, in microseconds.
        hub: what the hub knows of itself.
        remote: what keeps the log; None when it is the storage's file itself.
        roots: the folders that paths are relative to; the storage's own unless given.
        tuning: how long it waits, and how much it does at once.

    Raises:
        StorageError: the storage cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        clock: LogClock,
        limits: Limits,
        presence_ttl: int,
        hub: HubState,
        remote: RemoteEngine | None = None,
        roots: Roots | None = None,
        tuning: Tuning | None = None,
    ) -> None:
        tuning = tuning or Tuning()
        self.last_event_id = 0
        self.presence = Presence(presence_ttl, tuning.noticed_agents)
        self.trouble: StorageError | None = None
        """What the machine did to the last transaction, when that failed for it."""
        self._side = WritingSide(path, clock, remote, tuning)
        self.is_remote = remote is not None
        """Whether the log is elsewhere, so that anyone who waits for it does so on a thread."""
        self.engine = self._side.engine
        self._clock = self.engine.clock
        self.clockwork = Clockwork(
            hub.hub_id,
            self.presence,
            self._clock.elapsed,
            max_freed=tuning.freed_at_once,
            looked_at_once=tuning.looked_at_once,
        )
        self.doubt = Doubt()
        """Whether the log kept a batch, while nobody knows."""
        roots = roots or Roots(path.parent)
        self._context = Context(self._side.snapshot, self._side.writer, limits, hub, roots)
        self._clocks = Clocks(self.clockwork, self._context)
        self._staging = Staging(
            self._side,
            self._clock,
            self._context,
            self._clocks,
            self.clockwork,
            self.presence.listening,
            tuning.rules,
        )

    # Life -----------------------------------------------------------------------------------------------------------

    @property
    def hub(self) -> HubState:
        """What the hub knows of itself after the last transaction."""
        return self._context.hub

    def start(self, progress: Progress) -> tuple[str, ...]:
        """Bring the tables up to date with the log.

        Returns:
            The names of the projections that were rebuilt.

        Raises:
            StorageError: the storage cannot be written.
        """
        with self._side.errors():
            rebuilt = self._side.start(progress)
            self.trouble = self._side.away
            self.last_event_id = self._side.log.head().event_id
            self.presence.listening.begin(self._clock.now(), self._clock.slept())
            self._context.load()
            self._context.leases.load(self._side.snapshot, self.last_event_id, self._clock.now())
        return rebuilt

    def stop(self) -> None:
        """Close the storage."""
        self._side.close()

    # One transaction ------------------------------------------------------------------------------------------------

    def execute(
        self,
        command: Command,
        transport: str = "hub",
        key: str | None = None,
        request: bytes | None = None,
        sender: str = "",
    ) -> Outcome:
        """Carry out one command in a transaction of its own.

        Raises:
            ArcError: it was refused, or could not be kept.
        """
        results: list[Outcome | ArcError] = []
        self.transact([Call(command, results.append, transport, key, request, sender)]).tell()
        (result,) = results
        if isinstance(result, ArcError):
            raise result
        return result

    def transact(self, calls: Sequence[Call]) -> Commit:
        """Carry out some calls in one transaction, flushed; nobody was told yet."""
        return self.flush(self._stage_waiting(calls))

    def take_lock(self) -> StorageError | None:
        """Wait for the log's lock; the next `stage` goes on from there.

        Returns:
            Why it could not be had.
        """
        try:
            with self._side.errors():
                self._staging.begin(wait=True)
        except StorageError as error:
            return error
        return None

    def follow(self) -> Commit:
        """Bring the storage to the head of a log elsewhere, without its lock."""
        try:
            commit = self._staging.follow(self.last_event_id)
        except StorageError as error:
            self._staging.undo(error)
            return self.refuse([], error)
        if isinstance(self.trouble, LogAway):
            self.trouble = None
        self.last_event_id = commit.head
        return commit

    def stop_waiting(self) -> None:
        """The hub ends: nothing is waited for without an end. Called on any thread."""
        self.doubt.stop_waiting()
        if self._side.remote is not None:
            self._side.remote.stop_waiting()

    def stage(self, calls: Sequence[Call], *, wait: bool = True) -> Commit | None:
        """Judge some calls in order and write what follows from them, in a transaction that is not flushed yet.

        A call that cannot be carried out for a fault of ours never costs the others their answer: each then gets a
        transaction of its own.

        Args:
            calls: the calls.
            wait: whether to wait when another process holds the log's lock.

        Returns:
            The transaction, to be given to `flush`; None when another process holds the lock and `wait` is false.
        """
        try:
            foreign = self._staging.begin(wait)
        except StorageBusy as error:
            return self.refuse(calls, error) if wait else None
        except StorageError as error:
            self._staging.undo(error)
            return self.refuse(calls, error)
        try:
            with self._side.errors():
                return self._staging.write(calls, foreign)
        except StorageError as error:
            self._staging.undo(error)
            return self.refuse(calls, error)
        except Exception as error:  # noqa: BLE001 - the hub must outlive any fault, and every caller be told
            self._staging.undo(error)
            if len(calls) <= 1:
                return self.refuse(calls, UnexpectedFailure(error))
            return self._one_by_one(calls)

    def hasten(self) -> None:
        """Before `flush`: put the staged transaction on its way to a log elsewhere, for whose lock others wait."""
        if not self._side.is_lost:
            self._side.hasten()

    def flush(self, commit: Commit) -> Commit:
        """Have the log keep a staged transaction.

        A batch that the log did not take, since its lock was lost or its answer turned out to be no, is judged again at
        the head that the log has by then. Nobody was told anything yet.

        Returns:
            The transaction; or one that tells every caller why nothing of it was kept.
        """
        attempts = 0
        while commit.staged:
            attempts += 1
            try:
                self._commit()
            except LockLost as lost:
                self._staging.undo(lost)
                if attempts == _ATTEMPTS:
                    return self.refuse(commit.calls, lost)
                commit = self._stage_waiting(commit.calls)
            except StorageError as error:
                self._staging.undo(error)
                return self.refuse(commit.calls, error)
            else:
                self.last_event_id = commit.head
                if commit.head != commit.after:  # a transaction that wrote nothing proves nothing
                    self.trouble = None
                self.presence.listening.succeed()
                self._context.leases.keep(commit.head)
                break
        return commit

    def _commit(self) -> None:
        try:
            self._side.commit()
        except OutcomeUnknown:
            if not self.doubt.resolve(self._side.was_kept):
                raise LockLost from None
            self._side.keep()

    def recover(self, calls: Sequence[Call], error: Exception) -> Commit:
        """After a fault that nothing expects: undo what was staged, and tell every caller."""
        self._staging.undo(error)
        return self.refuse(calls, UnexpectedFailure(error))

    def refuse(self, calls: Sequence[Call], error: ArcError) -> Commit:
        """Tell every caller the same error."""
        if isinstance(error, StorageError) and not isinstance(error, StorageBusy):
            self.trouble = error
        return Commit(self.last_event_id, self.last_event_id, [], [(call, error) for call in calls])

    @property
    def gone(self) -> StorageGone | None:
        """Why nothing is written any more, until the hub is started again: a file of the storage was taken away."""
        return self._side.gone

    def is_in_place(self) -> bool:
        """Whether the storage's files are where they were; if not, the next transaction saves what it can."""
        return self._side.is_in_place()

    @property
    def copies_much(self) -> bool:
        """Whether the next flush copies much of the WAL into the database besides."""
        return self._side.copies_much

    def _stage_waiting(self, calls: Sequence[Call]) -> Commit:
        commit = self.stage(calls)
        assert commit is not None  # it waits
        return commit

    def _one_by_one(self, calls: Sequence[Call]) -> Commit:
        return joined([self.transact([call]) for call in calls])

    # The clocks -----------------------------------------------------------------------------------------------------

    @property
    def next_due_at(self) -> int:
        """When something may be due, leases that are waited for included."""
        return self._clocks.next_due_at

    @property
    def leases(self) -> LeaseMemory:
        """Who holds what and who waits, after the last transaction; and the calls of this hub that wait."""
        return self._context.leases

    def heed_time(self) -> None:
        """Before a batch, or a look at what is due: if that comes much later than it was to, the hub stood still."""
        expected_at = self._clocks.expected_at
        if expected_at is not None:
            self.presence.listening.heed_time(self._clock.now(), expected_at)

    def is_due(self) -> bool:
        """Whether something is to be done though nobody calls, found without taking the log's lock."""
        now = self._clock.now()
        if self.gone is not None:
            self._clocks.put_off(now)
            return False
        try:
            with self._side.errors():
                return self._clocks.is_due(self._side.snapshot, now)
        except Exception as error:  # noqa: BLE001 - the batch that follows meets a fault of ours too, and undoes it
            self._clocks.put_off(now)
            return self._side.is_lost or not isinstance(error, StorageError)
