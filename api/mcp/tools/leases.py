"""What the tools of claims and of locks have in common: what a holder does with its lease, and how they are listed."""

from collections.abc import Callable
from typing import Any, Final

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from arclog.events import JsonObject


class LeaseTools:
    """The tools of one kind of lease.

    Args:
        noun: what its routes and its lists are called.
        key: the field that names one.
        holder: the field that names its holder.
        name_row: names a row of the list.
    """

    def __init__(self, noun: str, key: str, holder: str, name_row: Callable[[JsonObject], str]) -> None:
        self.noun: Final = noun
        self.key: Final = key
        self._holder = holder
        self._name_row = name_row

    async def refresh(self, agent: AskingAgent, arguments: Any) -> Answer:  # noqa: ANN401 - either noun's arguments
        """Prolong a lease of one's own."""
        envelope = await agent.change(
            f"/v1/{self.noun}/refresh",
            **{self._holder: agent.agent_id, self.key: getattr(arguments, self.key)},
            ttl_sec=arguments.ttl_sec,
            fencing_token=arguments.fencing_token,
        )
        agent.held_leases.add(self.noun, envelope["result"][self.key], arguments.ttl_sec)
        return answer(answers.row(envelope["result"]))

    async def release(self, agent: AskingAgent, arguments: Any) -> Answer:  # noqa: ANN401 - either noun's arguments
        """Give a lease back."""
        envelope = await agent.change(
            f"/v1/{self.noun}/release",
            **{"agent_id": agent.agent_id, self.key: getattr(arguments, self.key)},
            fencing_token=arguments.fencing_token,
        )
        agent.held_leases.drop(self.noun, envelope["result"][self.key])
        return answer(answers.row(envelope["result"]))

    async def list_all(self, agent: AskingAgent, **wanted: Any) -> Answer:  # noqa: ANN401 - the parameters of a list
        """Leases, the oldest first."""
        found = await agent.read_list(f"/v1/{self.noun}", **wanted)
        page = answers.first(map(answers.row, found.rows), more=found.more)
        return answer({self.noun: page.rows}, answers.go_on(page, self._name_row))
