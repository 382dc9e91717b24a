"""MCP over Streamable HTTP, on the hub itself: a host needs only the URL `/mcp?agent=NAME`.

Nothing of a host's state is kept in memory alone: the hub keeps how far it has polled. Its MCP session is the agent's
session at the hub, in the log like any other: a hub that restarts knows it still, `DELETE` ends it, and a host that
goes without a word is ended like any agent that fell silent. While a host keeps the stream of `GET /mcp` open, its
agent counts as present; a host that had one, lost it and asks for nothing more has left, and its session ends soon
after.

An answer that nobody reads takes no message from its agent: not when the host cancels the request or closes its
connection, not when the connection turns out to have been closed before the answer came.
"""

from contextlib import nullcontext, suppress
from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from starlette.types import Receive, Scope, Send

from api.http.bodies import read_body, refuse_encoding
from api.http.connection import connection_of
from api.http.direct_calls import DirectCalls
from api.http.errors import MethodNotAllowed
from api.http.headers import HEADERS, find_sender
from api.http.idempotency import KEY, find_key
from api.http.queries import QueryReader
from api.http.responses import Headers
from api.http.routes import Site
from api.mcp import jsonrpc, methods, revisions
from api.mcp.agents import Agents
from api.mcp.conversation import Conversation, Reply
from api.mcp.direct_port import DirectPort
from api.mcp.jsonrpc import INVALID_REQUEST, PARSE_ERROR, ProtocolError, RpcRequest
from api.mcp.methods import SERVER_NAME
from api.mcp.port import HubRefused
from api.sse import HEARTBEAT
from arclog.deciders import fields
from arclog.errors import InvalidInput, NotFound
from arclog.events import JsonObject
from arclog.limits import HEARTBEAT_SEC
from projections.message_pages import MessageQuery

SESSION_HEADER: Final = b"mcp-session-id"


class McpQuery(Struct, frozen=True):
    """Who speaks."""

    agent: Annotated[str, Meta(description="the agent that the host speaks for")] | None = None
    parent: Annotated[str, Meta(description="the agent whose sub-agent it is, called `parent.name`")] | None = None


class McpEndpoint:
    """What answers at `/mcp`.

    Args:
        site: the hub, and how it answers.
        direct_calls: the routes that tools call.
    """

    def __init__(self, site: Site, direct_calls: DirectCalls) -> None:
        self._site = site
        self._hub = site.hub
        self._methods = {"POST": self._post, "GET": self._listen, "DELETE": self._end}
        self._read_query = QueryReader(McpQuery).read
        server: JsonObject = {"name": SERVER_NAME, "version": site.hub.settings.version}
        self._agents = Agents(site.hub, DirectPort(direct_calls), server)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        serve = self._methods.get(scope["method"])
        if serve is None:
            raise MethodNotAllowed(scope["method"], scope["path"], ", ".join(self._methods))
        await serve(scope, receive, send)

    # POST -----------------------------------------------------------------------------------------------------------

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one message of a host, or a batch of them."""
        headers = scope[HEADERS]
        is_handshake = revisions.is_handshake(headers)
        body = await read_body(scope, receive, self._hub.settings.limits.max_request_bytes)
        request: RpcRequest | None = None
        try:
            message = _decode(body)
            if isinstance(message, list):
                await self._answer_batch(message, scope, send)
                return
            request = jsonrpc.to_request(message)
            if request is None or request.id is None:
                await self._take_notification(request, scope, send)
                return
            if not is_handshake:
                revisions.check(request, headers, scope["headers"])
            if request.method == "initialize" and is_handshake:
                await self._welcome(request, scope, send)
                return
            conversation = self._conversation(scope)
            reply = await self._reply(conversation, request, _find_key(scope, request), scope)
        except ProtocolError as error:
            await self._refuse(error, request, send, is_handshake=is_handshake)
            return
        if reply is None:  # the host has cancelled it, and does not want to hear of it
            await self._site.responder.send(send, 202, b"")
            return
        status = 200 if is_handshake or reply.error is None else revisions.STATUS_OF.get(reply.error, 200)
        await self._send(conversation, [reply], jsonrpc.encode(reply.message), scope, send, status)

    async def _reply(
        self, conversation: Conversation, request: RpcRequest, key: str | None, scope: Scope
    ) -> Reply | None:
        """The reply to a request; one that may wait is given up when the host closes the connection."""
        is_handshake = revisions.is_handshake(scope[HEADERS])
        answering = conversation.answer(request, is_handshake=is_handshake, key=key)
        if not methods.may_wait(request.method, request.params):
            return await answering
        with conversation.session.attending():
            return await connection_of(scope).unless_ended(answering)

    async def _answer_batch(self, messages: list[Any], scope: Scope, send: Send) -> None:
        """Answer the requests of a batch, one after the other, with a batch."""
        version = scope[HEADERS].get(revisions.VERSION_HEADER)
        jsonrpc.check_batch(messages, taken=revisions.has_batches(version and version.decode("latin-1")))
        if find_key(scope) is not None:
            raise ProtocolError(
                INVALID_REQUEST, "Idempotency-Key cannot be sent with a batch: send each call by itself"
            )
        conversation = self._conversation(scope)

        async def answer(request: RpcRequest) -> Reply | None:
            return await self._reply(conversation, request, None, scope)

        replies = await conversation.answer_batch(messages, answer)
        if not replies:
            await self._site.responder.send(send, 202, b"")
            return
        await self._send(conversation, replies, jsonrpc.encode([reply.message for reply in replies]), scope, send)

    async def _send(
        self,
        conversation: Conversation,
        replies: list[Reply],
        body: bytes,
        scope: Scope,
        send: Send,
        status: int = 200,
    ) -> None:
        """Send an answer, and take it back if the connection shows that nobody read it."""
        taking = [reply for reply in replies if reply.is_to_be_read]
        if not taking:
            await self._site.responder.send(send, status, body)
            return

        def withdraw() -> None:
            for reply in taking:
                conversation.withdraw(reply)

        connection = connection_of(scope)
        for reply in taking:
            conversation.show(reply)
        connection.watch(withdraw)
        await self._site.responder.send(send, status, body)
        if connection.has_ended:
            withdraw()
        elif any(reply.is_doubtful for reply in taking):
            for reply in taking:
                conversation.withdraw(reply, is_lost=False)

    async def _refuse(
        self, error: ProtocolError, request: RpcRequest | None, send: Send, *, is_handshake: bool
    ) -> None:
        """Send an error. In the first era it is an answer like any other, unless the message could not be used."""
        status = 200
        if not is_handshake or error.code in {INVALID_REQUEST, PARSE_ERROR}:
            status = revisions.STATUS_OF.get(error.code, status)
        await self._site.responder.send(send, status, jsonrpc.encode(error.reply(request)))

    async def _take_notification(self, request: RpcRequest | None, scope: Scope, send: Send) -> None:
        """Take a notification; a response is passed over, since nothing was asked."""
        if request is not None:
            with suppress(ProtocolError):  # nobody is told what is wrong with a notification
                self._conversation(scope).take_notification(request)
        await self._site.responder.send(send, 202, b"")

    async def _welcome(self, request: RpcRequest, scope: Scope, send: Send) -> None:
        """Register the agent; its session's id is that of the MCP session."""
        try:
            conversation = await self._agents.welcome(self._name(scope), request.params, self._read_query(scope).parent)
        except (InvalidInput, HubRefused) as refused:
            raise ProtocolError(INVALID_REQUEST, str(refused)) from None
        welcome = conversation.welcome(request)
        more: Headers = ((SESSION_HEADER, (conversation.session.session_id or "").encode("latin-1")),)
        await self._site.responder.send(send, 200, jsonrpc.encode(welcome.message), more)

    # GET and DELETE -------------------------------------------------------------------------------------------------

    async def _listen(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep a stream open, on which the hub has nothing to say: while it stands, the agent is present."""
        session = self._find(scope).session
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
            *self._site.responder.common,
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        is_window = SESSION_HEADER in scope[HEADERS]  # else it is not known which window of the agent's it is
        try:
            with self._hub.attendance.present(session.agent_id), session.attending() if is_window else nullcontext():
                await connection_of(scope).unless_ended(self._beat(send))
        finally:
            if is_window:
                self._agents.watch_out(session, self._site.left_after_sec)
        await send({"type": "http.response.body", "body": b""})

    async def _beat(self, send: Send) -> None:
        nothing = MessageQuery(agent_id="", since_id=fields.MAX_INTEGER)
        while not self._hub.closing:
            await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})
            # Only the hub's end comes before the time is over.
            await self._hub.reading.wait_for_messages(nothing, HEARTBEAT_SEC)

    async def _end(self, scope: Scope, receive: Receive, send: Send) -> None:
        """End the session of a host that leaves."""
        session_id = scope[HEADERS].get(SESSION_HEADER, b"").decode("latin-1")
        if not session_id:
            raise InvalidInput("Mcp-Session-Id", "must name the session that is to end")
        try:
            ended = await self._agents.end(self._find(scope), session_id)
        except HubRefused as refused:
            raise InvalidInput("Mcp-Session-Id", f"cannot be ended: {refused}") from None
        if not ended:
            raise NotFound("session", session_id, "is unknown or over")
        await self._site.responder.send(send, 200, b'{"ok":true,"result":null}')

    # Who speaks -----------------------------------------------------------------------------------------------------

    def _conversation(self, scope: Scope) -> Conversation:
        try:
            return self._find(scope)
        except InvalidInput as error:
            raise ProtocolError(INVALID_REQUEST, str(error)) from None

    def _find(self, scope: Scope) -> Conversation:
        return self._agents.find(self._name(scope), scope[HEADERS].get(SESSION_HEADER, b"").decode("latin-1"))

    def _name(self, scope: Scope) -> str | None:
        """The name that the host was given for its agent."""
        agent = find_sender(scope) or self._read_query(scope).agent
        return None if agent is None else fields.agent("agent", agent)


def _find_key(scope: Scope, request: RpcRequest) -> str | None:
    """The idempotency key of a request that changes something; for one that does not, a key has no meaning."""
    if KEY not in scope[HEADERS] or not methods.changes(request.method, request.params):
        return None
    try:
        return find_key(scope)
    except InvalidInput as error:
        raise ProtocolError(INVALID_REQUEST, str(error)) from None


def _decode(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """The JSON that a host sent; text in another encoding is called by its name.

    Raises:
        ProtocolError: it is not a message.
    """
    try:
        return jsonrpc.decode(body)
    except ProtocolError as error:
        try:
            refuse_encoding(body)
        except InvalidInput as refused:
            raise ProtocolError(PARSE_ERROR, f"parse error: {refused}") from None
        raise error from None
