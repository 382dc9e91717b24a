"""The agents that speak by URL, each with its session and its conversations.

A URL names the agent, and the session that `initialize` gave tells one window of a host from another: the second that
comes under a name which is in use becomes `NAME-2`. A URL without a name gets one for each window, made from the name
of the host.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from uuid import uuid4

from api.mcp.agent_session import AgentSession
from api.mcp.conversation import Conversation
from api.mcp.kept_places import KeptPlaces
from api.mcp.port import HubRefused, Port
from arclog.deciders import fields
from arclog.errors import InvalidInput, NotFound
from arclog.events import JsonObject
from projections import sessions
from projections.hub.hub import Hub

V = TypeVar("V")

MAX_AGENTS: Final = 4096
"""Agents whose cursors are remembered; one that is forgotten begins where its session says."""
MAX_NAMESAKES: Final = 99
SHORT: Final = 4
_find_word = re.compile(r"[a-z]+").match


class Agents:
    """All agents that speak by URL.

    Args:
        hub: the hub.
        port: carries their calls.
        server: name and version of the server, as MCP has them.
    """

    def __init__(self, hub: Hub, port: Port, server: JsonObject) -> None:
        self._hub = hub
        self._places = KeptPlaces(hub)
        self._port = port
        self._server = server
        self._sessions: dict[str, AgentSession] = {}
        self._conversations: dict[tuple[str | None, str], Conversation] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def find(self, name: str | None, session_id: str) -> Conversation:
        """The conversation that a request belongs to.

        Args:
            name: the agent that the request names.
            session_id: the MCP session that it names, or an empty text.

        Raises:
            InvalidInput: it names neither.
            NotFound: it names a session only, which is unknown or over.
        """
        found = self._conversations.get((name, session_id))
        if found is not None:
            return found
        agent_id = self._find_agent(session_id, name) if session_id else name
        if agent_id is None and session_id:
            raise NotFound("session", session_id, "is unknown or over; begin again with initialize")
        if agent_id is None:
            raise InvalidInput("agent", "is required: use the URL /mcp?agent=NAME, or send the header X-Arc-Agent")
        return self._add((name, session_id), self._session(agent_id))

    async def welcome(self, name: str | None, params: JsonObject, parent: str | None = None) -> Conversation:
        """Register the agent of a window that opens.

        Args:
            name: the name that its URL gives.
            params: what the host says of itself.
            parent: the agent whose sub-agent it is, if its URL names one.

        Raises:
            HubRefused: the hub would not.
        """
        session = self._pick(name or _make_name(params))
        before = session.agent_id
        session.parent = parent
        await session.register()
        if session.agent_id != before:  # it is live elsewhere, without this hub's knowing
            if self._sessions.get(before) is session:
                del self._sessions[before]
            _keep(self._sessions, session.agent_id, session)
        return self._add((name, session.session_id or ""), session)

    async def end(self, conversation: Conversation, session_id: str) -> bool:
        """End a session whose host leaves; False when it is over already. The next host begins afresh.

        Raises:
            HubRefused: the hub would not.
        """
        session = conversation.session
        ended = await session.close(session_id)
        if ended and session.session_id == session_id and self._sessions.get(session.agent_id) is session:
            del self._sessions[session.agent_id]
            self._conversations = {key: one for key, one in self._conversations.items() if one.session is not session}
        return ended

    def watch_out(self, session: AgentSession, within_sec: float) -> None:
        """The stream of a host has ended: unless it shows itself again soon, it has left."""
        loop = asyncio.get_running_loop()
        shown = session.asked

        def look() -> None:
            if not session.attended and session.asked == shown and not self._hub.closing:
                task = loop.create_task(self._leave(session))
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)

        if not session.attended and not self._hub.closing:
            loop.call_later(within_sec, look)

    async def _leave(self, session: AgentSession) -> None:
        try:
            await session.leave()
        except HubRefused:
            return

    def _pick(self, name: str) -> AgentSession:
        """The session under a name, or under the first of its namesakes, that no window attends."""
        session = self._session(name)
        number = 2
        while session.attended and number <= MAX_NAMESAKES:
            session = self._session(f"{name}-{number}")
            session.announce(name)
            number += 1
        return session

    def _session(self, agent_id: str) -> AgentSession:
        found = self._sessions.pop(agent_id, None) or AgentSession(agent_id, self._port, places=self._places)
        _keep(self._sessions, agent_id, found)
        return found

    def _add(self, key: tuple[str | None, str], session: AgentSession) -> Conversation:
        conversation = Conversation(session, self._server)
        _keep(self._conversations, key, conversation)
        return conversation

    def _find_agent(self, session_id: str, name: str | None) -> str | None:
        """The agent of a session that this process knows nothing of: it is the agent that is named, or a namesake.

        An agent without a name has but its session to be known by, also when that ended while the agent was silent.
        """
        live = self._hub.read(sessions.find_live_by_id, session_id)
        if live is None:
            return name or self._hub.read(sessions.find_expired, session_id)
        if name is None or live.agent_id == name or live.agent_id.startswith(f"{name}-"):
            return live.agent_id
        return name


def _keep(kept: dict[Any, V], key: object, value: V) -> None:
    kept[key] = value
    if len(kept) > MAX_AGENTS:
        del kept[next(iter(kept))]


def _make_name(params: Mapping[str, Any]) -> str:
    """A name for the agent of a window, from what its host is called."""
    info = params.get("clientInfo")
    called = info.get("name") if isinstance(info, dict) else None
    word = _find_word(called.lower()) if isinstance(called, str) else None
    return fields.agent("agent", f"{word[0] if word else 'mcp'}-{uuid4().hex[:SHORT]}")
