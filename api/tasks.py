"""Tasks over HTTP: what is to be done, the next one that is ready, and what becomes of them."""

from typing import Annotated

from msgspec import Meta, Struct

from api.http.as_of import Dated
from api.http.lists import Listed, read_list
from api.http.routes import ChangeRoute, ReadCaller, ReadResult, ReadRoute, Route, created
from arclog.deciders.fields import MAX_INTEGER
from arclog.deciders.picking import TakeNextTask
from arclog.deciders.task_batches import OpenTasks
from arclog.deciders.tasks import (
    AssignTask,
    CancelTask,
    CompleteTask,
    FailTask,
    HandOverTask,
    ReopenTask,
    TaskState,
    TaskStatus,
)
from arclog.errors import NotFound
from projections import readiness, sessions, tasks
from projections.claims import Claim
from projections.encoding import encode_json
from projections.hub.hub import Hub
from projections.hub.task_answers import Picked
from projections.readiness import Worker
from projections.tasks import Task

TaskId = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]


class Completion(Struct, frozen=True):
    """Who says that a task is done; with the fencing token of the lease on it, if it is to be checked."""

    agent_id: str | None = None
    fencing_token: int | None = None


class Failure(Struct, frozen=True):
    """Who says that a task cannot be done, and why."""

    agent_id: str
    reason: str = ""
    fencing_token: int | None = None


class Decision(Struct, frozen=True):
    """Who decides about a task, and why."""

    agent_id: str | None = None
    reason: str = ""


class Assignment(Struct, frozen=True):
    """Who is to do a task, and who says so; without an assignee, anybody."""

    agent_id: str | None = None
    assignee: str | None = None


class Receiver(Struct, frozen=True):
    """Who gives a task that it has, and to whom; with the fencing token of the lease on it, if it is to be checked."""

    agent_id: str
    to_agent_id: str
    fencing_token: int | None = None


class TaskIds(Struct, frozen=True):
    """A task."""

    task_id: TaskId


class TasksQuery(Listed, frozen=True, kw_only=True):
    """Which tasks to list."""

    parent_id: Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="only children of this task")] | None = None
    status: TaskStatus | None = None
    state: TaskState | None = None
    channel: Annotated[str, Meta(description="only of this channel")] | None = None
    thread_id: Annotated[str, Meta(description="only of this thread")] | None = None
    ready: Annotated[bool, Meta(description="only those that can be done now, in the order in which they are")] = False
    explain: Annotated[bool, Meta(description="all that are open, each with why it is not ready")] = False
    agent_id: Annotated[str, Meta(description="with `ready` or `explain`: for this agent")] | None = None


class TaskQuery(Dated, frozen=True, kw_only=True):
    """Which task."""

    task_id: TaskId


async def list_tasks(hub: Hub, query: TasksQuery, reader: ReadCaller) -> ReadResult:
    """Tasks by id."""
    if query.ready or query.explain:
        each = readiness.each_explained if query.explain else readiness.each_ready
        return await read_list(hub, query, each, _key, reader.at, _worker(hub, query.agent_id, reader))
    return await read_list(
        hub,
        query,
        tasks.each_task,
        _key,
        reader.at,
        parent_id=query.parent_id,
        status=query.status,
        state=query.state,
        channel=query.channel,
        thread_id=query.thread_id,
    )


async def get_task(hub: Hub, query: TaskQuery, reader: ReadCaller) -> ReadResult:
    """One task, with why it is not ready."""
    found = await hub.read_on_thread(readiness.find_explained, query.task_id, reader.at)
    if found is None:
        raise NotFound("task", query.task_id)
    return ReadResult(encode_json(found))


def _worker(hub: Hub, agent_id: str | None, reader: ReadCaller) -> Worker:
    if agent_id is None:
        return Worker()
    session = hub.read(sessions.find_session, agent_id, reader.at)
    return Worker(agent_id, frozenset(session.capabilities if session is not None else ()))


def _key(task: Task) -> str:
    return str(task.task_id)


def complete(ids: TaskIds, body: Completion) -> CompleteTask:
    """The command that completes the task in the path."""
    return CompleteTask(task_id=ids.task_id, agent_id=body.agent_id, fencing_token=body.fencing_token)


def fail(ids: TaskIds, body: Failure) -> FailTask:
    """The command that fails the task in the path."""
    return FailTask(task_id=ids.task_id, agent_id=body.agent_id, reason=body.reason, fencing_token=body.fencing_token)


def cancel(ids: TaskIds, body: Decision) -> CancelTask:
    """The command that cancels the task in the path."""
    return CancelTask(task_id=ids.task_id, agent_id=body.agent_id, reason=body.reason)


def reopen(ids: TaskIds, body: Decision) -> ReopenTask:
    """The command that opens the task in the path again."""
    return ReopenTask(task_id=ids.task_id, agent_id=body.agent_id, reason=body.reason)


def assign(ids: TaskIds, body: Assignment) -> AssignTask:
    """The command that assigns the task in the path."""
    return AssignTask(task_id=ids.task_id, agent_id=body.agent_id, assignee=body.assignee)


def hand_over(ids: TaskIds, body: Receiver) -> HandOverTask:
    """The command that gives the task in the path to another agent."""
    return HandOverTask(
        task_id=ids.task_id,
        agent_id=body.agent_id,
        to_agent_id=body.to_agent_id,
        fencing_token=body.fencing_token,
    )


ROUTES: tuple[Route, ...] = (
    ReadRoute(
        does="List the tasks, by id; or those that are ready; or why the others are not.",
        path="/v1/tasks",
        query=TasksQuery,
        answer=list_tasks,
        result=list[Task],
        beside=("more",),
    ),
    ChangeRoute(
        does="Open several tasks at once, with dependencies among them; all of them or none.",
        path="/v1/tasks",
        body=OpenTasks,
        status=created,
        statuses=(201,),
        result=list[Task],
    ),
    ChangeRoute(
        does="Take the next task that is ready, with the lease on it; wait for one.",
        path="/v1/tasks/next",
        body=TakeNextTask,
        result=Picked | None,
        beside=("acquired", "waited"),
    ),
    ReadRoute(
        does="Show one task, with why it is not ready.",
        path="/v1/tasks/{task_id}",
        query=TaskQuery,
        answer=get_task,
        result=Task,
    ),
    ChangeRoute(
        does="Say that a task is done; the last child to be done completes its parent.",
        path="/v1/tasks/{task_id}/complete",
        ids=TaskIds,
        body=Completion,
        command=complete,
        result=Task,
        beside=("parent_completed",),
    ),
    ChangeRoute(
        does="Say that a task cannot be done.",
        path="/v1/tasks/{task_id}/fail",
        ids=TaskIds,
        body=Failure,
        command=fail,
        result=Task,
    ),
    ChangeRoute(
        does="Say that a task is not to be done any more.",
        path="/v1/tasks/{task_id}/cancel",
        ids=TaskIds,
        body=Decision,
        command=cancel,
        result=Task,
    ),
    ChangeRoute(
        does="Open a task again that is over.",
        path="/v1/tasks/{task_id}/reopen",
        ids=TaskIds,
        body=Decision,
        command=reopen,
        result=Task,
    ),
    ChangeRoute(
        does="Say who alone is to do a task; without an assignee, anybody may.",
        path="/v1/tasks/{task_id}/assign",
        ids=TaskIds,
        body=Assignment,
        command=assign,
        result=Task,
    ),
    ChangeRoute(
        does="Give a task that one has to another agent, with no moment in between at which it is free.",
        path="/v1/tasks/{task_id}/handover",
        ids=TaskIds,
        body=Receiver,
        command=hand_over,
        result=Claim,
    ),
)
