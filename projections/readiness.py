"""Readiness: which tasks can be done now, by whom, and why the others cannot.

A task is ready when it is open and nobody has it, it has no open children, all that it and its ancestors depend on is
done, its time has come, and the agent has what it needs. In the present an index finds what may be ready; what remains
is looked at one by one.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

import apsw
import msgspec
from msgspec import Struct

from arclog.clock import NEVER
from arclog.deciders.picking import LONG_READY, ReadyTask, TakeNextTask
from projections import sessions
from projections.intervals import AsOf, live
from projections.task_rows import SQL, TaskRow
from projections.tasks import Task, find_row, list_dependents, read_rows, to_task
from projections.times import timestamp

MAX_DEPTH: Final = 1_000
"""Ancestors of a task that are looked at."""
_decode_ids: Final = msgspec.json.Decoder(list[int]).decode
_decode_names: Final = msgspec.json.Decoder(list[str]).decode


class Worker(Struct, frozen=True):
    """Who would do a task.

    Attributes:
        agent_id: the agent; None asks whether anybody at all could.
        capabilities: what it can.
    """

    agent_id: str | None = None
    capabilities: Collection[str] = ()


def explain(connection: apsw.Connection, row: TaskRow, worker: Worker, at: AsOf) -> Iterator[str]:
    """Why a task is not ready for somebody, one reason after the other; none when it is."""
    if row.state != "open":
        yield f"it is {row.state}"
        return
    holder = row.holder(at.now)
    if holder is not None:
        yield f"{holder} has it until {timestamp(row.claimed_until or 0)}"
    if row.is_question:
        yield "it asks a person"
    elif row.assignee is not None and worker.agent_id is not None and row.assignee != worker.agent_id:
        yield f"it is assigned to {row.assignee}"
    if row.not_before is not None and row.not_before > at.now:
        yield f"it is not to be begun before {timestamp(row.not_before)}"
    if worker.agent_id is not None:
        missing = [one for one in _decode_names(row.needs) if one not in worker.capabilities]
        if missing:
            yield f"it needs {', '.join(missing)}"
    if row.open_children:
        yield "1 child is open" if row.open_children == 1 else f"{row.open_children} children are open"
    if row.open_dependencies:
        yield from _explain_dependencies(connection, row, at, "")
    yield from _explain_ancestors(connection, row, at)


def _explain_dependencies(connection: apsw.Connection, row: TaskRow, at: AsOf, whose: str) -> Iterator[str]:
    for task_id in _decode_ids(row.depends_on):
        other = find_row(connection, task_id, at)
        if other is None or other.state != "done":
            yield f"{whose}depends on task {task_id}, which is {'unknown' if other is None else other.state}"


def _explain_ancestors(connection: apsw.Connection, row: TaskRow, at: AsOf) -> Iterator[str]:
    for above in ancestors(connection, row, at):
        if above.state == "cancelled":
            yield f"task {above.task_id}, of which it is a part, is cancelled"
        if above.open_dependencies:
            yield from _explain_dependencies(connection, above, at, f"task {above.task_id}, of which it is a part, ")


def ancestors(connection: apsw.Connection, row: TaskRow, at: AsOf) -> Iterator[TaskRow]:
    """The tasks that a task is a part of, the nearest first."""
    for _depth in range(MAX_DEPTH):
        if row.parent_task_id is None:
            return
        above = find_row(connection, row.parent_task_id, at)
        if above is None:
            return
        yield above
        row = above


def is_ready(connection: apsw.Connection, row: TaskRow, worker: Worker, at: AsOf) -> bool:
    """Whether somebody can do a task now."""
    return next(explain(connection, row, worker, at), None) is None


def find_next(connection: apsw.Connection, worker: Worker, at: AsOf, thread_id: str | None = None) -> ReadyTask | None:
    """The task that goes first, at the log's head."""
    for query, bindings in (("list_long_free", {"since": at.now - LONG_READY}), ("list_free", {})):
        for row in read_rows(connection, query, at.bindings(**bindings)):
            if thread_id is not None and row.thread_id != thread_id:
                continue
            if is_ready(connection, row, worker, at):
                return ReadyTask(row.task_id, row.thread_id, row.priority, row.ready_since)
    return None


def read_worker(connection: apsw.Connection, command: TakeNextTask, at: AsOf) -> Worker:
    """Who asks for work, and what it can: what it says, else what its session says."""
    agent_id = command.agent_id.strip()
    if command.capabilities is not None:
        return Worker(agent_id, frozenset(command.capabilities))
    session = sessions.find_session(connection, agent_id, at)
    return Worker(agent_id, frozenset(session.capabilities if session is not None else ()))


def is_there_work(connection: apsw.Connection, command: TakeNextTask, now: int) -> bool:
    """Whether there is a task for who asks for one."""
    at = live(now)
    return find_next(connection, read_worker(connection, command, at), at, command.thread_id) is not None


def find_next_due(connection: apsw.Connection) -> int:
    """When the clockwork has something to do with tasks; `NEVER` when nothing is in sight."""
    return int(connection.execute(SQL["find_next_due"], {"never": NEVER}).get)


def find_next_time(connection: apsw.Connection, now: int) -> int:
    """When a task may become ready though nothing happens; `NEVER` when none does."""
    return int(connection.execute(SQL["find_next_time"], {"now": now, "never": NEVER}).get)


def each_ready(connection: apsw.Connection, at: AsOf, worker: Worker) -> Iterator[Task]:
    """The tasks that are ready at a moment, in the order in which they are done."""
    since = at.now - LONG_READY
    ready = [row for row in _open(connection, at) if is_ready(connection, row, worker, at)]
    ready.sort(key=lambda row: (0, row.ready_since, 0) if row.ready_since <= since else (1, row.priority, row.task_id))
    return (to_task(row, at) for row in ready)


def each_explained(connection: apsw.Connection, at: AsOf, worker: Worker) -> Iterator[Task]:
    """All open tasks by id, each with why it is not ready; no reason where it is."""
    return (to_task(row, at, tuple(explain(connection, row, worker, at))) for row in _open(connection, at))


def find_explained(connection: apsw.Connection, task_id: int, at: AsOf) -> Task | None:
    """One task, with why it is not ready for anybody; no reason where it is."""
    row = find_row(connection, task_id, at)
    return None if row is None else to_task(row, at, tuple(explain(connection, row, Worker(), at)))


def _open(connection: apsw.Connection, at: AsOf) -> Iterable[TaskRow]:
    everything = at.bindings(parent_id=None, status=None, state=None, channel=None, thread_id=None)
    return read_rows(connection, "list_open", everything)


def waits_for(connection: apsw.Connection, task_id: int, at: AsOf) -> list[int]:
    """What a task waits for that is not over: its dependencies, those of its ancestors, and its children."""
    row = find_row(connection, task_id, at)
    if row is None or row.state == "done":
        return []
    found = _decode_ids(row.depends_on)
    for above in ancestors(connection, row, at):
        found += _decode_ids(above.depends_on)
    if row.open_children:
        found += [child for (child,) in connection.execute(SQL["list_open_children"], (task_id,))]
    return found


def openers_that_wait(connection: apsw.Connection, task_id: int, at: AsOf) -> tuple[str, ...]:
    """Who opened the open tasks that depend on a task."""
    rows = (find_row(connection, one, at) for one in list_dependents(connection, task_id, at))
    return tuple(dict.fromkeys(row.opener for row in rows if row is not None and row.state == "open"))
