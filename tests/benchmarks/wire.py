"""Connections to a hub, with as little of our own time in between as Python allows: raw sockets and `select`."""

import json
import selectors
import socket
import time
from collections.abc import Sequence
from typing import Any, Final, Self

from msgspec import Struct

HOST: Final = "127.0.0.1"
TIMEOUT_SEC: Final = 30.0
_END_OF_HEADERS: Final = b"\r\n\r\n"


class BadAnswer(Exception):
    """A server answered what no benchmark can go on with."""


class Connection:
    """One connection that asks for one thing after the other; made anew when the server closes it after an answer.

    Args:
        port: the server's port on this machine.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._open()

    def _open(self) -> None:
        self.sock = socket.create_connection((HOST, self._port), timeout=TIMEOUT_SEC)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.sock.close()

    def send(self, method: str, path: str, body: object = None) -> None:
        """Send a request and do not wait for its answer; a body of bytes is sent as it is."""
        if self._closed:
            self.sock.close()
            self._open()
        payload = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(payload)}\r\n"
        self.sock.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + payload)

    def receive(self) -> bytes:
        """The body of the answer.

        Raises:
            BadAnswer: it is no success.
        """
        while (answer := self.find_answer()) is None:
            self._take(self.sock.recv(262_144))
        return answer

    def take(self) -> bytes | None:
        """Read what has come, without waiting, and return the answer's body when it is whole."""
        self._take(self.sock.recv(262_144))
        return self.find_answer()

    def find_answer(self) -> bytes | None:
        """The next answer's body, when it is whole."""
        head, separator, rest = self._received.partition(_END_OF_HEADERS)
        if not separator:
            return None
        status, length, closed = _read_head(head)
        if len(rest) < length:
            return None
        body, self._received, self._closed = rest[:length], rest[length:], closed
        if status >= 400:
            raise BadAnswer(f"{status}: {body.decode(errors='replace')[:300]}")
        return body

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The `result` of a call."""
        self.send(method, path, body)
        return json.loads(self.receive())["result"]

    def time_ms(self, method: str, path: str, body: object = None) -> float:
        """How long a call takes, in milliseconds."""
        began = time.perf_counter()
        self.send(method, path, body)
        self.receive()
        return (time.perf_counter() - began) * 1000

    def post(self, agent: str = "bench-poster", body: str = "a short message") -> None:
        """Send a post to the channel `general`; the answer is to be received."""
        self.send("POST", "/v1/messages", {"from_agent": agent, "channel": "general", "body": body})

    def latest_id(self, agent: str = "bench-poster") -> int:
        """The newest message that an agent may see."""
        return int(self.ask("GET", f"/v1/bootstrap?agent_id={agent}")["latest_visible_id"])

    def _take(self, received: bytes) -> None:
        if not received:
            raise BadAnswer("the server closed the connection")
        self._received += received


class Stream:
    """A stream of server-sent events for one agent."""

    def __init__(self, port: int, agent: str, since_id: int) -> None:
        self.sock = socket.create_connection((HOST, port), timeout=TIMEOUT_SEC)
        path = f"/v1/stream?agent_id={agent}&since_id={since_id}"
        self.sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n\r\n".encode())
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.sock.close()

    def receive(self) -> None:
        """Wait for the next message; headers, and comments that keep the connection alive, are passed over."""
        while b"data:" not in self._received or not self._received.endswith((b"\n\n", b"\n\n\r\n")):
            received = self.sock.recv(65_536)
            if not received:
                raise BadAnswer("the server ended the stream")
            self._received += received
        self._received = b""


class Arrivals(Struct, frozen=True):
    """When the answers of many waiting connections came.

    Attributes:
        asked: how many waited.
        after_ms: milliseconds until each answer was read, in order.
    """

    asked: int
    after_ms: tuple[float, ...]

    @property
    def missed(self) -> int:
        return self.asked - len(self.after_ms)


def gather(connections: Sequence[Connection], began: float, within_sec: float) -> Arrivals:
    """Wait until every connection has its answer.

    Args:
        connections: each has sent a request.
        began: the moment from which to count, by `time.perf_counter`.
        within_sec: when to give up.
    """
    after_ms: list[float] = []
    with selectors.DefaultSelector() as waiting:
        for connection in connections:
            waiting.register(connection.sock, selectors.EVENT_READ, connection)
        while waiting.get_map() and time.perf_counter() - began < within_sec:
            for key, _events in waiting.select(0.1):
                if key.data.take() is not None:
                    after_ms.append((time.perf_counter() - began) * 1000)
                    waiting.unregister(key.fileobj)
    return Arrivals(len(connections), tuple(after_ms))


def latest_id(port: int) -> int:
    """The newest message there is, asked on a connection of its own."""
    with Connection(port) as connection:
        return connection.latest_id()


def _read_head(head: bytes) -> tuple[int, int, bool]:
    """Status and length of an answer, and whether the server closes the connection after it."""
    first, *lines = head.split(b"\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(b":") for line in lines)}
    closed = fields.get(b"connection", b"").strip().lower() == b"close"
    return int(first.split()[1]), int(fields.get(b"content-length", 0)), closed
