"""Asking a person."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.tool import Tool
from arclog.events.messages import HUMAN


class Question(Struct, frozen=True, kw_only=True):
    """What is asked."""

    body: str
    options: Annotated[list[str], Meta(description="answers to choose from")] | None = None
    default: Annotated[str, Meta(description="counts when nobody answers in time")] | None = None
    deadline_sec: float | None = None
    for_task_id: Annotated[int, Meta(description="your task that waits for the answer")] | None = None


async def ask(agent: AskingAgent, arguments: Question) -> Answer:
    """Post the question; nobody waits."""
    envelope = await agent.change(
        "/v1/messages",
        from_agent=agent.agent_id,
        to_agent=HUMAN,
        kind="task_request",
        body=arguments.body,
        options=arguments.options,
        default=arguments.default,
        deadline_sec=arguments.deadline_sec,
        for_task_id=arguments.for_task_id,
    )
    task_id = arguments.for_task_id
    if task_id is None:
        return answer({"question_id": envelope["result"]["id"]}, "The answer comes to you as a message: poll for it.")
    agent.held_leases.drop("claims", f"task-{task_id}")
    note = f"Task {task_id} is given back. It is ready for you again with the answer: go on with arc_next_task."
    return answer({"question_id": envelope["result"]["id"]}, note)


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_ask_person",
        does="Ask the person in charge, without waiting. With for_task_id, that task is yours again with the answer.",
        arguments=Question,
        run=ask,
    ),
)
