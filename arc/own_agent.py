"""Which agent speaks where nobody names one: that of the window in whose shell this runs.

The window's hooks and its MCP server have registered it, under a name that is made from its session or was given to
them; the hub knows by which session, or which process, it is the window's. So what an agent types in the shell of its
harness is its own, whatever it is called.
"""

from __future__ import annotations

import os

from arc.host_session import find_host_session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from arc.host_session import HostSession

VARIABLE = "ARC_AGENT"
"""Where the environment names the agent."""


def find_own_agent(
    list_agents: Callable[[], Sequence[Mapping[str, Any]]], environment: Mapping[str, str] = os.environ
) -> str | None:
    """The agent of this process; None where neither the environment nor a window names one.

    Args:
        list_agents: gives the agents that the hub knows, as `GET /v1/agents` has them.
        environment: this process's.
    """
    named = environment.get(VARIABLE, "").strip()
    if named:
        return named
    window = find_host_session(environment)
    return None if window is None else name_of(window, list_agents())


def name_of(window: HostSession, agents: Sequence[Mapping[str, Any]]) -> str:
    """The agent of a window: the one that is registered for it, else the one that it would be."""
    return next((str(one["agent_id"]) for one in agents if is_of(window, one)), window.name)


def is_of(window: HostSession, agent: Mapping[str, Any]) -> bool:
    """Whether an agent is that of a window."""
    said = agent.get("metadata")
    host = said.get("host") if isinstance(said, dict) else None
    return isinstance(host, dict) and window.is_same(host)
