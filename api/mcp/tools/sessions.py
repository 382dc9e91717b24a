"""Who is here."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.tool import NoArguments, Tool
from api.mcp.tools.arguments import After

MAX_NAMES: Final = 100
"""Live agents that `arc_whoami` names."""
UNTOLD: Final = ("session_id", "metadata", "active", "created_at")


class WhichAgents(Struct, frozen=True, kw_only=True):
    """Whom to list."""

    capability: Annotated[str, Meta(description="only agents with exactly this capability")] | None = None
    after: After | None = None


async def list_agents(agent: AskingAgent, arguments: WhichAgents) -> Answer:
    """Live agents by id."""
    found = await agent.read_list("/v1/agents", capability=arguments.capability, after=arguments.after)
    page = answers.first(map(_short, found.rows), more=found.more)
    return answer({"agents": page.rows}, answers.go_on(page, "agent_id"))


async def show_self(agent: AskingAgent, arguments: NoArguments) -> Answer:
    """Who this agent is, and where it stands."""
    found = await agent.read("/v1/bootstrap", agent_id=agent.agent_id)
    live = [one["agent_id"] for one in found["live_agents"]]
    more = None if len(live) <= MAX_NAMES else f"{len(live) - MAX_NAMES} more agents are live: arc_list_agents"
    return answer(
        {
            "agent_id": agent.agent_id,
            "session": answers.row(found["session"] or {}, without=("agent_id", "metadata", "active")),
            "latest_visible_id": found["latest_visible_id"],
            "polled_to_id": agent.poll_places.start,
            "live_agents": live[:MAX_NAMES],
            "default_channel": found["default_channel"],
        },
        more,
    )


def _short(session: dict[str, Any]) -> dict[str, Any]:
    short = answers.row(session, without=UNTOLD)
    if short["display_name"] == short["agent_id"]:
        del short["display_name"]
    return short


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_whoami",
        does="Who am I: your agent id and session, which other agents are live, the newest message id.",
        arguments=NoArguments,
        run=show_self,
        reads=True,
        core=True,
    ),
    Tool(
        name="arc_list_agents",
        does="List the live agents: who else is here.",
        arguments=WhichAgents,
        run=list_agents,
        reads=True,
    ),
)
