"""MCP over the standard streams: what `arc mcp` runs.

Requests are served side by side, so one that waits holds up no other; their answers go out as they come. Whatever a
host sends is answered, also what cannot be used.
"""

import asyncio
import contextlib
import os
import select
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from api.mcp import jsonrpc, revisions
from api.mcp.agent_session import AgentSession
from api.mcp.conversation import Conversation, Reply
from api.mcp.daemon import Daemons
from api.mcp.jsonrpc import INVALID_REQUEST, PARSE_ERROR, ProtocolError, RpcRequest
from api.mcp.lines import MAX_LINE_BYTES, read_lines
from api.mcp.methods import CALL_TOOL, SERVER_NAME
from arclog.events import JsonObject

LAST_ANSWERS_SEC: Final = 1.0
"""How long the answers to what was asked last are waited for, when the host sends no more."""
NAME_WITHIN_SEC: Final = 0.25
"""How long the answer to `initialize` waits for the agent's name to be settled: a hub that is silent delays no host."""

Meet = Callable[[JsonObject, bool], None]
"""Told what comes beside the arguments of a call (`_meta`), before it is served."""


async def serve(
    session: AgentSession,
    version: str,
    source: int,
    sink: int,
    stop: asyncio.Event,
    *,
    registered: asyncio.Event,
    meet: Meet,
) -> None:
    """Serve a host until it sends no more, or reads no more, or `stop` is set.

    Args:
        session: the agent's.
        version: the version of Arc.
        source: the descriptor that the host writes to.
        sink: the descriptor that the host reads from.
        stop: ends it, as the end of the stream would.
        registered: set when the agent was registered for the first time.
        meet: see `Meet`.
    """
    await StdioHost(session, version, sink, stop, registered, meet).serve(source)


class StdioHost:
    """The other end of the standard streams; the arguments are those of `serve`."""

    def __init__(
        self,
        session: AgentSession,
        version: str,
        sink: int,
        stop: asyncio.Event,
        registered: asyncio.Event,
        meet: Meet,
    ) -> None:
        self._conversation = Conversation(session, {"name": SERVER_NAME, "version": version})
        self._sink = sink
        self._stop = stop
        self._registered = registered
        self._meet = meet
        self._revision: str | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()
        self._daemons = Daemons()

    async def serve(self, source: int) -> None:
        """Answer what comes, until the end; what was asked last still gets its answer, if that comes soon."""
        async for line in read_lines(source, self._stop):
            try:
                message = _decode(line)
                if isinstance(message, list):
                    jsonrpc.check_batch(message, taken=revisions.has_batches(self._revision))
                    self._start(self._answer_batch(message))
                    continue
                request = jsonrpc.to_request(message)
            except ProtocolError as error:
                self._start(self._send([Reply(error.reply(), error.id)], encode_first))
                continue
            if request is None:
                continue
            if request.id is None:
                self._conversation.take_notification(request)
            else:
                self._conversation.expect(request)
                self._start(self._answer(request))
        if self._running and not self._stop.is_set():
            await asyncio.wait(self._running, timeout=LAST_ANSWERS_SEC)
        for task in self._running:
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _answer(self, request: RpcRequest) -> None:
        reply = await self._reply(request)
        if reply is not None:
            await self._send([reply], encode_first)

    async def _answer_batch(self, messages: list[Any]) -> None:
        replies = await self._conversation.answer_batch(messages, self._reply)
        if replies:
            await self._send(replies, encode_all)

    async def _reply(self, request: RpcRequest) -> Reply | None:
        meta = request.params.get("_meta")
        if isinstance(meta, dict):
            self._meet(meta, request.method == CALL_TOOL)
        if request.method == "initialize":
            return await self._welcome(request)
        if not isinstance(meta, dict) or meta.get(revisions.PROTOCOL_VERSION) is None:
            return await self._conversation.answer(request)
        try:
            revisions.check_version(request, meta)
        except ProtocolError as error:
            return Reply(error.reply(request), request.id)
        return await self._conversation.answer(request, is_handshake=False)

    async def _welcome(self, request: RpcRequest) -> Reply:
        """Answer `initialize` at once, with the agent's name if the hub has settled it by then."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(NAME_WITHIN_SEC):
                await self._registered.wait()
        welcome = self._conversation.welcome(request, is_named=self._registered.is_set())
        self._revision = welcome.message["result"]["protocolVersion"]
        return welcome

    async def _send(self, replies: list[Reply], encode: Callable[[list[Reply]], bytes]) -> None:
        """Send replies as one line; a host that reads no more ends the conversation."""
        line = encode(replies)
        try:
            async with self._writing:
                for reply in replies:
                    self._conversation.show(reply)
                if not _write_at_once(self._sink, line):
                    await self._daemons.run(partial(_write, self._sink, line))
        except OSError:
            self._stop.set()


if sys.platform == "win32":

    def _write_at_once(sink: int, line: bytes) -> bool:
        """False: a pipe does not tell there whether it takes more."""
        return False

else:

    def _write_at_once(sink: int, line: bytes) -> bool:
        """Write a line that the host's end takes without waiting; False, and nothing written, when it may have to."""
        if len(line) > select.PIPE_BUF or not select.select((), (sink,), (), 0)[1]:
            return False
        _write(sink, line)
        return True


def _write(sink: int, line: bytes) -> None:
    """Write a line to its end."""
    left = memoryview(line)
    while left:
        left = left[os.write(sink, left) :]


def encode_first(replies: list[Reply]) -> bytes:
    """The line of a single message."""
    return jsonrpc.encode(replies[0].message) + b"\n"


def encode_all(replies: list[Reply]) -> bytes:
    """The line of a batch."""
    return jsonrpc.encode([reply.message for reply in replies]) + b"\n"


def _decode(line: bytes | None) -> Any:  # noqa: ANN401 - any JSON value
    if line is None:
        raise ProtocolError(INVALID_REQUEST, f"a message must be at most {MAX_LINE_BYTES} bytes")
    if line.startswith(b"Content-Length:"):
        raise ProtocolError(PARSE_ERROR, "a message is one line of JSON, without headers before it")
    return jsonrpc.decode(line)
