"""Tasks: what is to be done."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.tool import Tool


class WhichTasks(Struct, frozen=True, kw_only=True):
    """Which ones to list."""

    status: Literal["open", "done", "all"] = "open"
    channel: str | None = None
    thread_id: str | None = None
    parent_id: Annotated[int, Meta(description="only parts of this task")] | None = None
    after: Annotated[int, Meta(description="go on after this id, as a full page says")] | None = None


class WhichTask(Struct, frozen=True, kw_only=True):
    """Which one is done."""

    task_id: int


async def list_tasks(agent: AskingAgent, arguments: WhichTasks) -> Answer:
    """Tasks by id."""
    found = await agent.read(
        "/v1/tasks",
        status=None if arguments.status == "all" else arguments.status,
        channel=arguments.channel,
        thread_id=arguments.thread_id,
        parent_id=arguments.parent_id,
        after=arguments.after,
    )
    page = answers.first(map(answers.row, found))
    return answer({"tasks": page.rows}, answers.go_on(page, "task_id"))


async def complete(agent: AskingAgent, arguments: WhichTask) -> Answer:
    """Say that a task is done."""
    envelope = await agent.change(
        "/v1/tasks/{task_id}/complete", ids={"task_id": arguments.task_id}, agent_id=agent.agent_id
    )
    done = answers.row(envelope["result"])
    if envelope.get("parent_completed"):
        done["parent_completed"] = True
    return answer(done)


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_list_tasks",
        does="List tasks by id. A task's id is the id of the message that opened it.",
        arguments=WhichTasks,
        run=list_tasks,
        reads=True,
    ),
    Tool(
        name="arc_complete_task",
        does="Mark a task done; the last open child completes its parent.",
        arguments=WhichTask,
        run=complete,
    ),
)
