"""Threads: what belongs together, and how far it has come.

A thread exists as soon as a message, a task or a claim names it. Its row changes only when a task is opened or done, or
when its channel is settled; what each message changes is read from the messages.
"""

from collections.abc import Iterator
from typing import Final, Literal

import apsw
from msgspec import Struct
from msgspec.structs import replace

from arclog.codec import Fact
from arclog.events import (
    ClaimAcquired,
    ClaimReleased,
    LockReleased,
    MessagePosted,
    SessionExpired,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskReopened,
    TasksOpened,
)
from arclog.events.messages import TASK_KINDS
from arclog.notices import notices_of
from arclog.sqlite.queries import Queries
from projections import claims, locks
from projections.intervals import AsOf
from projections.projector import Projector, Some, Writer, for_each_message
from projections.times import optional_timestamp
from projections.versions import Version, Versioned

ThreadStatus = Literal["open", "waiting", "completed"]


class Thread(Struct, frozen=True):
    """The summary of a thread as it goes over the wire."""

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


class _Row(Struct, frozen=True, gc=False):
    """What a row says; `channel` is None until something was said."""

    thread_id: str
    channel: str | None = None
    root_task_id: int | None = None
    total_task_count: int = 0
    open_task_count: int = 0


class _Summary(Struct, frozen=True, gc=False):
    """What `summarise` finds of a thread."""

    thread_id: str
    channel: str | None
    root_task_id: int | None
    latest_message_id: int | None
    latest_message_at: int | None
    latest_artifact_id: int | None
    message_count: int
    total_task_count: int
    open_task_count: int
    active_claim_count: int
    active_lock_count: int


VERSIONS: Final = Versioned("threads", _Row)
SQL: Final = Queries(
    "projections",
    "threads.sql",
    {**VERSIONS.parts, "claims_at": claims.VERSIONS.parts["at"], "locks_at": locks.VERSIONS.parts["at"]},
)


def _on_posted(writer: Writer, event: Fact, data: MessagePosted) -> None:
    opens = data.kind in TASK_KINDS
    done_in = data.completes_in_thread_id
    if data.thread_id is not None:
        row = _find(writer, data.thread_id)
        done_here = done_in == data.thread_id
        if opens or done_here or row.channel is None:
            is_root = opens and data.parent_task_id is None and row.root_task_id is None
            changed = _Row(
                data.thread_id,
                channel=data.channel if is_root or row.channel is None else row.channel,
                root_task_id=event.event_id if is_root else row.root_task_id,
                total_task_count=row.total_task_count + opens,
                open_task_count=row.open_task_count + opens - done_here,
            )
            _replace(writer, event, changed)
    if done_in is not None and done_in != data.thread_id:
        _close_tasks(writer, event, done_in, 1)


def _on_task_completed(writer: Writer, event: Fact, data: TaskCompleted) -> None:
    parent_thread = data.notice.thread_id if data.notice is not None else None
    own_thread = None if data.again else data.thread_id
    closed = [thread for thread in (own_thread, parent_thread) if thread is not None]
    for thread_id in sorted(set(closed)):
        _close_tasks(writer, event, thread_id, closed.count(thread_id))


def _on_given_up(writer: Writer, event: Fact, data: TaskFailed | TaskCancelled) -> None:
    if data.thread_id is not None:
        _close_tasks(writer, event, data.thread_id, 1)


def _on_reopened(writer: Writer, event: Fact, data: TaskReopened) -> None:
    if data.thread_id is not None:
        _close_tasks(writer, event, data.thread_id, -1)


def _on_claimed(writer: Writer, event: Fact, data: ClaimAcquired) -> None:
    if data.thread_id is not None and writer.find(VERSIONS, data.thread_id) is None:
        writer.add(VERSIONS, data.thread_id, Version(event.event_id, _Row(data.thread_id)))


def _on_released(writer: Writer, event: Fact, data: ClaimReleased | LockReleased | SessionExpired) -> None:
    for notice in notices_of(data):
        if notice.thread_id is not None:
            row = _find(writer, notice.thread_id)
            if row.channel is None:
                _replace(writer, event, replace(row, channel=notice.channel))


def _close_tasks(writer: Writer, event: Fact, thread_id: str, count: int) -> None:
    row = _find(writer, thread_id)
    _replace(writer, event, replace(row, open_task_count=row.open_task_count - count))


def _find(writer: Writer, thread_id: str) -> _Row:
    current = writer.find(VERSIONS, thread_id)
    return _Row(thread_id) if current is None else current.row


def _replace(writer: Writer, event: Fact, row: _Row) -> None:
    writer.replace(VERSIONS, row.thread_id, Version(event.event_id, row))


PROJECTOR: Final = Projector(
    name="threads",
    version=4,
    tables=("threads",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={
        MessagePosted: Some(("thread_id", "completes_in_thread_id"), _on_posted),
        TasksOpened: for_each_message(_on_posted),
        TaskCompleted: _on_task_completed,
        TaskFailed: _on_given_up,
        TaskCancelled: _on_given_up,
        TaskReopened: _on_reopened,
        ClaimAcquired: _on_claimed,
        ClaimReleased: Some(("notice",), _on_released),
        LockReleased: Some(("notice",), _on_released),
        SessionExpired: Some(("notices",), _on_released),
    },
)


def list_threads(connection: apsw.Connection, at: AsOf) -> list[Thread]:
    """A summary of each thread, the one with the newest message first."""
    return list(each_thread(connection, at))


def each_thread(connection: apsw.Connection, at: AsOf) -> Iterator[Thread]:
    """The same one by one: no more are read than are taken."""
    return (_thread(_Summary(*row)) for row in connection.execute(SQL["summarise"], at.bindings()))


def get_thread(connection: apsw.Connection, thread_id: str, at: AsOf) -> Thread:
    """The summary of one thread; all zeros when nothing but locks, or nothing at all, names it."""
    (row,) = connection.execute(SQL["summarise_one"], at.bindings(key=thread_id))
    return _thread(_Summary(*row))


def find_thread(connection: apsw.Connection, thread_id: str, at: AsOf) -> Thread | None:
    """The summary of one thread, None when no message, task or claim named it by then."""
    if VERSIONS.find_at(connection, thread_id, at) is None:
        return None
    return get_thread(connection, thread_id, at)


def find_thread_channel(connection: apsw.Connection, thread_id: str, at: AsOf) -> str | None:
    """The channel of a thread, None when there is no such thread or nothing was said in it."""
    row = VERSIONS.find_at(connection, thread_id, at)
    return None if row is None else row.channel


def _thread(row: _Summary) -> Thread:
    status: ThreadStatus = "waiting"
    if row.total_task_count and not row.open_task_count:
        status = "completed"
    elif row.active_claim_count or row.active_lock_count:
        status = "open"
    return Thread(
        row.thread_id,
        row.channel,
        row.root_task_id,
        row.latest_message_id,
        optional_timestamp(row.latest_message_at),
        row.latest_artifact_id,
        row.message_count,
        row.total_task_count,
        row.open_task_count,
        row.active_claim_count,
        row.active_lock_count,
        status,
    )
