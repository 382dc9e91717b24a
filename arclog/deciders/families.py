"""Families: agents, and the sub-agents that work for them.

A sub-agent is called `parent.name`, and belongs to its parent for good. It may use what its parent holds: a lock of its
parent does not stand in its way, and a claim of its parent is its own. What it holds itself stands in the way of its
parent, of its parent's other sub-agents, and of everybody else. To those outside, a family waits as one, because its
parent needs its sub-agents to come to an end, and they need what it holds.
"""

from collections.abc import Iterator
from typing import Final

from arclog.errors import InvalidInput

SEPARATOR: Final = "."
"""What stands between the name of a parent and that of its sub-agent."""


class Families:
    """Who is whose sub-agent."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self._sub_agents: dict[str, dict[str, None]] = {}

    def __bool__(self) -> bool:
        return bool(self._parents)

    def join(self, agent_id: str, parent: str) -> None:
        """An agent is a sub-agent from now on."""
        self._parents[agent_id] = parent
        self._sub_agents.setdefault(parent, {})[agent_id] = None

    def parent_of(self, agent_id: str) -> str | None:
        """Whose sub-agent an agent is; None when nobody's."""
        return self._parents.get(agent_id)

    def head_of(self, agent_id: str) -> str:
        """As whom an agent counts to those outside its family: its parent, or itself."""
        return self._parents.get(agent_id, agent_id)

    def and_parent(self, agent_id: str) -> tuple[str, ...]:
        """An agent and, of a sub-agent, its parent: those whose locks do not stand in its way."""
        parent = self._parents.get(agent_id)
        return (agent_id,) if parent is None else (agent_id, parent)

    def are_related(self, one: str, other: str) -> bool:
        """Whether one of two agents is the other's parent."""
        return self._parents.get(one) == other or self._parents.get(other) == one

    def has_sub_agents(self, agent_id: str) -> bool:
        """Whether an agent has sub-agents."""
        return agent_id in self._sub_agents

    def has(self, agent_id: str) -> bool:
        """Whether an agent is a sub-agent, or has some."""
        return agent_id in self._parents or agent_id in self._sub_agents

    def members_of(self, head: str) -> Iterator[str]:
        """A whole family, its head first."""
        yield head
        yield from self._sub_agents.get(head, ())


def check_name(agent_id: str, parent: str) -> None:
    """See that a sub-agent is called after its parent.

    Raises:
        InvalidInput: it is not.
    """
    before, _, own = agent_id.rpartition(SEPARATOR)
    if before != parent or not own:
        wanted = f"{parent}{SEPARATOR}NAME"
        raise InvalidInput("agent_id", f"of a sub-agent must be {wanted}, with no dot in NAME, not {agent_id!r}")
