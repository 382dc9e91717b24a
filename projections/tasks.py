"""Tasks: what is to be done, and what is done."""

from collections.abc import Iterator
from typing import Final

import apsw
from msgspec import Struct
from msgspec.structs import replace

from arclog.codec import Fact
from arclog.deciders.tasks import KnownTask, TaskStatus
from arclog.events import MessagePosted, TaskCompleted
from arclog.events.messages import TASK_KINDS
from arclog.sqlite.queries import Queries
from projections.intervals import AsOf
from projections.projector import Projector, Writer, time_of
from projections.times import optional_timestamp, timestamp
from projections.versions import Version, Versioned


class Task(Struct, frozen=True):
    """A task as the wire has it."""

    task_id: int
    parent_task_id: int | None
    channel: str
    thread_id: str | None
    status: TaskStatus
    created_at: str
    completed_at: str | None


class _Row(Struct, frozen=True, gc=False):
    """What a row says."""

    task_id: int
    parent_task_id: int | None
    channel: str
    thread_id: str | None
    kind: str
    status: TaskStatus
    created_at: int
    completed_at: int | None


VERSIONS: Final = Versioned("tasks", _Row)
SQL: Final = Queries("projections", "tasks.sql", VERSIONS.parts)


def _on_posted(writer: Writer, event: Fact, data: MessagePosted) -> None:
    if data.kind in TASK_KINDS:
        row = _Row(
            task_id=event.event_id,
            parent_task_id=data.parent_task_id,
            channel=data.channel,
            thread_id=data.thread_id,
            kind=data.kind,
            status="open",
            created_at=event.recorded_at,
            completed_at=None,
        )
        writer.add(VERSIONS, event.event_id, Version(event.event_id, row))
    if data.completes_task_id is not None:
        _complete(writer, event, data.completes_task_id, event.recorded_at)


def _on_completed(writer: Writer, event: Fact, data: TaskCompleted) -> None:
    completed_at = time_of(event, data.occurred_at)
    _complete(writer, event, data.task_id, completed_at)
    if data.rolled_up_task_id is not None:
        _complete(writer, event, data.rolled_up_task_id, completed_at)


def _complete(writer: Writer, event: Fact, task_id: int, completed_at: int) -> None:
    current = writer.find(VERSIONS, task_id)
    if current is not None and current.row.status == "open":
        row = replace(current.row, status="done", completed_at=completed_at)
        writer.replace(VERSIONS, task_id, Version(event.event_id, row))


PROJECTOR: Final = Projector(
    name="tasks",
    version=3,
    tables=("tasks",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={MessagePosted: _on_posted, TaskCompleted: _on_completed},
)


def find_task(connection: apsw.Connection, task_id: int, at: AsOf) -> Task | None:
    """A task by its id."""
    row = VERSIONS.find_at(connection, task_id, at)
    return None if row is None else _task(row)


def find_known(connection: apsw.Connection, task_id: int, at: AsOf) -> KnownTask | None:
    """What the rules need to know of a task."""
    row = VERSIONS.find_at(connection, task_id, at)
    return None if row is None else _known(row)


def find_open_request(connection: apsw.Connection, task_id: int, at: AsOf) -> KnownTask | None:
    """A task that is an open `task_request`."""
    row = VERSIONS.find_at(connection, task_id, at)
    return _known(row) if row is not None and row.kind == "task_request" and row.status == "open" else None


def list_open_requests(connection: apsw.Connection, at: AsOf, most: int) -> list[int]:
    """The ids of tasks that are open requests, oldest first, at most `most`."""
    rows = VERSIONS.read(connection, SQL["list_open_requests"], at.bindings(most=most))
    return [row.task_id for row in rows]


def find_completion(connection: apsw.Connection, task_id: int) -> int | None:
    """The event that made a task what it is now."""
    found = connection.execute(SQL["find_event"], (task_id,)).get
    return None if found is None else int(found)


def has_open_sibling(connection: apsw.Connection, parent_task_id: int, task_id: int) -> bool:
    """Whether another child of the parent is still open."""
    bindings = {"parent_task_id": parent_task_id, "task_id": task_id}
    return connection.execute(SQL["find_open_sibling"], bindings).fetchone() is not None


def count_children(connection: apsw.Connection, parent_task_id: int) -> int:
    """How many children a task has."""
    return int(connection.execute(SQL["count_children"], (parent_task_id,)).get)


def list_tasks(
    connection: apsw.Connection,
    at: AsOf,
    *,
    parent_id: int | None = None,
    status: TaskStatus | None = None,
    channel: str | None = None,
    thread_id: str | None = None,
) -> list[Task]:
    """Tasks by id; only those that match what is given, found by the narrowest index there is."""
    return list(each_task(connection, at, parent_id=parent_id, status=status, channel=channel, thread_id=thread_id))


def each_task(
    connection: apsw.Connection,
    at: AsOf,
    *,
    parent_id: int | None = None,
    status: TaskStatus | None = None,
    channel: str | None = None,
    thread_id: str | None = None,
) -> Iterator[Task]:
    """The same one by one: no more are read than are taken."""
    bindings = at.bindings(parent_id=parent_id, status=status, channel=channel, thread_id=thread_id)
    if thread_id is not None:
        query = "list_in_thread"
    elif parent_id is not None:
        query = "list_children"
    else:
        query = "list_open" if status == "open" else "list_all"
    return map(_task, VERSIONS.read(connection, SQL[query], bindings))


def _known(row: _Row) -> KnownTask:
    return KnownTask(row.task_id, row.status, row.channel, row.thread_id, row.parent_task_id)


def _task(row: _Row) -> Task:
    return Task(
        row.task_id,
        row.parent_task_id,
        row.channel,
        row.thread_id,
        row.status,
        timestamp(row.created_at),
        optional_timestamp(row.completed_at),
    )
