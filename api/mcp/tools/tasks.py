"""Tasks: what is to be done."""

from typing import Any, Literal

from msgspec import Struct

from api.mcp import answers
from api.mcp.agent_session import AgentSession
from api.mcp.answers import Answer, answer
from api.mcp.tool import Tool


class WhichTasks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which ones to list."""

    status: Literal["open", "done", "all"] = "open"
    channel: str | None = None
    thread_id: str | None = None
    parent_id: int | None = None


class WhichTask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which one is done."""

    task_id: int


async def list_tasks(session: AgentSession, arguments: WhichTasks) -> Answer:
    """Tasks by id."""
    found = await session.read(
        "/v1/tasks",
        status=None if arguments.status == "all" else arguments.status,
        channel=arguments.channel,
        thread_id=arguments.thread_id,
        parent_id=arguments.parent_id,
    )
    return answer(*answers.last([answers.row(one) for one in found], "older tasks are left out"))


async def complete(session: AgentSession, arguments: WhichTask) -> Answer:
    """Say that a task is done."""
    envelope = await session.change(f"/v1/tasks/{arguments.task_id}/complete", agent_id=session.agent_id)
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
