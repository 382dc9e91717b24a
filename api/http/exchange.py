"""One request and its answer, as an ASGI application sees them: a scope, `receive` and `send`.

An answer goes out in one write, head and body together.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from msgspec import Struct
from starlette.types import ASGIApp, Message, Scope

from api.http.flow import Flow
from api.http.heads import GO_ON, make_chunk, make_head
from api.http.patience import Patience

HIGH_WATER_BYTES: Final = 64 * 1024
"""When so much of a body has come and nobody took it yet, no more of it is read."""

logger = logging.getLogger("arc.api")


class Serving(Struct, kw_only=True):
    """What the connections of a server share.

    Attributes:
        app: answers the requests.
        malformed: the whole answer, as it goes over the wire, to what is no HTTP.
        head_too_large: the whole answer to a request whose head is too long.
        patience: how long a connection may wait for its client.
        tasks: what answers requests now; the server waits for all of them at its end.
        closing: whether the server is about to end, so that each connection ends with its answer.
    """

    app: ASGIApp
    malformed: bytes
    head_too_large: bytes
    patience: Patience = Patience()
    tasks: set[asyncio.Task[None]] = set()
    closing: bool = False


class Exchange:
    """One request and its answer.

    Args:
        scope: the request's head, as ASGI has it.
        loop: the loop that runs; to ask for it costs each request a system call.
        flow: the connection.
        serving: what connections share.
        keep_alive: whether the client wants the connection to go on.
        asks_first: whether the client sends its body only when it is told to go on.
        on_answered: called when the answer is complete.
    """

    __slots__ = (
        "_asks_first",
        "_chunked",
        "_flow",
        "_head",
        "_loop",
        "_on_answered",
        "_parts",
        "_serving",
        "_size",
        "_task",
        "_unseen",
        "_waiting",
        "gone",
        "is_answered",
        "is_begun",
        "is_read",
        "keep_alive",
        "scope",
    )

    def __init__(
        self,
        scope: Scope,
        loop: asyncio.AbstractEventLoop,
        flow: Flow,
        serving: Serving,
        *,
        keep_alive: bool,
        asks_first: bool,
        on_answered: Callable[[], None],
    ) -> None:
        self.scope = scope
        self.keep_alive = keep_alive
        self.is_read = False
        """Whether the whole request has come."""
        self.is_begun = False
        """Whether the answer's status is settled."""
        self.is_answered = False
        """Whether the answer is complete."""
        self.gone = False
        """Whether the connection is lost."""
        self._loop = loop
        self._flow = flow
        self._serving = serving
        self._asks_first = asks_first
        self._on_answered = on_answered
        self._parts: list[bytes] = []
        self._size = 0
        self._unseen = False
        self._task: asyncio.Task[None] | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._head = b""
        self._chunked = False

    # What the connection tells ---------------------------------------------------------------------------------------

    def add(self, body: bytes) -> None:
        """Take some of the request's body."""
        if self.is_answered:
            return
        self._parts.append(body)
        self._size += len(body)
        if self._size > HIGH_WATER_BYTES:
            self._flow.pause_reading()
        self._unseen = True
        if self._waiting is not None:
            self._wake(self._waiting)

    def end(self) -> None:
        """Take the end of the request's body."""
        self.is_read = True
        self._unseen = True
        if self._waiting is not None:
            self._wake(self._waiting)

    def lose(self) -> None:
        """Take note that the connection is lost."""
        self.gone = True
        if self._waiting is not None:
            self._wake(self._waiting)

    @staticmethod
    def _wake(waiting: "asyncio.Future[None]") -> None:
        if not waiting.done():
            waiting.set_result(None)

    # What the application does ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Have the application answer the request."""
        # Made directly, and with a name, which costs less than a new number: every request pays for this.
        self._task = task = asyncio.Task(self._answer(), loop=self._loop, name="request")
        self._serving.tasks.add(task)

    async def _answer(self) -> None:
        try:
            await self._serving.app(self.scope, self.receive, self.send)
        except Exception:
            logger.exception("%s %s failed", self.scope["method"], self.scope["path"])
        finally:
            if not self.is_answered and not self.gone:
                self._flow.transport.close()  # the client sees that this is no whole answer
            # Each task leaves by itself: a callback would cost the event loop another turn for every request.
            if self._task is not None:
                self._serving.tasks.discard(self._task)

    async def receive(self) -> Message:
        """The next part of the body; when all of it was taken, the end of the exchange."""
        if self._asks_first:
            self._asks_first = False
            if not self._flow.transport.is_closing():
                self._flow.transport.write(GO_ON)
        while not (self._unseen or self.gone or self.is_answered):
            self._flow.resume_reading()
            self._waiting = self._loop.create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        if self.gone or self.is_answered:
            return {"type": "http.disconnect"}
        parts, self._parts, self._size, self._unseen = self._parts, [], 0, False
        return {"type": "http.request", "body": b"".join(parts), "more_body": not self.is_read}

    async def send(self, message: Message) -> None:
        """Take the next part of the answer, and wait while the client does not."""
        if self._flow.write_paused and not self.gone:
            await self._flow.drain()
        if self.gone:
            return
        if message["type"] == "http.response.start":
            if self.is_begun:
                raise RuntimeError("an answer was begun twice")
            self.is_begun = True
            self._asks_first = False
            self._begin(message)
        else:
            if not self.is_begun or self.is_answered:
                raise RuntimeError("a body needs the beginning of an answer before it, and no end")
            self._write(message.get("body", b""), more=message.get("more_body", False))

    def _begin(self, message: Message) -> None:
        """Make the head; it goes out with the first part of the body."""
        head = make_head(
            message["status"],
            message["headers"],
            keep_alive=self.keep_alive and not self._serving.closing,
            old=self.scope["http_version"] == "1.0",
        )
        self._head, self._chunked, self.keep_alive = head.wire, head.chunked, head.keep_alive

    def _write(self, body: bytes, *, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            body = b""
        elif self._chunked:
            body = make_chunk(body, last=not more)
        if self._head:
            body, self._head = self._head + body, b""
        if body:
            self._flow.transport.write(body)
        if not more:
            self.is_answered = True
            if self._waiting is not None:
                self._wake(self._waiting)
            self._on_answered()
