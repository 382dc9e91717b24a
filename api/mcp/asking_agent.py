"""The agent as one request of its host sees it: who asks, and the calls that the request makes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from api.mcp.grants import Grant, grant_of
from api.mcp.held_leases import HeldLeases
from api.mcp.poll_places import PollPlaces
from api.mcp.port import NO_IDS, Port, Rows, Value
from arclog.events import JsonObject

if TYPE_CHECKING:
    from api.mcp.agent_session import AgentSession


class AskingAgent:
    """Who asks, and what carries the calls.

    Args:
        session: the agent's.
        key: the host's idempotency key for what this request changes.

    Attributes:
        agent_id: who asks.
        poll_places: how far its polls have read.
        held_leases: what it holds.
        relies_on: the preconditions of what this request changes, as fields of a body.
        known: names of agents that are known to be, or to have been, here.
        grants: what this request was granted after a wait.
    """

    __slots__ = (
        "_key",
        "_port",
        "agent_id",
        "grants",
        "held_leases",
        "known",
        "poll_places",
        "relies_on",
        "session_id",
    )

    def __init__(self, session: "AgentSession", key: str | None = None) -> None:
        self.agent_id = session.agent_id
        self.session_id = session.session_id
        self.poll_places: PollPlaces = session.poll_places
        self.held_leases: HeldLeases = session.held_leases
        self.known: set[str] = session.known
        self.grants: list[Grant] = []
        self._port: Port = session.port
        self._key = key
        self.relies_on: JsonObject = {}

    async def read(self, path: str, *, wait_sec: float = 0.0, **parameters: str | float | bool | None) -> Any:  # noqa: ANN401 - the result of any route
        """The result of a route that reads; parameters that are None are left out.

        Raises:
            HubRefused: there is none.
        """
        given = {name: value for name, value in parameters.items() if value is not None}
        return await self._port.read(path, given, wait_sec=wait_sec)

    async def read_list(self, path: str, **parameters: str | float | bool | None) -> Rows:
        """The rows of a route that lists; parameters that are None are left out.

        Raises:
            HubRefused: there are none.
        """
        return await self._port.read_list(path, {name: one for name, one in parameters.items() if one is not None})

    async def change(self, path: str, *, at: Mapping[str, Value] = NO_IDS, **body: object) -> JsonObject:
        """The envelope of a route that changes something; fields that are None are left out.

        Raises:
            HubRefused: it was not done.
        """
        given = {name: value for name, value in body.items() if value is not None}
        envelope = await self._port.change("POST", path, at, given | self.relies_on, key=self._key)
        grant = grant_of(path, self.agent_id, envelope)
        if grant is not None:
            self.grants.append(grant)
        return envelope
