"""Threads: what belongs together, and how far it has come.

A thread exists as soon as a message, a task or a claim names it. Its row changes only when a task is opened or done, or
when its channel is settled; what each message changes is read from the messages.
"""

from typing import Any, Final, Literal

import apsw
from msgspec import Struct

from arclog.events import ClaimAcquired, ClaimReleased, LockReleased, MessagePosted, TaskCompleted
from arclog.events.messages import TASK_KINDS
from arclog.queries import Queries
from projections.intervals import CURRENT, AsOf
from projections.messages import find_notice
from projections.projector import Fact, Projector, Writer
from projections.times import optional_timestamp

SQL: Final = Queries("projections", "threads.sql")

ThreadStatus = Literal["open", "waiting", "completed"]


class Thread(Struct, frozen=True):
    """The summary of a thread as the wire has it."""

    thread_id: str
    channel: str | None
    root_task_id: int | None
    latest_message_id: int | None
    latest_message_ts: str | None
    latest_artifact_id: int | None
    message_count: int
    total_task_count: int
    open_task_count: int
    active_claim_count: int
    active_lock_count: int
    status: ThreadStatus


class _Version(Struct, frozen=True):
    """What a row says; `channel` is None until something was said."""

    channel: str | None = None
    root_task_id: int | None = None
    total_task_count: int = 0
    open_task_count: int = 0


def _on_posted(writer: Writer, event: Fact, data: MessagePosted) -> None:
    opens = data.kind in TASK_KINDS
    done_in = data.completes_in_thread_id
    if data.thread_id is not None:
        version, known = _find(writer, data.thread_id)
        is_root = opens and data.parent_task_id is None and version.root_task_id is None
        changed = _Version(
            channel=data.channel if is_root or version.channel is None else version.channel,
            root_task_id=event.event_id if is_root else version.root_task_id,
            total_task_count=version.total_task_count + opens,
            open_task_count=version.open_task_count + opens - (done_in == data.thread_id),
        )
        if changed != version or not known:
            _replace(writer, event.event_id, data.thread_id, changed)
    if done_in is not None and done_in != data.thread_id:
        _close_tasks(writer, event.event_id, done_in, 1)


def _on_task_completed(writer: Writer, event: Fact, data: TaskCompleted) -> None:
    parent_thread = data.notice.thread_id if data.notice is not None else None
    closed = [thread for thread in (data.thread_id, parent_thread) if thread is not None]
    for thread_id in sorted(set(closed)):
        _close_tasks(writer, event.event_id, thread_id, closed.count(thread_id))


def _on_claimed(writer: Writer, event: Fact, data: ClaimAcquired) -> None:
    if data.thread_id is not None:
        version, known = _find(writer, data.thread_id)
        if not known:
            _replace(writer, event.event_id, data.thread_id, version)


def _on_released(writer: Writer, event: Fact, data: ClaimReleased | LockReleased) -> None:
    notice = find_notice(data)
    if notice is not None and notice.thread_id is not None:
        version, known = _find(writer, notice.thread_id)
        if not known or version.channel is None:
            changed = _Version(notice.channel, version.root_task_id, version.total_task_count, version.open_task_count)
            _replace(writer, event.event_id, notice.thread_id, changed)


def _close_tasks(writer: Writer, event_id: int, thread_id: str, count: int) -> None:
    version, _known = _find(writer, thread_id)
    changed = _Version(version.channel, version.root_task_id, version.total_task_count, version.open_task_count - count)
    _replace(writer, event_id, thread_id, changed)


def _find(writer: Writer, thread_id: str) -> tuple[_Version, bool]:
    known: _Version | None = writer.memory.get(("threads", thread_id))
    if known is None:
        row = writer.ask(SQL["find"], {"thread_id": thread_id, "at": CURRENT})
        if row is None:
            return _Version(), False
        known = _Version(*row[1:])
        writer.memory.keep(("threads", thread_id), known)
    return known, True


def _replace(writer: Writer, event_id: int, thread_id: str, version: _Version) -> None:
    writer.memory.keep(("threads", thread_id), version)
    writer.write(SQL["close"], {"thread_id": thread_id, "event_id": event_id})
    writer.write(
        SQL["insert"],
        (
            thread_id,
            event_id,
            version.channel,
            version.root_task_id,
            version.total_task_count,
            version.open_task_count,
        ),
    )


PROJECTOR: Final = Projector(
    name="threads",
    version=1,
    tables=("threads",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={
        MessagePosted: _on_posted,
        TaskCompleted: _on_task_completed,
        ClaimAcquired: _on_claimed,
        ClaimReleased: _on_released,
        LockReleased: _on_released,
    },
)


def list_threads(connection: apsw.Connection, at: AsOf) -> list[Thread]:
    """A summary of each thread, the one with the newest message first."""
    return [_thread(row) for row in connection.execute(SQL["summarise"], at.bindings())]


def get_thread(connection: apsw.Connection, thread_id: str, at: AsOf) -> Thread:
    """The summary of one thread; all zeros when nothing but locks, or nothing at all, names it."""
    (row,) = connection.execute(SQL["summarise_one"], at.bindings(thread_id=thread_id))
    return _thread(row)


def find_thread(connection: apsw.Connection, thread_id: str, at: AsOf) -> Thread | None:
    """The summary of one thread, None when no message, task or claim named it by then."""
    if connection.execute(SQL["find"], {"thread_id": thread_id, "at": at.at}).fetchone() is None:
        return None
    return get_thread(connection, thread_id, at)


def find_thread_channel(connection: apsw.Connection, thread_id: str, at: AsOf) -> str | None:
    """The channel of a thread, None when there is no such thread or nothing was said in it."""
    row = connection.execute(SQL["find"], {"thread_id": thread_id, "at": at.at}).fetchone()
    return None if row is None else row[1]


def _thread(row: tuple[Any, ...]) -> Thread:
    thread_id, channel, root, latest, latest_at, artifact, messages, tasks, open_tasks, claims, locks = row
    status: ThreadStatus = "waiting"
    if tasks and not open_tasks:
        status = "completed"
    elif claims or locks:
        status = "open"
    return Thread(
        thread_id,
        channel,
        root,
        latest,
        optional_timestamp(latest_at),
        artifact,
        messages,
        tasks,
        open_tasks,
        claims,
        locks,
        status,
    )
