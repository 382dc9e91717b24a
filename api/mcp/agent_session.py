"""An agent's session at a hub: its session, its cursors, and the calls that it makes.

The session says since when its polls read (`metadata.since_id`), so a hub that restarts and has forgotten the cursors
begins there again: messages may be shown twice then, but none is lost.
"""

import asyncio
from typing import Any, Final
from urllib.parse import quote, urlencode

from api.mcp.cursors import Cursors
from api.mcp.port import Port, Refused
from arclog.events import JsonObject

VIA: Final = "mcp"
NOT_FOUND: Final = 404
DEFAULT_PRESENCE_TTL_SEC: Final = 120.0
LONGEST_BEAT_SEC: Final = 30.0


class AgentSession:
    """One agent at one hub.

    Args:
        agent_id: who speaks.
        port: carries its calls.

    Attributes:
        cursors: how far its polls have read.
        session_id: the session that was opened here, if any.
    """

    def __init__(self, agent_id: str, port: Port) -> None:
        self.agent_id = agent_id
        self.cursors = Cursors()
        self.session_id: str | None = None
        self._port = port
        self._instance_id: str | None = None
        self._taking = asyncio.Lock()

    # The session ----------------------------------------------------------------------------------------------------

    async def take(self) -> str:
        """Register the agent, in place of a session that it has.

        Its polls begin with what is said from now on; where a host comes back before its session was over, they go on.

        Returns:
            The id of the session.

        Raises:
            Refused: the hub would not, or is not there.
        """
        async with self._taking:
            found = await self._look()
            if found["session"] is None:
                self.cursors.begin(found["latest_visible_id"])
            elif not self.cursors.begun:
                self.cursors.begin(_since(found["session"], found["latest_visible_id"]))
            return await self._take()

    async def keep(self) -> None:
        """Show that the agent is there, and register it again where it has no session any more.

        Raises:
            Refused: the hub would not, or is not there.
        """
        async with self._taking:
            found = await self._look()
            session = found["session"]
            if not self.cursors.begun:
                latest = found["latest_visible_id"]
                self.cursors.begin(latest if session is None else _since(session, latest))
            if session is None:
                await self._take()

    async def leave(self) -> None:
        """End the session that was opened here.

        Raises:
            Refused: the hub is not there; it ends the session by itself.
        """
        session_id, self.session_id = self.session_id, None
        if session_id is not None:
            await self.close(session_id)

    async def close(self, session_id: str) -> bool:
        """End a session; False when it is over already.

        Raises:
            Refused: the hub is not there.
        """
        try:
            await self._port.call("DELETE", f"/v1/sessions/{quote(session_id, safe='')}")
        except Refused as refused:
            if refused.status != NOT_FOUND:
                raise
            return False
        return True

    async def read_beat_sec(self) -> float:
        """How often `keep` is to be called so that the session of an idle agent lives on."""
        info = await self.read("/v1/hub-info")
        ttl_sec: float = info.get("presence_ttl_sec", DEFAULT_PRESENCE_TTL_SEC)
        return min(LONGEST_BEAT_SEC, ttl_sec / 3)

    async def _look(self) -> JsonObject:
        found: JsonObject = await self.read("/v1/bootstrap", agent_id=self.agent_id)
        former, self._instance_id = self._instance_id, self._port.instance_id
        if former not in {None, self._instance_id}:  # another storage: the old ids mean nothing in it
            self.cursors.begin(0)
        return found

    async def _take(self) -> str:
        metadata = {"via": VIA, "since_id": self.cursors.start}
        opened = await self.change("/v1/sessions", agent_id=self.agent_id, replace=True, metadata=metadata)
        session_id: str = opened["result"]["session_id"]
        self.session_id = session_id
        return session_id

    # Calls ----------------------------------------------------------------------------------------------------------

    async def read(self, path: str, *, wait_sec: float = 0.0, **query: str | float | bool | None) -> Any:  # noqa: ANN401 - the result of any route
        """The result of a route that reads; parameters that are None are left out.

        Raises:
            Refused: there is none.
        """
        given = {name: int(value) if isinstance(value, bool) else value for name, value in query.items()}
        text = urlencode({name: value for name, value in given.items() if value is not None})
        envelope = await self._port.call("GET", f"{path}?{text}" if text else path, wait_sec=wait_sec)
        return envelope["result"]

    async def change(self, path: str, **body: object) -> JsonObject:
        """The envelope of a route that changes something; fields that are None are left out.

        Raises:
            Refused: it was not done.
        """
        given = {name: value for name, value in body.items() if value is not None}
        return await self._port.call("POST", path, given)


def _since(session: JsonObject, latest: int) -> int:
    """Where the polls of a session begin: where it says, if it was opened over MCP."""
    metadata = session["metadata"]
    since = metadata.get("since_id")
    return since if metadata.get("via") == VIA and isinstance(since, int) and 0 <= since <= latest else latest
