"""Senders: who write one thing after the other, each the next when the last is answered."""

import selectors
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Final, Protocol

CHUNK: Final = 65_536
SILENCE_SEC: Final = 20.0
"""How long an answer may take at most."""


class Writable(Protocol):
    """A peer that runs and can be written to."""

    name: str
    most_senders: int
    """How many may write at the same time."""
    pid: int
    """The process that writes to the disk."""

    def write_for(self, sec: float, senders: int) -> int:
        """Write for some time, over as many connections as there are senders.

        Returns:
            How many writes were answered.
        """


class OverSockets:
    """A server that is asked over sockets, in its own words.

    Args:
        name: the server's name.
        pid: its process, children included.
        connect: opens a connection, on which requests may be sent.
        request: the bytes of one write.
        is_answered: whether what came is a whole answer.
    """

    most_senders = 256

    def __init__(
        self,
        name: str,
        pid: int,
        connect: Callable[[], socket.socket],
        request: bytes,
        is_answered: Callable[[bytes], bool],
    ) -> None:
        self.name = name
        self.pid = pid
        self._connect = connect
        self._request = request
        self._is_answered = is_answered

    def write_for(self, sec: float, senders: int) -> int:
        sockets = [self._connect() for _ in range(senders)]
        try:
            with selectors.DefaultSelector() as selector:
                heard = dict.fromkeys(sockets, b"")
                for connection in sockets:
                    selector.register(connection, selectors.EVENT_READ)
                    connection.sendall(self._request)
                return self._go_on(selector, heard, time.perf_counter() + sec)
        finally:
            for connection in sockets:
                connection.close()

    def _go_on(self, selector: selectors.BaseSelector, heard: dict[socket.socket, bytes], until: float) -> int:
        answered = 0
        while time.perf_counter() < until:
            ready = selector.select(SILENCE_SEC)
            assert ready, f"{self.name} did not answer for {SILENCE_SEC} s"
            for key, _events in ready:
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                came = connection.recv(CHUNK)
                assert came, f"{self.name} closed a connection"
                heard[connection] += came
                if self._is_answered(heard[connection]):
                    heard[connection] = b""
                    answered += 1
                    connection.sendall(self._request)
        return answered


class InProcess:
    """A library in a process of its own, which writes for as many seconds as a line on its input says.

    Args:
        name: the library's name.
        process: runs one of `tests.benchmarks.programs`, with pipes for text.
    """

    most_senders = 1

    def __init__(self, name: str, process: "subprocess.Popen[str]") -> None:
        self.name = name
        self.pid = process.pid
        self._process = process

    def write_for(self, sec: float, senders: int) -> int:
        assert senders == 1
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{sec}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def connect(port: int) -> socket.socket:
    """A connection to a server on this machine."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=SILENCE_SEC)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
