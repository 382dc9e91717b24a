"""Bringing a database of Arc 0.1.1 into a new log.

A message keeps its id, so the messages become the first events, each at its own time. What else there was comes after
the last message, in the order in which it happened, and says itself when that was (`occurred_at`). All of it is one
transaction.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from arclog.clock import LogClock
from arclog.codec import Metadata
from arclog.errors import NotAnArcStorage
from arclog.events import (
    SYSTEM,
    ChannelCreated,
    ClaimAcquired,
    ClaimReleased,
    Event,
    LockAcquired,
    LockReleased,
    MessagePosted,
    SessionClosed,
    SessionOpened,
)
from arclog.machine_time import MachineTime
from arclog.progress import Progress
from arclog.sqlite.connection import storage_errors
from arclog.sqlite.engine import file_log
from arclog.sqlite.log import Log
from arclog.sqlite.new_file import new_file
from arclog.sqlite.schema import open_storage
from projections.channels import FIRST_CHANNELS
from projections.moving.database_011 import Database011, Happening, open_011
from projections.rebuilding.rebuild import bring_up_to_date

IMPORTED: Final = Metadata("import")
TELL_EVERY: Final = 1_000


class Imported(Struct, frozen=True):
    """What was brought in: how many events of each type, and the last event of the log that they make."""

    counts: Mapping[str, int]
    head: int


def import_011(source: Path, storage: Path, progress: Progress, tell_every: int = TELL_EVERY) -> Imported:
    """Bring the database at `source` into a new log at `storage`.

    Args:
        source: a database of Arc 0.1.1; it is only read.
        storage: a file that is not there yet, or a storage without events.
        progress: told how many messages have been brought in, of how many.
        tell_every: after how many messages it is told.

    Raises:
        StorageError: one of the files cannot be used; the log is left as it was, and none is made.
    """
    with open_011(source) as old:
        if storage.exists():
            return _bring(old, storage, storage, progress, tell_every)
        with new_file(storage) as draft:
            return _bring(old, draft, storage, progress, tell_every)


def _bring(old: Database011, file: Path, storage: Path, progress: Progress, tell_every: int) -> Imported:
    """Bring a database into the log in `file`, which is `storage` or is to be."""
    with closing(open_storage(file)) as connection, storage_errors(storage):
        log = file_log(connection, file, LogClock(MachineTime()))
        log.begin()
        try:
            if log.head().event_id:
                problem = f"{storage} has events already, and imported messages keep their ids"
                raise NotAnArcStorage(problem, advice="new_storage")
            counts = _Import(log, old).run(progress, tell_every)
            head = log.head().event_id
            bring_up_to_date(connection)
            log.commit()
        except BaseException:
            log.rollback()
            raise
    return Imported(counts, head)


class _Import:
    """One database on its way into one log."""

    def __init__(self, log: Log, old: Database011) -> None:
        self._log = log
        self._old = old
        self._now = log.now()
        self._counts: Counter[str] = Counter()
        self._undone = {task.task_id: task for task in old.done_tasks()}
        self._sessions: dict[str, str] = {}
        self._grants: dict[str, int] = {}

    def run(self, progress: Progress, tell_every: int) -> Mapping[str, int]:
        last = self._old.count_messages()
        for number, (message_id, message) in enumerate(self._old.messages(), 1):
            self._append(message_id, message.at, self._message(message.event))
            if number % tell_every == 0:
                progress(number, last)
        next_id = max(self._old.last_id, self._log.head().event_id) + 1
        for happening in sorted(self._rest(), key=_when):
            event = self._complete(happening.event, next_id)
            if event is not None:
                self._append(next_id, happening.at, event)
                next_id += 1
        return self._counts

    def _message(self, event: Event) -> MessagePosted:
        """A message with the task that it completes: what it said of that in its metadata, the event says itself."""
        assert isinstance(event, MessagePosted)
        task_id = event.reply_to
        if event.kind != "task_result" or task_id is None or event.metadata.get("task_completed") != task_id:
            return event
        task = self._undone.pop(task_id, None)
        if task is None:
            return event
        metadata = {name: value for name, value in event.metadata.items() if name != "task_completed"}
        return replace(event, metadata=metadata, completes_task_id=task_id, completes_in_thread_id=task.thread_id)

    def _rest(self) -> Iterator[Happening]:
        """All but the messages; of what happened at the same time, what is named first here came first."""
        channels = list(self._old.channels())
        yield from channels
        known = {h.event.name for h in channels if isinstance(h.event, ChannelCreated)}
        for name in FIRST_CHANNELS:
            if name not in known:
                yield Happening(self._now, ChannelCreated(name=name, created_by=SYSTEM))
        yield from self._old.sessions()
        yield from self._old.claims()
        yield from self._old.locks()
        for task in self._undone.values():
            yield Happening(task.occurred_at or self._now, task)

    def _complete(self, event: Event, event_id: int) -> Event | None:
        """An event with what depends on those before it; None when it turns out to say nothing."""
        match event:
            case SessionOpened():
                event = replace(event, replaced_session_id=self._sessions.get(event.agent_id))
                self._sessions[event.agent_id] = event.session_id
            case SessionClosed():
                if self._sessions.get(event.agent_id) != event.session_id:
                    return None
                del self._sessions[event.agent_id]
            case ClaimAcquired() | LockAcquired():
                self._grants[event.stream(event_id)] = event_id
            case ClaimReleased() | LockReleased():
                return replace(event, fencing_token=self._grants[event.stream(event_id)])
            case _:
                pass
        return event

    def _append(self, event_id: int, at: int, event: Event) -> None:
        """Record an event at its own time, but not before the one before it, and not in the future."""
        recorded_at = max(min(at, self._now), self._log.head().recorded_at)
        self._counts[self._log.append_at(event_id, event, recorded_at, IMPORTED).type] += 1


def _when(happening: Happening) -> int:
    return happening.at
