"""A line between a hub and its server that a test can cut, or that is a pooler."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

BACKEND_KEY_DATA = b"K\x00\x00\x00\x0c"


class Line:
    """Carries connections to a server on this machine, as long as it is not told otherwise.

    Args:
        port: the server's.
        is_pooler: whether clients are told of another backend than the one that serves them, as poolers do.
    """

    def __init__(self, port: int, *, is_pooler: bool = False) -> None:
        self._target = port
        self._is_pooler = is_pooler
        self._cut = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Carry nothing any more, without a word to either side, as a network does that is broken."""
        self._cut.set()

    def mend(self) -> None:
        """Carry on; what was under way is lost, as its connections are."""
        self.reset()
        self._cut.clear()

    def reset(self) -> None:
        """End every connection at once, for both sides."""
        while self._open:  # one by one, since more may come in meanwhile
            one = self._open.pop()
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)  # closing alone wakes nobody who accepts
        self._listening.close()
        self._thread.join()  # what it has just accepted is among the open ones
        self.reset()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listening.accept()
            except OSError:
                return
            if self._cut.is_set():
                self._open.append(client)  # taken by the system, answered by nobody
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            self._open += [client, server]
            threading.Thread(target=self._carry, args=[client, server], daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError, ValueError):
            while True:
                ready, _, _ = select.select([client, server], [], [], 0.05)
                if self._cut.is_set():
                    continue
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        client.close()
                        server.close()
                        return
                    if self._is_pooler and source is server and BACKEND_KEY_DATA in data:
                        place = data.index(BACKEND_KEY_DATA) + len(BACKEND_KEY_DATA)
                        data = data[:place] + b"\x00\x01\x02\x03" + data[place + 4 :]
                    (server if source is client else client).sendall(data)


@contextmanager
def a_line(port: int, *, is_pooler: bool = False) -> Iterator[Line]:
    """A line to a server, closed in the end."""
    line = Line(port, is_pooler=is_pooler)
    try:
        yield line
    finally:
        line.close()
