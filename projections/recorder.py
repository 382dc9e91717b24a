"""The recorder: the one writer, and group commit.

Every call that writes ends here, on one thread with the only writing connection. The thread takes all calls that wait,
and puts them into one transaction:

    BEGIN IMMEDIATE         takes the file's write lock, and sees what other hubs on the file appended
      for each call:        an idempotency key that is known gives the first answer again; else the rules judge the
                            call against the state that the calls before it left; its event and all rows that follow
                            from it are written
    COMMIT                  one flush of the disk for all of them (synchronous = FULL)
    answers                 only now does anyone hear of it: the callers, the pollers and the streams

While the disk flushes, further calls gather and form the next batch, so the rate grows with the load.

What if it dies between any two lines? Before the commit is on disk there is nothing, and nobody was told anything.
After it, everything is there, and a caller that missed its answer asks again under its key. If the commit fails, the
transaction is undone and every caller of the batch is told so. After a failed flush the kernel may have dropped the
pages that it could not write, so the connection is closed and a new one recovers from the file before anything else is
answered.
"""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue

import apsw
import msgspec
from msgspec import Struct

from arclog.checkpoint import Checkpointer
from arclog.clock import LogClock
from arclog.codec import Metadata, RecordedEvent
from arclog.connection import storage_error
from arclog.deciders.fields import Limits
from arclog.deciders.hub import HubState
from arclog.deciders.sessions import SeeAgent, seen_interval
from arclog.errors import ArcError, HubStopping, KeyReused, StorageError
from arclog.events import (
    AgentSeen,
    Event,
    MessagePosted,
    NetworkChanged,
    SessionOpened,
    ShutdownCancelled,
    ShutdownFired,
    ShutdownInitiated,
)
from arclog.events.channels import ANONYMOUS
from arclog.schema import open_storage
from arclog.store import Log, find_event
from projections.answers import Outcome, answer
from projections.catalog import advance, project
from projections.founding import prepare
from projections.intervals import add_functions, live
from projections.judge import Command, Court, judge, sender_of
from projections.messages import PostedMessage
from projections.presence import look, sweep
from projections.projector import DirectWriter
from projections.rebuild import Progress

MAX_BATCH = 512
"""Calls in one transaction at most, so that the first of them does not wait for too many others."""


class Call(Struct):
    """A command on its way, and whom to tell.

    Attributes:
        command: what is asked for.
        transport: the road it took.
        key: the caller's idempotency key.
        request: a hash of the request that the key belongs to.
        done: called once on the recorder's thread, with the outcome or the error, by `Commit.tell`.
    """

    command: Command
    done: Callable[[Outcome | ArcError], None]
    transport: str = "hub"
    key: str | None = None
    request: bytes | None = None


class Commit(Struct):
    """A transaction that is over.

    Attributes:
        after: the end of the log before it.
        head: the end of the log after it.
        messages: what was said in it.
        answers: what each call is to be told.
    """

    after: int
    head: int
    messages: list[PostedMessage]
    answers: list[tuple[Call, Outcome | ArcError]]

    def tell(self) -> None:
        """Give every caller its answer."""
        for call, result in self.answers:
            call.done(result)


class Recorder:
    """The writer thread of one hub.

    Args:
        path: the storage's file.
        clock: the log's clock.
        limits: how much one message may hold.
        presence_ttl: how long an agent may be silent, in microseconds.
        hub: what the hub knows of itself.
        publish: told of every transaction, on the recorder's thread; it is to call `Commit.tell`.
    """

    def __init__(
        self,
        path: Path,
        clock: LogClock,
        limits: Limits,
        presence_ttl: int,
        hub: HubState,
        publish: Callable[[Commit], None] = Commit.tell,
    ) -> None:
        self.publish = publish
        self.present: Counter[str] = Counter()
        """Agents that wait in a poll or a stream of this hub, and how often."""
        self.last_event_id = 0
        self._path = path
        self._clock = clock
        self._presence_ttl = presence_ttl
        self._queue: SimpleQueue[Call | None] = SimpleQueue()
        self._stopping = False
        self._next_look_at = 0
        self._checkpointer = Checkpointer(path)
        self._open(limits, hub)
        self._thread = threading.Thread(target=self._run, name="arc-recorder", daemon=True)

    def _open(self, limits: Limits, hub: HubState) -> None:
        connection = open_storage(self._path)
        add_functions(connection)
        self._checkpointer.watch(connection)
        self._connection = connection
        self._writer = DirectWriter(connection)
        self._log = Log(connection, self._path, self._clock)
        self._court = Court(connection, limits, self._presence_ttl, hub)

    @property
    def hub(self) -> HubState:
        """What the hub knows of itself after the last transaction."""
        return self._court.hub

    def start(self, progress: Progress) -> tuple[str, ...]:
        """Bring the tables up to date with the log, then begin to take calls.

        Returns:
            The names of the projections that were rebuilt.

        Raises:
            StorageError: the storage cannot be written.
        """
        rebuilt = prepare(self._log, progress)
        self.last_event_id = self._log.head().event_id
        self._checkpointer.start()
        self._thread.start()
        return rebuilt

    def submit(self, call: Call) -> None:
        """Queue a call; its `done` is called once, in any case."""
        if self._stopping:
            call.done(HubStopping())
        else:
            self._queue.put(call)

    def execute(
        self, command: Command, transport: str = "hub", key: str | None = None, request: bytes | None = None
    ) -> Outcome:
        """Submit a command and block until it is on disk; for callers without an event loop.

        Raises:
            ArcError: it was refused, or could not be kept.
        """
        results: SimpleQueue[Outcome | ArcError] = SimpleQueue()
        self.submit(Call(command, results.put, transport, key, request))
        result = results.get()
        if isinstance(result, ArcError):
            raise result
        return result

    def stop(self) -> None:
        """Finish what is queued, then end the thread and close the connection."""
        self._stopping = True
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()
        self._checkpointer.stop()
        self._connection.close()

    # The thread -----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        ending = False
        while not ending:
            calls, ending = self._gather()
            if calls or self._is_due():
                for batch in self._batches(calls):
                    self.publish(batch)
                with contextlib.suppress(apsw.Error):
                    self._checkpointer.between_transactions(self._connection)

    def _gather(self) -> tuple[list[Call], bool]:
        """All calls that wait; blocks until there is one, or until presence is to be looked at."""
        try:
            first = self._queue.get(timeout=self._patience())
        except Empty:
            return [], False
        calls: list[Call] = []
        item = first
        while item is not None:
            calls.append(item)
            if len(calls) == MAX_BATCH:
                return calls, False
            try:
                item = self._queue.get_nowait()
            except Empty:
                return calls, False
        return calls, True

    def _patience(self) -> float:
        return max(0.0, min((self._next_look_at - self._clock.now()) / 1e6, 3600.0))

    def _is_due(self) -> bool:
        """Whether presence asks for a transaction, found without taking the write lock."""
        now = self._clock.now()
        if now < self._next_look_at:
            return False
        try:
            due = look(self._connection, self.present, self._presence_ttl, now)
        except apsw.Error:
            self._next_look_at = now + 1_000_000
            return False
        self._next_look_at = due.next_at
        return due.now

    def _batches(self, calls: Sequence[Call]) -> list[Commit]:
        """Put the calls into one transaction; if a fault of ours breaks it, each into one of its own.

        So one call that cannot be carried out never costs the others their answer.
        """
        try:
            return [self._transact(calls)]
        except StorageError as error:
            return [self._refuse(calls, error)]
        except Exception as error:  # noqa: BLE001 - the thread must outlive any fault, and every caller be told
            self._log.rollback()
            self._forget()
            if len(calls) <= 1:
                return [self._refuse(calls, ArcError(f"the hub failed on this call: {error!r}"))]
            return [batch for call in calls for batch in self._batches([call])]

    def _refuse(self, calls: Sequence[Call], error: ArcError) -> Commit:
        return Commit(self.last_event_id, self.last_event_id, [], [(call, error) for call in calls])

    def _transact(self, calls: Sequence[Call]) -> Commit:
        hub = self._court.hub
        try:
            if self._log.begin():
                self._forget()
            after = self._log.head().event_id
            messages: list[PostedMessage] = []
            now = self._log.now()
            if now >= self._next_look_at:
                self._sweep(now, messages)
            answers = [(call, self._execute(call, now, messages)) for call in calls]
            head = self._log.head().event_id
            if head != after:
                advance(self._connection, head)
            self._log.commit()
        except (apsw.Error, StorageError) as error:
            self._court.hub = hub
            self._recover(error)
            if isinstance(error, apsw.Error):
                raise storage_error(self._path, error) from error
            raise
        except BaseException:
            self._court.hub = hub
            raise
        self.last_event_id = head
        return Commit(after, head, messages, answers)

    def _recover(self, error: Exception) -> None:
        """Undo a transaction that the storage refused; after a fault of the disk, on a new connection."""
        self._forget()
        cause = error.__cause__ if isinstance(error, StorageError) else error
        try:
            self._log.rollback()
        except apsw.Error:
            cause = apsw.IOError()
        if isinstance(cause, apsw.IOError):
            self._connection.close(True)
            self._open(self._court.limits, self._court.hub)

    def _forget(self) -> None:
        """What was remembered of the tables may no longer be so."""
        self._court.known_channels.clear()
        self._writer.memory.clear()

    def _sweep(self, now: int, messages: list[PostedMessage]) -> None:
        metadata = Metadata("hub")

        def append(event: Event) -> None:
            self._append(event, now, metadata, None, messages)

        sweep(self._connection, self.present, self._presence_ttl, now, append)
        self._next_look_at = look(self._connection, self.present, self._presence_ttl, now).next_at

    def _execute(self, call: Call, now: int, messages: list[PostedMessage]) -> Outcome | ArcError:
        try:
            sender = sender_of(call.command)
            if call.key is not None:
                first = self._find_first(sender, call.key, call.request)
                if first is not None:
                    return first
            verdict = judge(self._court, call.command, live(now))
        except ArcError as error:
            if isinstance(error, StorageError):
                raise
            self._see(call, now, messages)
            return error
        if isinstance(verdict, Outcome):
            self._see(call, now, messages)
            return verdict
        metadata = Metadata(call.transport, call.key, call.request)
        event, message = self._append(verdict, now, metadata, sender, messages)
        if message is not None and isinstance(verdict, MessagePosted):
            return Outcome(message.json, event.event_id, created=True)
        self._note(event)
        return answer(self._connection, event, self._court.hub)

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
        return answer(self._connection, stored.decode(), self._court.hub)

    def _see(self, call: Call, now: int, messages: list[PostedMessage]) -> None:
        """A call that appended nothing shows all the same that its agent is there."""
        agent_id = sender_of(call.command)
        if isinstance(call.command, SeeAgent):
            self._look_soon(now)
            return
        if agent_id == ANONYMOUS:
            return
        seen = judge(self._court, SeeAgent(agent_id=agent_id), live(now))
        if not isinstance(seen, Outcome):
            self._append(seen, now, Metadata(call.transport), None, messages)

    def _note(self, event: RecordedEvent) -> None:
        """Keep what an event changes in what this hub knows of itself, and of who is here."""
        hub = self._court.hub
        match event.data:
            case ShutdownInitiated():
                self._court.hub = msgspec.structs.replace(hub, shutdown_pending=True)
            case ShutdownCancelled() | ShutdownFired():
                self._court.hub = msgspec.structs.replace(hub, shutdown_pending=False)
            case NetworkChanged(allow_remote=allow_remote):
                self._court.hub = msgspec.structs.replace(hub, allow_remote=allow_remote)
            case SessionOpened() | AgentSeen():
                self._look_soon(event.recorded_at)
            case _:
                pass

    def _look_soon(self, now: int) -> None:
        """Somebody came: look at presence in time to note that it waits here, or to end its session."""
        self._next_look_at = min(self._next_look_at, now + seen_interval(self._presence_ttl))
