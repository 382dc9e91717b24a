"""Tasks over HTTP: what is to be done, and saying that it is done."""

from typing import Annotated

from msgspec import Meta, Struct

from api.http.lists import Listed, read_list
from api.http.routes import ChangeRoute, ReadCaller, ReadResult, ReadRoute, Route
from arclog.deciders.fields import MAX_INTEGER
from arclog.deciders.tasks import CompleteTask, TaskStatus
from projections import tasks
from projections.hub.hub import Hub
from projections.tasks import Task


class Completion(Struct, frozen=True):
    """Who says that a task is done."""

    agent_id: str | None = None


class TaskIds(Struct, frozen=True):
    """A task."""

    task_id: Annotated[int, Meta(ge=0, le=MAX_INTEGER)]


class TasksQuery(Listed, frozen=True, kw_only=True):
    """Which tasks to list."""

    parent_id: Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="only children of this task")] | None = None
    status: TaskStatus | None = None
    channel: Annotated[str, Meta(description="only of this channel")] | None = None
    thread_id: Annotated[str, Meta(description="only of this thread")] | None = None


async def list_tasks(hub: Hub, query: TasksQuery, reader: ReadCaller) -> ReadResult:
    """Tasks by id."""
    return await read_list(
        hub,
        query,
        tasks.each_task,
        _key,
        reader.at,
        parent_id=query.parent_id,
        status=query.status,
        channel=query.channel,
        thread_id=query.thread_id,
    )


def _key(task: Task) -> str:
    return str(task.task_id)


def complete(ids: TaskIds, body: Completion) -> CompleteTask:
    """The command that completes the task in the path."""
    return CompleteTask(task_id=ids.task_id, agent_id=body.agent_id)


ROUTES: tuple[Route, ...] = (
    ReadRoute(
        does="List the tasks, by id.",
        path="/v1/tasks",
        query=TasksQuery,
        answer=list_tasks,
        result=list[Task],
        beside=("more",),
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
)
