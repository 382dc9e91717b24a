"""Tasks: what is to be done."""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.tool import Tool
from api.mcp.tools.arguments import Token, TtlSec, WaitSec
from api.mcp.tools.strangers import note_strangers

FOR_IT_ALONE: Final = "alone may do the task,"


class WhichTasks(Struct, frozen=True, kw_only=True):
    """Which ones to list."""

    status: Literal["open", "done", "all"] = "open"
    channel: str | None = None
    thread_id: str | None = None
    parent_id: Annotated[int, Meta(description="only parts of this task")] | None = None
    after: Annotated[int, Meta(description="go on after this id, as a full page says")] | None = None


class Completed(Struct, frozen=True, kw_only=True):
    """Which one is done."""

    task_id: int
    fencing_token: Token | None = None


class Next(Struct, frozen=True, kw_only=True):
    """How long to wait for one, and how long to have it."""

    wait_sec: WaitSec = 0
    ttl_sec: TtlSec = 300


class Decide(Struct, frozen=True, kw_only=True):
    """What becomes of a task."""

    action: Literal["assign", "cancel", "fail", "handover", "reopen"]
    task_id: int
    reason: str | None = None
    assignee: (
        Annotated[str, Meta(description="assign: who alone may do it, or anybody; handover: who gets it")] | None
    ) = None


class OpenAll(Struct, frozen=True, kw_only=True):
    """Tasks that are opened at once."""

    tasks: Annotated[
        list[dict[str, Any]],
        Meta(
            description="{body, ref?, parent?, depends_on?, priority?: 0-4, assignee?, needs?}; others name it by ref"
        ),
    ]
    thread_id: str | None = None


async def take_next(agent: AskingAgent, arguments: Next) -> Answer:
    """The next task that is ready, with the lease on it."""
    envelope = await agent.change(
        "/v1/tasks/next",
        agent_id=agent.agent_id,
        wait_sec=arguments.wait_sec or None,
        ttl_sec=arguments.ttl_sec,
    )
    picked = envelope["result"]
    if picked is None:
        return answer({"task": None}, "No task is ready for you.")
    agent.held_leases.add("claims", f"task-{picked['task']['task_id']}", arguments.ttl_sec)
    return answer({"task": answers.row(picked["task"]), "why": picked["why"]})


async def decide(agent: AskingAgent, arguments: Decide) -> Answer:
    """Fail, cancel, reopen, assign or hand over a task."""
    if arguments.action == "handover":
        lease = await agent.change(
            "/v1/tasks/{task_id}/handover",
            at={"task_id": arguments.task_id},
            agent_id=agent.agent_id,
            to_agent_id=arguments.assignee or "",
        )
        agent.held_leases.drop("claims", lease["result"]["claim_key"])
        return answer(answers.row(lease["result"]))
    envelope = await agent.change(
        f"/v1/tasks/{{task_id}}/{arguments.action}",
        at={"task_id": arguments.task_id},
        agent_id=agent.agent_id,
        reason=arguments.reason,
        assignee=arguments.assignee,
    )
    if arguments.action in {"cancel", "fail"}:
        agent.held_leases.drop("claims", f"task-{arguments.task_id}")
    note = await note_strangers(agent, [arguments.assignee], FOR_IT_ALONE) if arguments.action == "assign" else None
    return answer(answers.row(envelope["result"]), note)


async def open_all(agent: AskingAgent, arguments: OpenAll) -> Answer:
    """Open several tasks, all of them or none."""
    envelope = await agent.change(
        "/v1/tasks",
        agent_id=agent.agent_id,
        tasks=arguments.tasks,
        thread_id=arguments.thread_id,
    )
    note = await note_strangers(agent, [task.get("assignee") for task in arguments.tasks], FOR_IT_ALONE)
    return answer({"task_ids": [task["task_id"] for task in envelope["result"]]}, note)


async def list_tasks(agent: AskingAgent, arguments: WhichTasks) -> Answer:
    """Tasks by id."""
    found = await agent.read_list(
        "/v1/tasks",
        status=None if arguments.status == "all" else arguments.status,
        channel=arguments.channel,
        thread_id=arguments.thread_id,
        parent_id=arguments.parent_id,
        after=arguments.after,
    )
    page = answers.first(map(answers.row, found.rows), more=found.more)
    return answer({"tasks": page.rows}, answers.go_on(page, "task_id"))


async def complete(agent: AskingAgent, arguments: Completed) -> Answer:
    """Say that a task is done."""
    envelope = await agent.change(
        "/v1/tasks/{task_id}/complete",
        at={"task_id": arguments.task_id},
        agent_id=agent.agent_id,
        fencing_token=arguments.fencing_token,
    )
    agent.held_leases.drop("claims", f"task-{arguments.task_id}")
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
        name="arc_next_task",
        does="Take the next task that is ready for you, with a lease on it. Prolong it as claim task-<id>; "
        "complete or fail the task when you are through.",
        arguments=Next,
        run=take_next,
        waits=True,
    ),
    Tool(
        name="arc_task",
        does="Fail, cancel, reopen, assign or hand over a task.",
        arguments=Decide,
        run=decide,
    ),
    Tool(
        name="arc_open_tasks",
        does="Open several tasks at once, with dependencies among them; all or none.",
        arguments=OpenAll,
        run=open_all,
    ),
    Tool(
        name="arc_complete_task",
        does="Mark a task done; the last open child completes its parent.",
        arguments=Completed,
        run=complete,
        relies=True,
    ),
)
