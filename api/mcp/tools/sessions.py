"""Who is here."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.agent_session import AgentSession
from api.mcp.answers import Answer, answer
from api.mcp.tool import NoArguments, Tool

UNTOLD: Final = ("session_id", "metadata", "active", "created_at")


class WhichAgents(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to list."""

    capability: Annotated[str, Meta(description="only agents with exactly this capability")] | None = None


async def list_agents(session: AgentSession, arguments: WhichAgents) -> Answer:
    """Live agents by id."""
    found = await session.read("/v1/agents", capability=arguments.capability)
    return answer([_short(one) for one in found])


async def show_self(session: AgentSession, arguments: NoArguments) -> Answer:
    """Who this agent is, and where it stands."""
    found = await session.read("/v1/bootstrap", agent_id=session.agent_id)
    return answer(
        {
            "agent_id": session.agent_id,
            "session": answers.row(found["session"] or {}, without=("agent_id", "metadata", "active")),
            "latest_visible_id": found["latest_visible_id"],
            "polled_to_id": session.cursors.start,
            "live_agents": [one["agent_id"] for one in found["live_agents"]],
            "default_channel": found["default_channel"],
        }
    )


def _short(session: dict[str, Any]) -> dict[str, Any]:
    short = answers.row(session, without=UNTOLD)
    if short["display_name"] == short["agent_id"]:
        del short["display_name"]
    return short


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_whoami",
        does="Your agent id and session, who else is live, and the newest message id.",
        arguments=NoArguments,
        run=show_self,
        reads=True,
    ),
    Tool(name="arc_list_agents", does="List live agents.", arguments=WhichAgents, run=list_agents, reads=True),
)
