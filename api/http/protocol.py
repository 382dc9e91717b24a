"""One HTTP connection: uvicorn's protocol, made cheaper where every request passes and stricter where it waits.

An answer goes out in one write, head and body together. A connection that waits for its client has a limit for each
phase; the server looks at all connections once a second, so that no request pays for a timer. Whatever comes over the
wire gets an answer, even what is no HTTP at all.

Uvicorn's own `send` checks each header's name and value against injection; here they are made by the hub alone, from
constants, digits and method names, so they are written as they are.
"""

import asyncio
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import quote

import httptools
from msgspec import Struct
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api.http.requests import AS_TYPED

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application, ASGISendEvent, HTTPScope

HEADERS_SEC: Final = 10.0
"""How long a client may take for the head of a request."""
STALL_SEC: Final = 12.0
"""How long a client may send nothing of a body, or take nothing of an answer."""
IDLE_SEC: Final = 75.0
"""How long a connection is kept between two requests."""
HALF_CLOSED_SEC: Final = 1.0
"""How long a client that will send no more gets to read its answer; after that it counts as gone."""
MAX_BARE_BYTES: Final = 256 * 1024
"""How many bytes of a request may come without any of its body: its head, or what trails its chunks."""
LEAST_PROGRESS: Final = 1024
"""Bytes within `STALL_SEC` that count as progress."""

_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}


class Stall(Struct, frozen=True):
    """Where a connection waits for its client.

    Attributes:
        phase: what it waits for.
        limit_sec: how long it may take to make progress.
        progress: a number that grows while it does.
        request: which request of the connection it is.
    """

    phase: str
    limit_sec: float
    progress: int
    request: int = 0

    def is_same(self, earlier: "Stall | None") -> bool:
        """Whether the connection has got no further since."""
        return (
            earlier is not None
            and (self.phase, self.request) == (earlier.phase, earlier.request)
            and self.progress < earlier.progress + LEAST_PROGRESS
        )


class HubServerState(ServerState):
    """What connections share; `bad_request` is the whole answer to what is no HTTP."""

    def __init__(self, bad_request: bytes) -> None:
        super().__init__()
        self.bad_request = bad_request


class HubProtocol(HttpToolsProtocol):
    """A connection."""

    server_state: HubServerState

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._received = 0
        self._bare = 0
        self._in_first_line = True
        self._awaits_head = True
        self._stall: Stall | None = None
        self._stalls_since = 0.0

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        self._bare += len(data)
        in_first_line, line_goes_on = self._in_first_line, b"\n" not in data
        if in_first_line and not data.isascii():
            data = _encode_first_line(data)
        self._in_first_line = False
        self._parse(data)  # which says so when the next request may begin
        if in_first_line and line_goes_on:
            self._in_first_line = True
        if self._bare > MAX_BARE_BYTES and not self.transport.is_closing():
            self.send_400_response("the head has no end")

    def _parse(self, data: bytes) -> None:
        """Have the parser tell what came.

        It takes no body after an offer to speak another protocol, and all such offers are declined: when it stops at
        the end of such a head, another one goes on, with the same head without the offer.
        """
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                if not self._is_offered_another_protocol():
                    return
                (end_of_head,) = offer.args
                data = self._make_declining_head() + data[end_of_head:]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            except httptools.HttpParserError:
                self.send_400_response("this is no HTTP")
                return
            else:
                return

    def _is_offered_another_protocol(self) -> bool:
        """Whether the head that was read offers one. A `CONNECT` is no offer, though the parser stops there too."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def _make_declining_head(self) -> bytes:
        version = self.parser.get_http_version().encode("ascii")
        headers = [b"%b: %b\r\n" % (name, value) for name, value in self.headers if name != b"upgrade"]
        return b"%b %b HTTP/%b\r\n%b\r\n" % (self.parser.get_method(), self.url, version, b"".join(headers))

    # What the parser tells -------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._in_first_line = False
        self._awaits_head = True

    def on_headers_complete(self) -> None:
        if self._is_offered_another_protocol():
            return
        self._awaits_head = False
        self._bare = 0
        url = self.url
        if url.startswith(b"/") and b"#" not in url:
            raw_path, _, query = url.partition(b"?")
        else:
            parsed = httptools.parse_url(url)
            raw_path, query = parsed.path or b"/", parsed.query or b""
        version = self.parser.get_http_version()
        self.scope = scope = cast(
            "HTTPScope",
            {
                "type": "http",
                "asgi": _ASGI,
                "http_version": version,
                "method": self.parser.get_method().decode("ascii"),
                "scheme": "http",
                "path": raw_path.decode("ascii"),
                "raw_path": raw_path,
                "root_path": "",
                "query_string": query,
                "headers": self.headers,
                "client": self.client,
                "server": self.server,
            },
        )
        waiting = self._find_open_cycle()
        self.cycle = cycle = HubCycle(self, scope, version != "1.0" and self.parser.should_keep_alive())
        if waiting is None:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def on_body(self, body: bytes) -> None:
        self._bare = 0
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self._is_offered_another_protocol():
            return
        self._in_first_line = True
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: "ASGI3Application") -> None:
        task = asyncio.Task(cycle.run_asgi(app), loop=self.loop, name="request")  # a name costs less than a new number
        cast("HubCycle", cycle).task = task
        self.tasks.add(task)

    def on_response_complete(self) -> None:
        """Go on with the next request, if the client sent one already."""
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, unless an answer is under way, and close."""
        cycle = self._find_open_cycle()
        if cycle is None or not cycle.response_started:
            self.transport.write(self.server_state.bad_request)
        self.transport.close()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more; it may have left, or may still read the answer to what it sent.

        Returns:
            Whether to keep the other direction open for a while.
        """
        cycle = self._find_open_cycle()
        if cycle is not None and not cycle.more_body:
            cycle.keep_alive = False
            self.loop.call_later(HALF_CLOSED_SEC, self.transport.close)
            return True
        if cycle is not None or (self._awaits_head and self._received):
            self.send_400_response("the request has no end")
        return False

    def _find_open_cycle(self) -> RequestResponseCycle | None:
        """The request that is being answered."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return None if cycle is None or cycle.response_complete else cycle

    # What the server asks once a second ------------------------------------------------------------------------------

    def end_if_stalled(self, now: float) -> None:
        """End the connection when its client alone could hurry, and does not; `now` is the loop's time."""
        stall = self._find_stall()
        if stall is None or not stall.is_same(self._stall):
            self._stall, self._stalls_since = stall, now
        elif now - self._stalls_since > stall.limit_sec:
            self.transport.abort()

    def _find_stall(self) -> Stall | None:
        if self.transport.is_closing():
            return Stall("close", STALL_SEC, 0)
        if self.flow.write_paused:
            return Stall("answer", STALL_SEC, -self.transport.get_write_buffer_size())
        cycle = self._find_open_cycle()
        if cycle is None:
            phase, limit_sec = ("head", HEADERS_SEC) if self._awaits_head else ("idle", IDLE_SEC)
            return Stall(phase, limit_sec, 0, id(self.cycle))
        if cycle.more_body and not self.flow.read_paused:
            return Stall("body", STALL_SEC, self._received, id(cycle))
        return None


def _encode_first_line(data: bytes) -> bytes:
    """What comes of a request's first line, and more, with the line percent-encoded, as a client should have done."""
    line, end, rest = data.partition(b"\n")
    return quote(line, safe=AS_TYPED + " \r").encode("ascii") + end + rest


class HubCycle(RequestResponseCycle):
    """One request and its answer; what most of them have in common stands in the class."""

    task: "asyncio.Task[None]"
    """What answers it."""
    head: bytes = b""
    """The answer's head, until it goes out with the first piece of the body."""
    disconnected = False
    more_body = True
    response_started = False
    response_complete = False
    chunked_encoding = None

    def __init__(self, connection: HubProtocol, scope: "HTTPScope", keep_alive: bool) -> None:
        self.scope = scope
        self.transport = connection.transport
        self.flow = connection.flow
        self.logger = connection.logger
        self.default_headers = connection.server_state.default_headers
        self.on_response = connection.on_response_complete
        self.tasks = connection.tasks
        self.waiting_for_100_continue = connection.expect_100_continue
        self.keep_alive = keep_alive
        self.message_event = asyncio.Event()
        self.body = bytearray()

    async def run_asgi(self, app: "ASGI3Application") -> None:
        """Answer the request.

        The server waits at its end for all that is in `tasks`. Each leaves by itself: a callback would cost the event
        loop another turn for every request.
        """
        try:
            await super().run_asgi(app)
        finally:
            self.tasks.discard(self.task)

    async def send(self, message: "ASGISendEvent") -> None:
        """Take the next part of the answer, and wait while the client does not."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            if self.response_started:
                raise RuntimeError("an answer was begun twice")
            self.response_started = True
            self.waiting_for_100_continue = False
            self.head = self._make_head(message["status"], [*self.default_headers, *message.get("headers", ())])
        elif message["type"] == "http.response.body":
            if not self.response_started or self.response_complete:
                raise RuntimeError("a body needs the beginning of an answer before it, and no end")
            self._write(message.get("body", b""), more_body=message.get("more_body", False))

    def _make_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        parts = [STATUS_LINE[status]]
        self.chunked_encoding = True
        for name, value in headers:
            if name == b"content-length":
                self.chunked_encoding = False
            elif name == b"connection":
                self.keep_alive = False
                continue
            parts += (name, b": ", value, b"\r\n")
        if self.scope["http_version"] == "1.0":
            self.chunked_encoding = False  # the end of the connection is the end of the body
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        if self.chunked_encoding:
            parts.append(b"transfer-encoding: chunked\r\n")
        parts.append(b"\r\n")
        return b"".join(parts)

    def _write(self, body: bytes, *, more_body: bool) -> None:
        if self.scope["method"] == "HEAD":
            body = b""
        elif self.chunked_encoding:
            body = b"%b%b" % (b"%x\r\n%b\r\n" % (len(body), body) if body else b"", b"" if more_body else b"0\r\n\r\n")
        if self.head:
            body, self.head = self.head + body, b""
        if body:
            self.transport.write(body)
        if not more_body:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()
