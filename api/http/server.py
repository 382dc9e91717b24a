"""The server: uvicorn, with an end that loses nothing, and an end for connections that only cost.

On SIGTERM, SIGINT or a shutdown that fires, nobody waits any more (long polls answer, streams end), every further
answer says `Connection: close`, requests that are on their way are still taken and answered, and only then is the port
closed and the hub stopped. What is not done within `DRAIN_SEC` is cut.
"""

import asyncio
import contextlib
import functools
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, cast

import uvicorn
from msgspec import Struct
from starlette.types import ASGIApp

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
NETWORK_PATH: Final = "/v1/network"
"""The route that ends calls from other machines: the one who asks for that is answered first."""


class Tls(Struct, frozen=True):
    """What connections are encrypted with: the files of a certificate (with its chain) and of its key."""

    certificate: str
    key: str


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
    await server.serve([sock])
    if before_stop is not None:
        await before_stop()
    await hub.stop("shutdown" if server.shutdown_fired else "signal")


class HubServer(uvicorn.Server):
    """uvicorn's server with the end and the time limits that this module describes."""

    def __init__(self, hub: Hub, app: ASGIApp, patience: Patience, drain_sec: int, tls: Tls | None) -> None:
        serving = Serving(
            app=app,
            malformed=_refuse_whole(hub, MalformedRequest()),
            head_too_large=_refuse_whole(hub, HeadTooLarge(MAX_HEAD_BYTES)),
            patience=patience,
        )
        super().__init__(
            uvicorn.Config(
                app,
                # uvicorn calls what it is given here for each connection; that it is a class is all that its types say.
                http=cast("type[asyncio.Protocol]", functools.partial(HubProtocol, serving)),
                ws="none",
                lifespan="off",
                interface="asgi3",
                backlog=BACKLOG,
                timeout_graceful_shutdown=drain_sec,
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                ssl_certfile=None if tls is None else tls.certificate,
                ssl_keyfile=None if tls is None else tls.key,
            )
        )
        self.server_state.tasks = serving.tasks  # uvicorn waits for these at the end
        self.shutdown_fired = False
        self._hub = hub
        self._serving = serving
        hub.ending.on_shutdown.append(self._fire)
        hub.ending.on_network_closed.append(self._end_remote)

    def _fire(self) -> None:
        self.shutdown_fired = True
        self.should_exit = True

    def _end_remote(self) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, HubProtocol):
                connection.end_if_remote(NETWORK_PATH)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take what orders a process to end as an order to end well; afterwards it goes on to its end by itself."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        former = {number: signal.signal(number, self.handle_exit) for number in orders_to_end()}
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
        self._serving.closing = True
        await asyncio.sleep(0.1)  # for requests that were sent, or connections that were made, before anyone could know
        await super().shutdown(sockets)


def _refuse_whole(hub: Hub, error: ArcError) -> bytes:
    """The whole answer, as it goes over the wire, to what never becomes a request."""
    refused = refusal(error)
    headers = Responder(hub.instance_id).headers_of(refused.body)
    return make_head(refused.status, headers, keep_alive=False, old=False).wire + refused.body
