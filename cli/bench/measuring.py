"""A trial of this machine: how fast its disk flushes, and how fast a throw-away hub on it takes posts and wakes agents.

The hub runs as a process of its own, as a real one does, on a storage in a temporary folder; its clients share this
process. What is measured is told as lists of durations in seconds.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from arc.urls import split_url
from cli.errors import CommandFailed
from cli.event_loop import new_event_loop
from cli.hubs.find_hub import find_by_note

BLOCK: Final = 4096
BLOCKS: Final = 1024
START_WITHIN_SEC: Final = 20.0
STOP_WITHIN_SEC: Final = 10.0
ANSWER_WITHIN_SEC: Final = 30.0
LOOK_SEC: Final = 0.01
SETTLE_SEC: Final = 0.01
"""How long an agent has waited before something is posted for it."""
POST: Final = {"from_agent": "bench", "channel": "general", "body": "The build is green again, see the artifact."}
LOG: Final = "hub.log"
BROKEN: Final = "the hub closed a connection in the middle of the trial"


class Posts(NamedTuple):
    """What came of some load.

    Attributes:
        per_sec: posts a second.
        took_sec: how long each post took, from the request to the answer.
    """

    per_sec: float
    took_sec: list[float]


def time_flushes(folder: Path, sec: float) -> list[float]:
    """How long the disk that holds `folder` takes to keep 4 KiB, again and again for so many seconds.

    As in SQLite's WAL, the file has its length already, so nothing but the data needs to be kept.
    """
    flush = getattr(os, "fdatasync", os.fsync)
    times: list[float] = []
    with (folder / "flush").open("wb", buffering=0) as file:
        file.write(bytes(BLOCKS * BLOCK))
        os.fsync(file.fileno())
        until = time.perf_counter() + sec
        while (began := time.perf_counter()) < until:
            file.seek(len(times) % BLOCKS * BLOCK)
            file.write(bytes(BLOCK))
            flush(file.fileno())
            times.append(time.perf_counter() - began)
    return times


@contextmanager
def running_hub(folder: Path) -> Iterator[int]:
    """A hub on a new storage in `folder`, on a port of its own choice, which this gives.

    Raises:
        CommandFailed: it does not start.
    """
    import arc

    program, storage = Path(arc.__file__).with_name("__main__.py"), folder / "arc.sqlite3"
    arguments = ["--port", "0", "--storage", str(storage), "--spool-dir", str(folder / "spool"), "--quiet"]
    with (folder / LOG).open("wb") as log:
        hub = subprocess.Popen([sys.executable, "-P", str(program), *arguments], cwd=folder, stdout=log, stderr=log)
    try:
        yield _wait_for(hub, storage)
    finally:
        hub.terminate()
        try:
            hub.wait(STOP_WITHIN_SEC)
        except subprocess.TimeoutExpired:
            hub.kill()
            hub.wait()


def time_posts(port: int, clients: int, load_sec: float) -> Posts:
    """Durable posts by this many clients at once, each on one connection, one after the other."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_time_posts(port, clients, load_sec))


def time_wakes(port: int, wakes: int) -> list[float]:
    """How long after a post an agent has it that waits in a long poll."""
    times: list[float] = []
    with _connect(port) as poster, _connect(port) as waiting:
        seen = _ask(poster, _request("GET", "/v1/bootstrap?agent_id=bench"))["latest_visible_id"]
        for _ in range(wakes):
            waiting.sendall(_request("GET", f"/v1/events?agent_id=bench-waiting&since_id={seen}&timeout=30"))
            time.sleep(SETTLE_SEC)
            began = time.perf_counter()
            poster.sendall(_request("POST", "/v1/messages", POST))
            _receive(waiting)
            times.append(time.perf_counter() - began)
            seen = json.loads(_receive(poster))["result"]["id"]
    return times


def _wait_for(hub: "subprocess.Popen[bytes]", storage: Path) -> int:
    give_up_at = time.monotonic() + START_WITHIN_SEC
    while time.monotonic() < give_up_at and hub.poll() is None:
        found = find_by_note(storage)
        if found is not None:
            return split_url(found.hub.url).port
        time.sleep(LOOK_SEC)
    said = (storage.parent / LOG).read_text(errors="replace").strip() or "and said nothing"
    raise CommandFailed(f"the hub did not start within {START_WITHIN_SEC:g} s: {said}")


# Clients that post ---------------------------------------------------------------------------------------------------


async def _time_posts(port: int, clients: int, load_sec: float) -> Posts:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    posters = []
    for _ in range(clients):
        _transport, poster = await loop.create_connection(lambda: _Poster(began + load_sec), "127.0.0.1", port)
        posters.append(poster)
    try:
        await asyncio.wait_for(asyncio.gather(*(poster.done for poster in posters)), load_sec + ANSWER_WITHIN_SEC)
    except TimeoutError:
        raise CommandFailed(f"the hub left a post without an answer for {ANSWER_WITHIN_SEC:g} s") from None
    took_sec = [taken for poster in posters for taken in poster.took_sec]
    return Posts(len(took_sec) / (time.perf_counter() - began), took_sec)


class _Poster(asyncio.Protocol):
    """Posts again as soon as the last post was answered."""

    def __init__(self, until: float) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.took_sec: list[float] = []
        self._until = until
        self._request = _request("POST", "/v1/messages", POST)
        self._received = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._post()

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            if _find_body(self._received) is None:
                return
        except CommandFailed as error:
            self.done.set_exception(error)
            self._transport.close()
            return
        now = time.perf_counter()
        self.took_sec.append(now - self._began)
        if now < self._until:
            self._post()
        else:
            self.done.set_result(None)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(CommandFailed(BROKEN))

    def _post(self) -> None:
        self._received = b""
        self._began = time.perf_counter()
        self._transport.write(self._request)


# HTTP, as little of it as a trial needs ------------------------------------------------------------------------------


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_WITHIN_SEC)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _request(method: str, path: str, body: dict[str, str] | None = None) -> bytes:
    payload = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(payload)}\r\n\r\n"
    return head.encode() + payload


def _ask(connection: socket.socket, request: bytes) -> dict[str, int]:
    connection.sendall(request)
    result: dict[str, int] = json.loads(_receive(connection))["result"]
    return result


def _receive(connection: socket.socket) -> bytes:
    received = b""
    while (body := _find_body(received)) is None:
        more = connection.recv(65_536)
        if not more:
            raise CommandFailed(BROKEN)
        received += more
    return body


def _find_body(received: bytes) -> bytes | None:
    """The body of the answer when it is whole.

    Raises:
        CommandFailed: the hub refused.
    """
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        return None
    status = int(head[9:12])
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    if len(body) < length:
        return None
    if status >= 400:  # noqa: PLR2004 - HTTP has it so
        raise CommandFailed(f"the hub refused with {status}: {body.decode(errors='replace')}")
    return body
