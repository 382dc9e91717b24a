"""MCP over the standard streams, on the official SDK: what `arc mcp` runs.

The SDK speaks the protocol. The streams are handled here, since a host is to be answered whatever it sends: the SDK's
own reader drops a line that it cannot parse, and the process could not end while that reader waits for the next one.
"""

import asyncio
import contextlib
import os
from typing import Any, Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCMessage, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse, RequestParams

from api.mcp import jsonrpc, revisions
from api.mcp.agent_session import AgentSession
from api.mcp.daemon import in_daemon
from api.mcp.jsonrpc import INVALID_REQUEST, Call, Id, ProtocolError
from api.mcp.lines import MAX_LINE_BYTES, read_lines
from api.mcp.methods import METHODS, SERVER_NAME, instructions
from api.mcp.port import Refused
from arclog.events import JsonObject

LAST_ANSWERS_SEC: Final = 1.0
"""How long the answers to what was asked last are waited for, when the host sends no more."""
RETRY_SEC: Final = 5.0
"""How soon a hub that was not there is looked for again."""

Calls = MemoryObjectSendStream[SessionMessage | Exception]
Answers = MemoryObjectSendStream[SessionMessage]


async def serve(session: AgentSession, version: str, source: int, sink: int, stop: asyncio.Event) -> None:
    """Serve a host until it sends no more, or reads no more, or `stop` is set.

    Args:
        session: the agent's.
        version: the version of Arc.
        source: the descriptor that the host writes to.
        sink: the descriptor that the host reads from.
        stop: ends it, as the end of the stream would.
    """
    calls, to_serve = anyio.create_memory_object_stream[SessionMessage | Exception]()
    answers, to_send = anyio.create_memory_object_stream[SessionMessage]()
    host = Host(source, sink, stop)
    server = make_server(session, version)
    beating = asyncio.create_task(_beat(session))
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(host.write, to_send)
            group.start_soon(host.read, calls, answers.clone())
            await server.run(to_serve, answers, server.create_initialization_options())
    finally:
        beating.cancel()


def make_server(session: AgentSession, version: str) -> "Server[dict[str, Any]]":
    """The SDK's server with the tools and resources of one agent."""
    server: Server[dict[str, Any]] = Server(SERVER_NAME, version=version, instructions=instructions(session.agent_id))

    async def answer(ctx: ServerRequestContext[dict[str, Any], Any], params: RequestParams) -> JsonObject:
        try:
            result = await METHODS[ctx.method](session, dict(ctx.params or {}))
        except ProtocolError as error:
            raise MCPError(code=error.code, message=str(error), data=error.data) from None
        if ctx.protocol_version in revisions.HANDSHAKE_VERSIONS:
            return result
        return revisions.stamp(ctx.method, result, {"name": SERVER_NAME, "version": version})

    for method in METHODS:
        server.add_request_handler(method, RequestParams, answer)
    return server


class Host:
    """The other end of the standard streams.

    Args:
        source: the descriptor that it writes to.
        sink: the descriptor that it reads from.
        stop: nothing more is read from the host, and nothing is waited for; set when it reads no more.
    """

    def __init__(self, source: int, sink: int, stop: asyncio.Event) -> None:
        self._source = source
        self._sink = sink
        self._stop = stop
        self._waiting: set[Id] = set()
        self._at_end = False

    async def read(self, calls: Calls, answers: Answers) -> None:
        """Pass on what the host sends to `calls`, and answer what cannot be used."""
        async with calls, answers:
            async for line in read_lines(self._source, self._stop):
                try:
                    call = _read(line)
                except ProtocolError as error:
                    with contextlib.suppress(anyio.BrokenResourceError):  # the host reads no more
                        await answers.send(SessionMessage(JSONRPCError.model_validate(error.reply())))
                    continue
                if call is not None:
                    self._note(call)
                    await calls.send(SessionMessage(_as_sdk_has_it(call)))
            self._at_end = True
            if self._waiting and not self._stop.is_set():
                with anyio.move_on_after(LAST_ANSWERS_SEC):
                    await self._stop.wait()

    async def write(self, answers: MemoryObjectReceiveStream[SessionMessage]) -> None:
        """Send the host its answers, as they come."""
        async with answers:
            async for answer in answers:
                line = answer.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
                try:
                    await in_daemon(_Writing(self._sink, line))
                except OSError:
                    self._stop.set()
                    return
                self._settle(answer.message)

    def _note(self, call: Call) -> None:
        if call.id is not None:
            self._waiting.add(call.id)
        elif call.method == "notifications/cancelled":  # it will not be answered
            cancelled = call.params.get("requestId")
            if isinstance(cancelled, str | int):
                self._waiting.discard(cancelled)

    def _settle(self, message: JSONRPCMessage) -> None:
        if isinstance(message, JSONRPCResponse | JSONRPCError) and message.id is not None:
            self._waiting.discard(message.id)
            if self._at_end and not self._waiting:
                self._stop.set()


class _Writing:
    """Writes a line to its end."""

    def __init__(self, sink: int, line: bytes) -> None:
        self._sink = sink
        self._line = line

    def __call__(self) -> None:
        left = memoryview(self._line)
        while left:
            left = left[os.write(self._sink, left) :]


def _read(line: bytes | None) -> Call | None:
    if line is None:
        raise ProtocolError(INVALID_REQUEST, f"a message must be at most {MAX_LINE_BYTES} bytes")
    if line.startswith(b"Content-Length:"):
        raise ProtocolError(jsonrpc.PARSE_ERROR, "a message is one line of JSON, without headers before it")
    return jsonrpc.read(line)


def _as_sdk_has_it(call: Call) -> JSONRPCMessage:
    if call.id is None:
        return JSONRPCNotification(jsonrpc="2.0", method=call.method, params=call.params)
    return JSONRPCRequest(jsonrpc="2.0", id=call.id, method=call.method, params=call.params)


async def _beat(session: AgentSession) -> None:
    """Keep the session of an idle agent alive for as long as its host runs, and find a hub that was away."""
    while True:
        try:
            await session.keep()
            pause_sec = await session.read_beat_sec()
        except Refused:
            pause_sec = RETRY_SEC
        await asyncio.sleep(pause_sec)
