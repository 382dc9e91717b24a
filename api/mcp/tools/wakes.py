"""Waking another agent, and taking up what one was woken for."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.port import HubRefused
from api.mcp.tool import Tool

UNSAID = 400


class Wake(Struct, frozen=True, kw_only=True):
    """Who is to wake, or which wake was taken up."""

    agent_id: str | None = None
    message_id: Annotated[int, Meta(description="the message it is to wake for")] | None = None
    ack: Annotated[int, Meta(description="a wake that you have taken up")] | None = None


async def wake(agent: AskingAgent, arguments: Wake) -> Answer:
    """Have an agent called, or say that one has taken up a wake."""
    if arguments.ack is not None:
        told = await agent.change("/v1/wakes/{wake_id}/ack", at={"wake_id": arguments.ack}, agent_id=agent.agent_id)
        return answer(told["result"])
    if arguments.agent_id is None:
        raise HubRefused("give agent_id, who is to wake, or ack, the wake that you have taken up", UNSAID)
    asked = await agent.change(
        "/v1/agents/{agent_id}/wake",
        at={"agent_id": arguments.agent_id},
        from_agent=agent.agent_id,
        message_id=arguments.message_id,
    )
    return answer(asked["result"])


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_wake",
        does="Have an idle agent called, or acknowledge that you were.",
        arguments=Wake,
        run=wake,
    ),
)
