"""Names that nobody ever had: what is sent or given to one reaches nobody yet, so the answer says so."""

from collections.abc import Iterable
from typing import Final

from api.mcp.asking_agent import AskingAgent
from api.mcp.port import HubRefused
from arclog.events.messages import HUMAN

NOT_FOUND: Final = 404
NEVER_HERE: Final = "never been here"
"""How the hub says that nobody has heard of an agent."""
MOST: Final = 5
"""Names of one call that are looked at."""


async def note_strangers(agent: AskingAgent, names: Iterable[object], gets: str) -> str | None:
    """What to say of those among `names` of whom nobody has heard; None when there is nothing to say.

    Args:
        agent: who asks.
        names: whom something is for, as it was given.
        gets: what becomes of it, as in `gets the message`.
    """
    wanted = [name for name in dict.fromkeys(names) if isinstance(name, str) and name not in {"", HUMAN}]
    strangers = [name for name in wanted[:MOST] if await _is_stranger(agent, name)]
    if not strangers:
        return None
    named = " or ".join(strangers)
    return f"No agent {named} has ever been here: it {gets} if it comes. arc_list_agents has the names."


async def _is_stranger(agent: AskingAgent, name: str) -> bool:
    if name in agent.known:
        return False
    try:
        await agent.read("/v1/agents/{agent_id}", agent_id=name)
    except HubRefused as refused:
        return refused.status == NOT_FOUND and NEVER_HERE in str(refused)
    agent.known.add(name)
    return False
