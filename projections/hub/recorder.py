"""The recorder: the one writer of a hub, and what a transaction is made of.

Every call that writes ends here, on the only writing connection. Calls that wait together go into one transaction:

    BEGIN IMMEDIATE         takes the file's write lock, and sees what other hubs on the file appended
      for each call:        an idempotency key that is known gives the first answer again; else the rules handle the
                            call against the state that the calls before it left; its event and all rows that follow
                            from it are written
    COMMIT                  one flush of the disk for all of them (synchronous = FULL)
    answers                 only now does anyone hear of it: the callers, the pollers and the streams

What if it dies between any two lines? Before the commit is on disk there is nothing, and nobody was told anything.
After it, everything is there, and a caller that missed its answer asks again under its key. If the commit fails, the
transaction is undone and every caller of the batch is told so. After a fault of the disk the kernel may have dropped
the pages that it could not write, so the connection is closed and a new one recovers from the file before anything
else is answered.

`projections.hub.group_commit` decides when a batch begins and on which thread it is flushed.
"""

import contextlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import apsw

from arclog.clock import LogClock
from arclog.codec import Metadata, RecordedEvent
from arclog.deciders.fields import Limits
from arclog.deciders.hub import HubState
from arclog.deciders.sessions import SeeAgent, seen_interval
from arclog.errors import ArcError, InvalidInput, KeyReused, StorageBusy, StorageError, UnexpectedFailure
from arclog.events import (
    AgentSeen,
    Event,
    MessagePosted,
    SessionOpened,
)
from arclog.events.channels import ANONYMOUS
from arclog.progress import Progress
from arclog.sqlite.connection import storage_error
from arclog.sqlite.log import Log, find_event
from arclog.sqlite.schema import open_storage
from arclog.sqlite.wal import Checkpointer
from projections.all_projectors import project
from projections.checkpoints import advance
from projections.hub.answers import Outcome, answer, answer_now
from projections.hub.calls import Call, Commit
from projections.hub.command_handlers import Command, Context, handle, sender_of
from projections.hub.first_start import prepare
from projections.hub.presence import Listening, look, sweep
from projections.intervals import live
from projections.live_writer import LiveWriter
from projections.messages import PostedMessage

_TRY_AGAIN: Final = 1_000_000
"""How long after a failure presence is looked at again, in microseconds."""


class Recorder:
    """The writer of one hub; used by one thread at a time.

    Args:
        path: the storage's file.
        clock: the log's clock.
        limits: how much one message may hold.
        presence_ttl: how long an agent may be silent, in microseconds.
        hub: what the hub knows of itself.

    Raises:
        StorageError: the storage cannot be opened.
    """

    def __init__(self, path: Path, clock: LogClock, limits: Limits, presence_ttl: int, hub: HubState) -> None:
        self.present: Counter[str] = Counter()
        """Agents that wait in a poll or a stream of this hub, and how often."""
        self.last_event_id = 0
        self.next_look_at = 0
        """When presence is to be looked at, in microseconds of the log's clock."""
        self._listening = Listening(presence_ttl)
        self._undone = False
        """Whether what was done about presence was undone, and must be done again before any rule judges."""
        self._lost = False
        """Whether the connection was closed after a fault of the disk, and could not be opened again yet."""
        self._path = path
        self._clock = clock
        self._presence_ttl = presence_ttl
        self._checkpointer = Checkpointer(path)
        self._open(limits, hub)

    def _open(self, limits: Limits, hub: HubState) -> None:
        connection = open_storage(self._path)
        self._checkpointer.watch(connection)
        self._connection = connection
        self._writer = LiveWriter(connection)
        self._log = Log(connection, self._path, self._clock)
        self._context = Context(connection, self._writer, limits, self._presence_ttl, hub)

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
        rebuilt = prepare(self._log, progress)
        self.last_event_id = self._log.head().event_id
        self._listening.begin(self._clock.now(), self._clock.slept())
        self._checkpointer.start()
        return rebuilt

    def stop(self) -> None:
        """Close the connection."""
        self._checkpointer.stop()
        self._connection.close()

    def execute(
        self, command: Command, transport: str = "hub", key: str | None = None, request: bytes | None = None
    ) -> Outcome:
        """Carry out one command in a transaction of its own.

        Raises:
            ArcError: it was refused, or could not be kept.
        """
        results: list[Outcome | ArcError] = []
        self.transact([Call(command, results.append, transport, key, request)]).tell()
        (result,) = results
        if isinstance(result, ArcError):
            raise result
        return result

    def transact(self, calls: Sequence[Call]) -> Commit:
        """Carry out some calls in one transaction, flushed; nobody was told yet."""
        commit = self.stage(calls)
        assert commit is not None
        return self.flush(commit)

    @property
    def checkpoint_is_due(self) -> bool:
        """Whether the next flush copies much of the WAL into the database besides."""
        return self._checkpointer.is_due

    def is_due(self) -> bool:
        """Whether presence asks for a transaction, found without taking the write lock."""
        now = self._clock.now()
        if now < self.next_look_at:
            return False
        try:
            due = look(self._connection, self.present, self._presence_ttl, now, self._listening.since)
        except apsw.Error:
            self.next_look_at = now + _TRY_AGAIN
            return self._lost
        self.next_look_at = due.next_at
        return due.now

    def take_lock(self) -> StorageError | None:
        """Wait for the file's write lock; the next `stage` goes on from there.

        Returns:
            Why it could not be had.
        """
        try:
            self._log.begin()
        except (StorageError, apsw.Error) as error:
            with contextlib.suppress(apsw.Error):
                self._log.rollback()  # the lock may be held already, and nobody else could write until the next call
            return error if isinstance(error, StorageError) else storage_error(self._path, error)
        return None

    def stage(self, calls: Sequence[Call], *, wait: bool = True) -> Commit | None:
        """Judge some calls in order and write what follows from them, in a transaction that is not flushed yet.

        A call that cannot be carried out for a fault of ours never costs the others their answer: each then gets a
        transaction of its own.

        Args:
            calls: the calls.
            wait: whether to wait when another process holds the write lock.

        Returns:
            The transaction, to be given to `flush`; None when another process holds the lock and `wait` is false.
        """
        try:
            return self._stage(calls, wait)
        except StorageBusy as error:
            return self.refuse(calls, error) if wait else None
        except StorageError as error:
            return self.refuse(calls, error)
        except Exception as error:  # noqa: BLE001 - the hub must outlive any fault, and every caller be told
            self._log.rollback()
            self._undo()
            if len(calls) <= 1:
                return self.refuse(calls, UnexpectedFailure(error))
            return self._one_by_one(calls)

    def flush(self, commit: Commit) -> Commit:
        """Put a staged transaction on disk.

        Returns:
            The same, or one that tells every caller why nothing of it was kept.
        """
        if not commit.staged:
            return commit
        hub_before, copies = self._hub_before, self._checkpointer.is_due
        try:
            self._log.commit()
        except StorageError as error:
            self._context.hub = hub_before
            # If the storage cannot be opened again, the next transaction tries it once more, and tells its callers.
            with contextlib.suppress(StorageError, apsw.Error):
                self._recover(error)
            return self.refuse([call for call, _result in commit.answers], error)
        self.last_event_id = commit.head
        self._listening.hear()
        if copies:
            with contextlib.suppress(apsw.Error):
                self._checkpointer.finish_copy(self._connection)
        return commit

    def _stage(self, calls: Sequence[Call], wait: bool) -> Commit:
        self._hub_before = self._context.hub
        try:
            if self._lost:
                self._reopen()
            foreign = self._log.begin(wait)
            if foreign:
                self._forget()
            after = self._log.head().event_id
            messages: list[PostedMessage] = []
            now = self._log.now()
            self._listening.try_again(now, self._clock.slept())
            if now >= self.next_look_at or self._undone:
                self._sweep(now, messages)
            answers = [(call, self._execute(call, now, messages)) for call in calls]
            head = self._log.head().event_id
            if head != after:
                advance(self._connection, head)
        except StorageBusy:
            if not self._lost:
                self._log.rollback()  # no rule has judged yet, and presence need not be looked at again
            raise
        except (apsw.Error, StorageError) as error:
            self._context.hub = self._hub_before
            self._recover(error)
            if isinstance(error, apsw.Error):
                raise storage_error(self._path, error) from error
            raise
        except BaseException:
            self._context.hub = self._hub_before
            raise
        return Commit(after, head, messages, answers, foreign, staged=True)

    def _one_by_one(self, calls: Sequence[Call]) -> Commit:
        commits = [self.transact([call]) for call in calls]
        return Commit(
            commits[0].after,
            commits[-1].head,
            [message for commit in commits for message in commit.messages],
            [answer for commit in commits for answer in commit.answers],
            foreign=True,
        )

    def abandon(self, calls: Sequence[Call], error: Exception) -> Commit:
        """After a fault that nothing expects: undo what was staged, and tell every caller."""
        self._undo()
        try:
            self._log.rollback()
        except apsw.Error:
            self._lost = True
        return self.refuse(calls, UnexpectedFailure(error))

    def refuse(self, calls: Sequence[Call], error: ArcError) -> Commit:
        """Tell every caller the same error."""
        return Commit(self.last_event_id, self.last_event_id, [], [(call, error) for call in calls])

    def _recover(self, error: Exception) -> None:
        """Undo a transaction that the storage refused; after a fault of the disk, on a new connection."""
        self._undo()
        cause = error.__cause__ if isinstance(error, StorageError) else error
        try:
            self._log.rollback()
        except apsw.Error:
            cause = apsw.IOError()
        if isinstance(cause, apsw.IOError):
            self._lost = True
            with contextlib.suppress(apsw.Error):
                self._connection.close(True)
            self._reopen()

    def _reopen(self) -> None:
        """Recover from the file, which must be the one that was open."""
        self._log.check_in_place()
        self._open(self._context.limits, self._context.hub)
        self._lost = False

    def _undo(self) -> None:
        """A transaction came to nothing: presence is looked at again with the next call, or in a second."""
        self._forget()
        self._undone = True
        now = self._clock.now()
        self._listening.fail(now)
        self.next_look_at = now + _TRY_AGAIN

    def _forget(self) -> None:
        """What was remembered of the tables may no longer be so."""
        self._context.known_channels.clear()
        self._writer.memory.clear()

    def _sweep(self, now: int, messages: list[PostedMessage]) -> None:
        metadata = Metadata("hub")

        def append(event: Event) -> None:
            self._append(event, now, metadata, None, messages)

        place = (self._connection, self.present, self._presence_ttl, now, self._listening.since)
        sweep(*place, append)
        self.next_look_at = look(*place).next_at
        self._undone = False

    def _execute(self, call: Call, now: int, messages: list[PostedMessage]) -> Outcome | ArcError:
        try:
            return self._carry_out(call, now, messages)
        except UnicodeEncodeError:
            # Text meets an encoder before it meets the log, so nothing of the call was written.
            return InvalidInput("text", "holds half of a surrogate pair, which is no text")

    def _carry_out(self, call: Call, now: int, messages: list[PostedMessage]) -> Outcome | ArcError:
        try:
            if call.key is not None:
                first = self._find_first(sender_of(call.command), call.key, call.request)
                if first is not None:
                    self._see(call, now, messages)
                    return first
            decision = handle(self._context, call.command, live(now))
        except ArcError as error:
            if isinstance(error, StorageError):
                raise
            self._see(call, now, messages)
            return error
        if isinstance(decision, Outcome):
            self._see(call, now, messages)
            return decision
        metadata = Metadata(call.transport, call.key, call.request)
        sender = None if call.key is None else sender_of(call.command)
        event, message = self._append(decision, now, metadata, sender, messages)
        if message is not None and isinstance(decision, MessagePosted):
            return Outcome(message.json, event.event_id, created=True)
        self._context.learn(event.data)
        if isinstance(event.data, SessionOpened | AgentSeen):
            self._look_soon(now)
        return answer_now(self._writer, self._connection, event, self._context.hub)

    def _append(
        self, data: Event, now: int, metadata: Metadata, sender: str | None, messages: list[PostedMessage]
    ) -> tuple[RecordedEvent, PostedMessage | None]:
        event = self._log.append(data, now, metadata, sender)
        message = project(self._writer, event)
        if message is not None:
            messages.append(message)
        return event, message

    def _find_first(self, sender: str, key: str, request: bytes | None) -> Outcome | None:
        kept = self._log.find_key(sender, key)
        if kept is None:
            return None
        if kept.request != (request or b""):
            raise KeyReused(key, kept.event_id)
        stored = find_event(self._connection, kept.event_id)
        assert stored is not None
        return answer(self._connection, stored.decode(), self._context.hub)

    def _see(self, call: Call, now: int, messages: list[PostedMessage]) -> None:
        """A call that appended nothing shows all the same that its agent is there."""
        agent_id = sender_of(call.command)
        if isinstance(call.command, SeeAgent):
            self._look_soon(now)
            return
        if agent_id == ANONYMOUS:
            return
        seen = handle(self._context, SeeAgent(agent_id=agent_id), live(now))
        if not isinstance(seen, Outcome):
            self._append(seen, now, Metadata(call.transport), None, messages)

    def _look_soon(self, now: int) -> None:
        """Somebody came: look at presence in time to note that it waits here, or to end its session."""
        self.next_look_at = min(self.next_look_at, now + seen_interval(self._presence_ttl))
