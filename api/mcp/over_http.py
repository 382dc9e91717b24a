"""MCP over Streamable HTTP, on the hub itself: a host needs only the URL `/mcp?agent=NAME`.

Nothing of a host's state is kept in memory but how far it has polled. Its MCP session is the agent's session at the
hub, in the log like any other: a hub that restarts knows it still, `DELETE` ends it, and a host that goes without a
word is ended like any agent that fell silent. While a host keeps the stream of `GET /mcp` open, its agent counts as
present.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from api.hints import tell_tools
from api.http import inprocess
from api.http.bodies import read_body
from api.http.errors import MethodNotAllowed
from api.http.headers import HEADERS, find_sender
from api.http.queries import QueryReader
from api.http.responses import Headers
from api.http.routes import Caller, Site
from api.mcp import jsonrpc, revisions
from api.mcp.agent_session import VIA, AgentSession
from api.mcp.entrance import PATH
from api.mcp.jsonrpc import INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, Call, ProtocolError
from api.mcp.methods import CAPABILITIES, METHODS, SERVER_NAME, instructions
from api.mcp.port import Refused
from api.sse import HEARTBEAT, HEARTBEAT_SEC
from arclog.deciders import fields
from arclog.errors import InvalidInput, NotFound
from arclog.events import JsonObject
from projections.hub.hub import Hub
from projections.messages import MessageQuery

SESSION_HEADER: Final = b"mcp-session-id"
MAX_SEATS: Final = 4096
"""Agents whose cursors are remembered; one that is forgotten begins where its session says."""


class McpQuery(Struct, frozen=True):
    """Who speaks."""

    agent: Annotated[str, Meta(description="the agent that the host speaks for")] | None = None


class InsidePort:
    """Carries calls to the routes of the application that it is in."""

    def __init__(self, hub: Hub, app: ASGIApp) -> None:
        self._hub = hub
        self._app = app

    @property
    def instance_id(self) -> str | None:
        return self._hub.instance_id

    async def call(
        self, method: str, path: str, body: JsonObject | None = None, *, wait_sec: float = 0.0
    ) -> JsonObject:
        if wait_sec and self._hub.closing:
            raise Refused("the hub is stopping, and nobody waits in it any more; ask again soon", 503)
        sent = b"" if body is None else msgspec.json.encode(body)
        answer = await inprocess.call(self._app, method, path, sent, (), VIA)
        envelope: JsonObject = msgspec.json.decode(answer.body)
        if not envelope["ok"]:
            raise Refused(tell_tools(envelope["error"], envelope.get("advice")), answer.status)
        return envelope


class McpEndpoint:
    """What answers at `/mcp`, and the sessions of all agents that speak there.

    Args:
        site: the hub, and how it answers.
        app: the application with the routes that tools call.
    """

    def __init__(self, site: Site, app: ASGIApp) -> None:
        self._site = site
        self._hub = site.hub
        self._port = InsidePort(site.hub, app)
        self._methods = {"POST": self._post, "GET": self._listen, "DELETE": self._end}
        self._read_query = QueryReader(McpQuery).read
        self._sessions: dict[str, AgentSession] = {}
        self._server: JsonObject = {"name": SERVER_NAME, "version": site.hub.settings.version}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        serve = self._methods.get(scope["method"])
        if serve is None:
            raise MethodNotAllowed(scope["method"], PATH, ", ".join(self._methods))
        await serve(scope, receive, send)

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one message of a host."""
        headers = scope[HEADERS]
        is_handshake = revisions.is_handshake(headers)
        body = await read_body(scope, receive, self._hub.settings.limits.max_request_bytes)
        status = 200
        more: Headers = ()
        try:
            call = jsonrpc.read(body)
            if call is None or call.id is None:
                await self._site.responder.send(send, 202, b"")
                return
            if not is_handshake:
                revisions.check(call, headers, scope["headers"])
            result, more = await Caller(receive).unless_gone(self._answer(scope, call, is_handshake=is_handshake))
            reply = jsonrpc.result(call, result)
        except ProtocolError as error:
            reply = error.reply()
            # In the first era an error is an answer like any other, unless the message itself could not be used.
            if not is_handshake or error.code in {INVALID_REQUEST, PARSE_ERROR}:
                status = revisions.STATUS_OF.get(error.code, status)
        await self._site.responder.send(send, status, jsonrpc.encode(reply), more)

    async def _listen(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep a stream open, on which the hub has nothing to say: while it stands, the agent is present."""
        session = self._session(scope)
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
            *self._site.responder.common,
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        with self._hub.present(session.agent_id):
            await Caller(receive).unless_gone(self._beat(session.agent_id, send))
        await send({"type": "http.response.body", "body": b""})

    async def _end(self, scope: Scope, receive: Receive, send: Send) -> None:
        """End the session of a host that leaves."""
        session_id = scope[HEADERS].get(SESSION_HEADER, b"").decode("latin-1")
        if not session_id:
            raise InvalidInput("Mcp-Session-Id", "must name the session that is to end")
        try:
            ended = await self._session(scope).close(session_id)
        except Refused as refused:
            raise InvalidInput("Mcp-Session-Id", f"cannot be ended: {refused}") from None
        if not ended:
            raise NotFound("session", session_id, "is unknown or over")
        await self._site.responder.send(send, 200, b'{"ok":true,"result":null}')

    async def _beat(self, agent_id: str, send: Send) -> None:
        nothing = MessageQuery(agent_id=agent_id, since_id=fields.MAX_INTEGER)
        while not self._hub.closing:
            await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})
            await self._hub.wait(nothing, HEARTBEAT_SEC)  # only the hub's end comes before the time is over

    async def _answer(self, scope: Scope, call: Call, *, is_handshake: bool) -> tuple[JsonObject, Headers]:
        """The result of a request, and the headers that go with it."""
        try:
            session = self._session(scope)
        except InvalidInput as error:
            raise ProtocolError(INVALID_REQUEST, str(error), id=call.id) from None
        try:
            if not is_handshake:
                return revisions.stamp(call.method, await self._serve(session, call), self._server), ()
            if call.method == "initialize":
                return await self._welcome(session, call)
            return await self._serve(session, call), ()
        except ProtocolError as error:
            error.id = call.id
            raise

    async def _welcome(self, session: AgentSession, call: Call) -> tuple[JsonObject, Headers]:
        """Register the agent; its session's id is that of the MCP session."""
        try:
            session_id = await session.take()
        except Refused as refused:
            raise ProtocolError(INVALID_REQUEST, str(refused)) from None
        welcome: JsonObject = {
            "protocolVersion": revisions.negotiate(call.params),
            "capabilities": CAPABILITIES,
            "serverInfo": self._server,
            "instructions": instructions(session.agent_id),
        }
        return welcome, ((SESSION_HEADER, session_id.encode("latin-1")),)

    async def _serve(self, session: AgentSession, call: Call) -> JsonObject:
        """The result of a request that either era has."""
        if call.method == "ping":
            return {}
        if call.method == "server/discover":
            return {
                "supportedVersions": list(revisions.REQUEST_VERSIONS),
                "capabilities": CAPABILITIES,
                "instructions": instructions(session.agent_id),
            }
        method = METHODS.get(call.method)
        if method is None:
            raise ProtocolError(METHOD_NOT_FOUND, f"{call.method!r} is no method of this server")
        return await method(session, call.params)

    def _session(self, scope: Scope) -> AgentSession:
        """The session of the agent that the request names."""
        agent = find_sender(scope) or self._read_query(scope).agent
        if agent is None:
            raise InvalidInput("agent", f"is required: use the URL {PATH}?agent=NAME, or send the header X-Arc-Agent")
        agent = fields.agent("agent", agent)
        session = self._sessions.pop(agent, None) or AgentSession(agent, self._port)
        self._sessions[agent] = session  # the one used last stands last
        if len(self._sessions) > MAX_SEATS:
            del self._sessions[next(iter(self._sessions))]
        return session
