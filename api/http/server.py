"""The server: it takes connections, ends those that only cost, and ends itself so that nothing is lost.

On SIGTERM, SIGINT or a shutdown that fires, nobody waits any more (long polls answer, streams end), every further
answer says `Connection: close`, requests that are on their way are still taken and answered, and only then is the port
closed and the hub stopped. What is not done within `DRAIN_SEC` is cut.
"""

import asyncio
import contextlib
import signal
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType
from typing import Final

from msgspec import Struct

from api.http.asgi import ASGIApp
from api.http.errors import HeadTooLarge, MalformedRequest
from api.http.exchange import Serving
from api.http.heads import MAX_HEAD_BYTES, make_head
from api.http.listening import BACKLOG, allow_many_connections
from api.http.patience import Patience
from api.http.protocol import HubProtocol
from api.http.responses import Responder, refusal
from api.http.signals import orders_to_end
from arclog.errors import ArcError
from projections.hub.hub import Hub

DRAIN_SEC: Final = 10
LOOK_SEC: Final = 1.0
"""How often it is looked which connections only cost."""
STILL_HEARD_SEC: Final = 0.1
"""How long requests that were sent, or connections that were made, before anyone could know of the end have to come."""
DRAIN_LOOK_SEC: Final = 0.05
"""How often it is looked at the end whether all is answered."""
NETWORK_PATH: Final = "/v1/network"
"""The route that ends calls from other machines: the one who asks for that is answered first."""


class Tls(Struct, frozen=True):
    """What connections are encrypted with: the files of a certificate (with its chain) and of its key."""

    certificate: str
    key: str

    def context(self) -> ssl.SSLContext:
        """How connections are encrypted; clients need no certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


async def serve(
    hub: Hub,
    app: ASGIApp,
    sock: socket.socket,
    before_stop: Callable[[], Awaitable[None]] | None = None,
    *,
    patience: Patience | None = None,
    drain_sec: int = DRAIN_SEC,
    tls: Tls | None = None,
) -> None:
    """Serve until a signal or a shutdown ends the hub, then stop it.

    Signals are taken when this runs on the main thread.

    Args:
        hub: the hub, started.
        app: its application, from `api.app.create_app`.
        sock: where to listen, from `api.http.listening`; it is closed at the end.
        before_stop: awaited when the port is closed and the hub still takes calls: ends those that have other roads.
        patience: how long connections may wait for their clients.
        drain_sec: how long requests that are on their way have at the end.
        tls: what connections are encrypted with; None for plain ones.
    """
    allow_many_connections()
    server = HubServer(hub, app, patience or Patience(), drain_sec, tls)
    await server.serve(sock)
    if before_stop is not None:
        await before_stop()
    await hub.stop("shutdown" if server.shutdown_fired else "signal")


class HubServer:
    """Takes connections until a signal or a shutdown ends the hub.

    Args:
        hub: the hub, started.
        app: its application.
        patience: how long connections may wait for their clients.
        drain_sec: how long requests that are on their way have at the end.
        tls: what connections are encrypted with; None for plain ones.
    """

    def __init__(self, hub: Hub, app: ASGIApp, patience: Patience, drain_sec: int, tls: Tls | None) -> None:
        self.shutdown_fired = False
        """Whether it was a shutdown that ended it."""
        self._hub = hub
        self._drain_sec = drain_sec
        self._tls = None if tls is None else tls.context()
        self._serving = Serving(
            app=app,
            malformed=_refuse_whole(hub, MalformedRequest()),
            head_too_large=_refuse_whole(hub, HeadTooLarge(MAX_HEAD_BYTES)),
            patience=patience,
        )
        self._connections: set[HubProtocol] = set()
        self._ended = asyncio.Event()
        self._hurried = asyncio.Event()
        hub.ending.on_shutdown.append(self._fire)
        hub.ending.on_network_closed.append(self._end_remote)

    async def serve(self, sock: socket.socket) -> None:
        """Take connections from `sock`, which is closed at the end."""
        loop = asyncio.get_running_loop()
        with self._hearing_orders(loop):
            listening = await loop.create_server(self._connect, sock=sock, ssl=self._tls, backlog=BACKLOG)
            await self._look_after_connections(loop)
            self._hub.begin_closing()
            self._serving.closing = True
            await asyncio.sleep(STILL_HEARD_SEC)
            listening.close()
            sock.close()
            for connection in list(self._connections):
                connection.shutdown()
            await self._drain()

    def _connect(self) -> HubProtocol:
        return HubProtocol(self._serving, self._connections)

    async def _look_after_connections(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until the end, look once in a while which connections only cost."""
        while not self._ended.is_set():
            now = loop.time()
            for connection in list(self._connections):
                connection.end_if_stalled(now)
            await _wait(self._ended, LOOK_SEC)

    async def _drain(self) -> None:
        """Wait until all requests are answered; those that are not in time are cut, and at a second Ctrl-C at once."""
        give_up_at = asyncio.get_running_loop().time() + self._drain_sec
        while self._connections or self._serving.tasks:
            if self._hurried.is_set() or asyncio.get_running_loop().time() >= give_up_at:
                break
            await _wait(self._hurried, DRAIN_LOOK_SEC)
        for task in self._serving.tasks:
            task.cancel()

    # What ends it ----------------------------------------------------------------------------------------------------

    def _fire(self) -> None:
        self.shutdown_fired = True
        self._ended.set()

    def _end_remote(self) -> None:
        for connection in list(self._connections):
            connection.end_if_remote(NETWORK_PATH)

    @contextlib.contextmanager
    def _hearing_orders(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Take what orders a process to end as an order to end well; afterwards it goes on to its end by itself."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def hear(number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._obey, number)

        former = {number: signal.signal(number, hear) for number in orders_to_end()}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _obey(self, number: int) -> None:
        if number == signal.SIGINT and self._ended.is_set():
            self._hurried.set()
        self._ended.set()


async def _wait(event: asyncio.Event, most_sec: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(most_sec):
            await event.wait()


def _refuse_whole(hub: Hub, error: ArcError) -> bytes:
    """The whole answer, as it goes over the wire, to what never becomes a request."""
    refused = refusal(error)
    headers = Responder(hub.instance_id).headers_of(refused.body)
    return make_head(refused.status, headers, keep_alive=False, old=False).wire + refused.body
