"""Tasks: what is to be done, by whom, after what; and what is over."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

import apsw
import msgspec
from msgspec import UNSET, Struct, UnsetType

from arclog.codec import Fact
from arclog.deciders.task_terms import is_human
from arclog.deciders.tasks import KnownTask, TaskState, TaskStatus
from arclog.events import (
    ClaimAcquired,
    ClaimHandedOver,
    ClaimRefreshed,
    ClaimReleased,
    MessagePosted,
    SessionExpired,
    TaskAssigned,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskLapsed,
    TaskReopened,
    TasksOpened,
    TaskTerms,
)
from arclog.events.messages import TASK_KINDS, is_of_task
from projections import task_leases
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.projector import Projector, Some, Writer, for_each_message, time_of
from projections.task_rows import (
    DEPENDENTS_SQL,
    SQL,
    VERSIONS,
    TaskChanges,
    TaskRow,
)
from projections.times import optional_timestamp, timestamp

MAX_TITLE_CHARS: Final = 200
WireState = Literal["open", "claimed", "done", "failed", "cancelled"]


class Task(Struct, frozen=True):
    """A task as it goes over the wire.

    Attributes:
        status: whether it is over, in the words of the first protocol.
        state: how it stands; `claimed` while somebody has the lease on it.
        waits_for: how many of its dependencies and children are not over.
        not_ready: why it is not ready for who asks; only where that was asked for.
    """

    task_id: int
    parent_task_id: int | None
    channel: str
    thread_id: str | None
    status: TaskStatus
    created_at: str
    completed_at: str | None
    title: str
    state: WireState
    opener: str
    assignee: str | None
    claimed_by: str | None
    claimed_until: str | None
    fencing_token: int | None
    priority: int
    depends_on: msgspec.Raw
    waits_for: int
    needs: msgspec.Raw
    not_before: str | None
    attempts: int
    max_attempts: int
    not_ready: tuple[str, ...] | UnsetType = UNSET


def _on_posted(writer: Writer, event: Fact, data: MessagePosted) -> None:
    changes = TaskChanges(writer, event)
    if data.kind in TASK_KINDS:
        _open(changes, event, data, data.task or TaskTerms(assignee=data.to_agent))
    if data.completes_task_id is not None:
        changes.end(data.completes_task_id, "done", event.recorded_at, data.freed_token)
    changes.write()


def _open(changes: TaskChanges, event: Fact, data: MessagePosted, terms: TaskTerms) -> None:
    at = event.recorded_at
    changes.set(
        TaskRow(
            task_id=event.event_id,
            parent_task_id=data.parent_task_id,
            channel=data.channel,
            thread_id=data.thread_id,
            kind=data.kind,
            state="open",
            created_at=at,
            completed_at=None,
            ended_by=None,
            opener=data.from_agent,
            assignee=terms.assignee,
            priority=terms.priority,
            not_before=terms.not_before,
            max_attempts=terms.max_attempts,
            attempts=0,
            claimed_by=None,
            claimed_until=None,
            claim_token=None,
            is_counted=0,
            open_children=0,
            open_dependencies=sum(changes.depend(event.event_id, one) for one in terms.depends_on),
            ready_since=max(at, terms.not_before or 0),
            deadline=terms.deadline,
            default_answer=terms.default,
            is_question=int(data.kind == "task_request" and data.to_agent is not None and is_human(data.to_agent)),
            title=title_of(data.body),
            depends_on=encode_json(terms.depends_on).decode(),
            needs=encode_json(terms.needs).decode(),
            options=encode_json(terms.options).decode(),
        )
    )
    if data.parent_task_id is not None:
        changes.count_child(data.parent_task_id, at)
    waiting = None if terms.for_task_id is None else changes.find(terms.for_task_id)
    if waiting is not None:
        changes.depend(waiting.task_id, event.event_id)
        depends_on = [*msgspec.json.decode(waiting.depends_on), event.event_id]
        waiting = changes.set(
            waiting,
            depends_on=encode_json(depends_on).decode(),
            open_dependencies=waiting.open_dependencies + 1,
            assignee=data.from_agent,
        )
        if data.freed_token is not None and waiting.claim_token == data.freed_token:
            changes.free(waiting)


def _on_completed(writer: Writer, event: Fact, data: TaskCompleted) -> None:
    completed_at = time_of(event, data.occurred_at)
    changes = TaskChanges(writer, event)
    changes.end(data.task_id, "done", completed_at, data.freed_token)
    if data.rolled_up_task_id is not None:
        changes.end(data.rolled_up_task_id, "done", completed_at)
    changes.write()


def _on_given_up(writer: Writer, event: Fact, data: TaskFailed | TaskCancelled) -> None:
    changes = TaskChanges(writer, event)
    state: TaskState = "failed" if isinstance(data, TaskFailed) else "cancelled"
    changes.end(data.task_id, state, event.recorded_at, data.freed_token)
    changes.write()


def _on_reopened(writer: Writer, event: Fact, data: TaskReopened) -> None:
    changes = TaskChanges(writer, event)
    changes.reopen(data.task_id, event.recorded_at)
    changes.write()


def _on_assigned(writer: Writer, event: Fact, data: TaskAssigned) -> None:
    changes = TaskChanges(writer, event)
    row = changes.find(data.task_id)
    if row is not None:
        changes.set(row, assignee=data.assignee)
        changes.write()


def _on_lapsed(writer: Writer, event: Fact, data: TaskLapsed) -> None:
    changes = TaskChanges(writer, event)
    row = changes.find(data.task_id)
    if row is not None:
        changes.free(row, attempts=data.attempt)
        changes.write()


def title_of(body: str) -> str:
    """The first line of a text, as far as a title may be long."""
    return body.strip().partition("\n")[0].strip()[:MAX_TITLE_CHARS]


PROJECTOR: Final = Projector(
    name="tasks",
    version=8,
    tables=("tasks", "task_dependents", "task_claims"),
    schema="\n".join((SQL["schema"], DEPENDENTS_SQL["schema"], task_leases.SQL["schema"])),
    indexes=SQL["indexes"],
    handlers={
        MessagePosted: Some(is_of_task, _on_posted),
        TasksOpened: for_each_message(_on_posted),
        TaskCompleted: _on_completed,
        TaskFailed: _on_given_up,
        TaskCancelled: _on_given_up,
        TaskReopened: _on_reopened,
        TaskAssigned: _on_assigned,
        TaskLapsed: _on_lapsed,
        ClaimAcquired: task_leases.on_claimed,
        ClaimRefreshed: task_leases.on_lease,
        ClaimReleased: task_leases.on_lease,
        ClaimHandedOver: task_leases.on_handed_over,
        SessionExpired: task_leases.on_expired,
    },
)


CONCERNING_TASKS: Final = frozenset(event_class.type for event_class in PROJECTOR.handlers)
"""The types of events that may change how a task stands; of messages only some do."""


def find_row(connection: apsw.Connection, task_id: int, at: AsOf) -> TaskRow | None:
    """What the tables say of a task."""
    return VERSIONS.find_at(connection, task_id, at)


def find_task(connection: apsw.Connection, task_id: int, at: AsOf) -> Task | None:
    """A task by its id."""
    row = VERSIONS.find_at(connection, task_id, at)
    return None if row is None else to_task(row, at)


def find_known(connection: apsw.Connection, task_id: int, at: AsOf) -> KnownTask | None:
    """What the rules need to know of a task."""
    row = VERSIONS.find_at(connection, task_id, at)
    return None if row is None else to_known(row)


def find_end(connection: apsw.Connection, task_id: int, at: AsOf) -> int:
    """When a task came to its end, in microseconds; 0 if it has not."""
    row = VERSIONS.find_at(connection, task_id, at)
    return 0 if row is None else row.completed_at or 0


def find_open_request(connection: apsw.Connection, task_id: int, at: AsOf) -> KnownTask | None:
    """A task that is an open `task_request`."""
    row = VERSIONS.find_at(connection, task_id, at)
    return to_known(row) if row is not None and row.kind == "task_request" and row.state == "open" else None


def find_completion(connection: apsw.Connection, task_id: int) -> int | None:
    """The event that made a task what it is now."""
    found = connection.execute(SQL["find_event"], (task_id,)).get
    return None if found is None else int(found)


def has_hindering_sibling(connection: apsw.Connection, parent_task_id: int, task_id: int) -> bool:
    """Whether another child keeps the parent from being done with this one: it is open, or has failed."""
    bindings = {"parent_task_id": parent_task_id, "task_id": task_id}
    return connection.execute(SQL["find_hindering_sibling"], bindings).fetchone() is not None


def count_children(connection: apsw.Connection, parent_task_id: int) -> int:
    """How many children a task has."""
    return int(connection.execute(SQL["count_children"], (parent_task_id,)).get)


def list_dependents(connection: apsw.Connection, task_id: int, at: AsOf) -> list[int]:
    """The tasks that depend on a task, in the order in which they were opened."""
    return [found for (found,) in connection.execute(DEPENDENTS_SQL["list"], {"task_id": task_id, "at": at.at})]


def list_tasks(connection: apsw.Connection, at: AsOf, **wanted: Any) -> list[Task]:  # noqa: ANN401 - as `each_task`
    """Tasks by id; only those that match what is given, found by the narrowest index there is."""
    return list(each_task(connection, at, **wanted))


def each_task(
    connection: apsw.Connection,
    at: AsOf,
    *,
    parent_id: int | None = None,
    status: TaskStatus | None = None,
    state: TaskState | None = None,
    channel: str | None = None,
    thread_id: str | None = None,
) -> Iterator[Task]:
    """The same one by one: no more are read than are taken."""
    wanted = {"parent_id": parent_id, "status": status, "state": state, "channel": channel, "thread_id": thread_id}
    if thread_id is not None:
        query = "list_in_thread"
    elif parent_id is not None:
        query = "list_children"
    else:
        query = "list_open" if status == "open" or state == "open" else "list_all"
    return (to_task(row, at) for row in VERSIONS.read(connection, SQL[query], at.bindings(**wanted)))


def read_rows(connection: apsw.Connection, query: str, bindings: dict[str, str | int | None]) -> Iterable[TaskRow]:
    """The rows that a query of this noun finds, by its name."""
    return VERSIONS.read(connection, SQL[query], bindings)


def to_known(row: TaskRow) -> KnownTask:
    """A row as the rules see it."""
    return KnownTask(
        row.task_id,
        row.state,
        row.channel,
        row.thread_id,
        row.parent_task_id,
        row.title,
        row.opener,
        row.assignee,
        row.claimed_by,
        row.claimed_until or 0,
        row.claim_token,
        bool(row.is_counted),
        row.attempts,
        bool(row.is_question),
    )


def to_task(row: TaskRow, at: AsOf, not_ready: tuple[str, ...] | UnsetType = UNSET) -> Task:
    """A row as it goes over the wire at a moment."""
    holder = row.holder(at.now) if row.state == "open" else None
    return Task(
        row.task_id,
        row.parent_task_id,
        row.channel,
        row.thread_id,
        "open" if row.state == "open" else "done",
        timestamp(row.created_at),
        optional_timestamp(row.completed_at),
        row.title,
        "claimed" if holder is not None else row.state,
        row.opener,
        row.assignee,
        holder,
        None if holder is None else optional_timestamp(row.claimed_until),
        None if holder is None else row.claim_token,
        row.priority,
        msgspec.Raw(row.depends_on.encode()),
        row.open_dependencies + row.open_children,
        msgspec.Raw(row.needs.encode()),
        optional_timestamp(row.not_before),
        row.attempts,
        row.max_attempts,
        not_ready,
    )
