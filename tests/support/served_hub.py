"""A hub on a thread of the test's own process, behind a real socket: fast to start, and open to be looked into."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import uvloop

from api.app import create_app
from api.http.listening import listen
from api.http.patience import Patience
from api.http.server import DRAIN_SEC, serve
from arclog.limits import HEARTBEAT_SEC, LEFT_AFTER_SEC
from projections.hub.hub import Hub
from projections.hub.settings import Settings
from tests.support import shared_log
from tests.support.hub_process import Answer


class ServedHub:
    """What a test needs of a hub that is served."""

    def __init__(self, hub: Hub, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self.hub = hub
        self.loop = loop
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> Answer:
        """One request on a connection of its own; bytes are sent as they are, anything else as JSON."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)) as connection:
            payload = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, payload, dict(headers or {}))
            response = connection.getresponse()
            text = response.read()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, json.loads(text) if text else None)

    def get(self, path: str, **how: Any) -> Answer:
        return self.call("GET", path, **how)

    def post(self, path: str, body: object = None, **how: Any) -> Answer:
        return self.call("POST", path, {} if body is None else body, **how)

    def say(self, body: str, **more: object) -> int:
        """Post a message and return its id."""
        posted = self.post("/v1/messages", {"from_agent": "teller", "body": body, **more})
        message_id: int = posted.result["id"]
        return message_id

    def connect(self, timeout: float = 30) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def exchange(self, request: bytes, timeout: float = 30) -> bytes:
        """Send bytes as they are, and return all that comes until the hub closes."""
        with self.connect(timeout) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side closes, or resets, the connection."""
    parts: list[bytes] = []
    while True:
        try:
            part = connection.recv(65_536)
        except ConnectionResetError:
            part = b""
        if not part:
            return b"".join(parts)
        parts.append(part)


@contextmanager
def served_hub(
    home: Path,
    *,
    patience: Patience | None = None,
    drain_sec: int = DRAIN_SEC,
    heartbeat_sec: float = HEARTBEAT_SEC,
    left_after_sec: float = LEFT_AFTER_SEC,
    **settings: Any,
) -> Iterator[ServedHub]:
    """A hub on a fresh or given storage in the folder `home`, served until the end of the block.

    Args:
        home: where the storage is.
        patience: how long connections may wait for their clients.
        heartbeat_sec: how long a stream is silent at most.
        left_after_sec: how long after its stream an MCP host counts as gone.
        drain_sec: how long requests that are on their way have at the end.
        settings: those of `projections.hub.settings.Settings` that are to differ.
    """
    started: list[ServedHub] = []
    failed: list[BaseException] = []
    ready = threading.Event()

    async def run() -> None:
        with closing(listen("127.0.0.1", 0)) as sock:  # also where the hub cannot start
            port = sock.getsockname()[1]
            storage, remote = shared_log.join(settings.pop("storage", home / "arc.sqlite3"))
            hub = Hub(Settings(**{"storage": storage, "port": port, "version": "test", **settings}), remote=remote)
            await hub.start()
            started.append(ServedHub(hub, asyncio.get_running_loop(), port))
            ready.set()
            app = create_app(hub, heartbeat_sec=heartbeat_sec, left_after_sec=left_after_sec)
            await serve(hub, app, sock, patience=patience, drain_sec=drain_sec)

    def work() -> None:
        try:
            uvloop.run(run())
        except BaseException as error:  # noqa: BLE001 - raised below, on the test's own thread
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work, name="hub under test", daemon=True)
    thread.start()
    assert ready.wait(60), "the hub did not start"
    if failed:
        raise failed[0]
    served = started[0]

    def end() -> None:
        for end_serving in served.hub.ending.on_shutdown:  # as the server added it, which is there by now
            end_serving()

    try:
        yield served
    finally:
        served.loop.call_soon_threadsafe(end)
        thread.join(60)
        assert not thread.is_alive(), "the hub did not end"
    if failed:
        raise failed[0]
