"""The digest: what changed while the agent was away."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.tool import Tool


class Away(Struct, frozen=True, kw_only=True):
    """Since when."""

    since: Annotated[int, Meta(ge=0, description="after this event; your own last one when left out")] | None = None


async def catch_up(agent: AskingAgent, arguments: Away) -> Answer:
    """What changed, a line a fact."""
    found = await agent.read("/v1/digest", agent_id=agent.agent_id, since=arguments.since)
    return answer({"since": found["since"], "until": found["until"], "news": found["text"].split("\n")})


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_catch_up",
        does="Call this first: what changed while you were away, in a few lines, each after its event id.",
        arguments=Away,
        run=catch_up,
        reads=True,
        core=True,
    ),
)
