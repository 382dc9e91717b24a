"""The server: uvicorn, with an end that loses nothing, and an end for connections that only cost.

On SIGTERM, SIGINT or a shutdown that fires, nobody waits any more (long polls answer, streams end), every further
answer says `Connection: close`, requests that are on their way are still taken and answered, and only then is the port
closed and the hub stopped. What is not done within `DRAIN_SEC` is cut.

A connection has `HEADERS_SEC` to send a request's headers, and may not stall in its body or in taking its answer for
longer than `STALL_SEC`. That is looked at once a second for all connections, so that no request pays for a timer.
"""

import asyncio
import contextlib
import resource
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Final, cast
from urllib.parse import quote

import uvicorn
from msgspec import Struct
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api.errors import MalformedRequest, failure
from api.requests import AS_TYPED
from api.responses import JSON, NO_SNIFFING, Responder
from projections.hub import Hub

BACKLOG: Final = 2048
DRAIN_SEC: Final = 10
IDLE_SEC: Final = 75
"""How long a connection is kept between two requests."""
KEEP_ALIVE: Final = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 18_000))
"""When the other end of a connection counts as dead: seconds, seconds, times, milliseconds."""
HEADERS_SEC: Final = 10.0
STALL_SEC: Final = 12.0
LEAST_PROGRESS: Final = 1024
"""Bytes within `STALL_SEC` that count as progress."""
HALF_CLOSED_SEC: Final = 1.0
"""How long a client that will send no more gets to read its answer; after that it counts as gone."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, with a queue long enough for a thousand agents that connect at once.

    Dead peers are noticed: a stream to a machine that vanished ends within half a minute.

    Args:
        host: an address or a name of this machine.
        port: a port, 0 for any that is free.

    Raises:
        OSError: the address cannot be used.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEP_ALIVE:
            if hasattr(socket, name):  # each system has some of them
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


async def serve(hub: Hub, app: ASGIApp, sock: socket.socket) -> None:
    """Serve until a signal or a shutdown ends the hub, then stop it.

    Signals are taken when this runs on the main thread.

    Args:
        hub: the hub, started.
        app: its application, from `api.app.create_app`.
        sock: where to listen, from `listen`; it is closed at the end.
    """
    _allow_many_connections()
    server = HubServer(hub, app)
    await server.serve([sock])
    await hub.stop("shutdown" if server.shutdown_fired else "signal")


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
    """What connections share; `bad_request` answers what is no HTTP."""

    def __init__(self, bad_request: bytes) -> None:
        super().__init__()
        self.bad_request = bad_request


class HubServer(uvicorn.Server):
    """uvicorn's server with the end and the time limits that this module describes."""

    def __init__(self, hub: Hub, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=HubProtocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                backlog=BACKLOG,
                timeout_keep_alive=IDLE_SEC,
                timeout_graceful_shutdown=DRAIN_SEC,
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
            )
        )
        self.server_state = HubServerState(_bad_request(hub))
        self.shutdown_fired = False
        self._hub = hub
        hub.on_shutdown = self._fire

    def _fire(self) -> None:
        self.shutdown_fired = True
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as an order to end well; afterwards the process goes on to its end by itself."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        former = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    async def on_tick(self, counter: int) -> bool:
        """Once a second, end the connections that only cost."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, HubProtocol):
                    connection.end_if_stalled(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let everyone go who waits, answer what is on its way, then close."""
        self._hub.begin_closing()
        self.server_state.default_headers.append((b"connection", b"close"))
        await asyncio.sleep(0.1)  # for requests that were sent, or connections that were made, before anyone could know
        await super().shutdown(sockets)


def _bad_request(hub: Hub) -> bytes:
    """The whole answer, as it goes over the wire, to what is no HTTP."""
    _status, body, _more = failure(MalformedRequest())
    length = (b"content-length", b"%d" % len(body))
    headers = [JSON, NO_SNIFFING, Responder(hub.instance_id).instance, length, (b"connection", b"close")]
    return b"HTTP/1.1 400 Bad Request\r\n%b\r\n%b" % (b"".join(b"%b: %b\r\n" % header for header in headers), body)


def _allow_many_connections() -> None:
    """Raise the number of files that this process may have open to what the system lets it."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Some systems name no limit but take none beyond this; to be refused here is no reason not to serve.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 65_536, hard))


class HubProtocol(HttpToolsProtocol):
    """One connection: uvicorn's, which also answers what is no HTTP in the hub's way, and ends when it stalls."""

    server_state: HubServerState

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._received = 0
        self._stall: Stall | None = None
        self._stalls_since = 0.0

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)

    def on_url(self, url: bytes) -> None:
        """Take a URL as it is typed: what is not ASCII is percent-encoded, as a client should have done."""
        super().on_url(url if url.isascii() else quote(url, safe=AS_TYPED).encode("ascii"))

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
        if cycle is not None or self._has_begun():
            self.send_400_response("the request has no end")
        return False

    def _find_open_cycle(self) -> RequestResponseCycle | None:
        """The request that is being answered."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return None if cycle is None or cycle.response_complete else cycle

    def _has_begun(self) -> bool:
        """Whether, with no request to answer, part of the next one is here: uvicorn's timer of idle ones is off."""
        return self.timeout_keep_alive_task is None and self._received > 0

    def end_if_stalled(self, now: float) -> None:
        """End the connection when it is slow where the client alone could hurry; `now` is the loop's time."""
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
            # Between two requests uvicorn's own timer runs; without it, a request has begun, or none ever did.
            is_idle = self.timeout_keep_alive_task is not None
            return None if is_idle else Stall("headers", HEADERS_SEC, 0, id(self.cycle))
        if cycle.more_body and not self.flow.read_paused:
            return Stall("body", STALL_SEC, self._received)
        return None
