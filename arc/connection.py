"""One connection to a hub: HTTP/1.1 over a socket.

A call takes less than a millisecond, and importing `http.client` (with `email` and `ssl`) takes twenty, so the few
lines of HTTP that a client needs are here. Answers may come in chunks, as a proxy in front of a hub sends them.
"""

from __future__ import annotations

import socket

from arc.urls import is_ipv4

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from arc.urls import Address

MAX_HEAD_BYTES: Final = 65_536
PIECE_BYTES: Final = 65_536
HTTP, HTTPS = 80, 443
FIRST_FINAL_STATUS = 200
NO_BODY = frozenset({204, 304})


class BrokenAnswerError(Exception):
    """The other side closed the connection before its answer was whole, or what came is not HTTP."""


class Answer:
    """One answer.

    Attributes:
        status: the status.
        headers: the headers, with names in lower case.
        body: the whole body.
        kept: whether the connection can carry another call.
    """

    __slots__ = ("body", "headers", "kept", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes, *, kept: bool) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.kept = kept


class Connection:
    """A connection, not yet made.

    Args:
        address: where to.
        timeout: seconds of silence after which a step raises `TimeoutError`.

    Attributes:
        prefix: what the path of each call begins with.
        secure: whether it is encrypted.
        sock: its socket, once it is made.
    """

    def __init__(self, address: Address, timeout: float) -> None:
        self._address = address
        self.prefix = address.prefix
        self.secure = address.secure
        self._timeout = timeout
        self._rest = b""  # what came beyond what was asked for
        self.sock: socket.socket | None = None

    def connect(self) -> None:
        """Make it.

        Raises:
            OSError: nobody listens there, or not in time (`TimeoutError`).
        """
        address = self._address
        sock = _connect(address, self._timeout)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.secure:
                import ssl

                context = ssl.create_default_context()
                if address.loopback:  # no other machine listens there, and certificates for it are rare
                    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                context.set_alpn_protocols(["http/1.1"])
                sock = context.wrap_socket(sock, server_hostname=address.host)
        except BaseException:
            sock.close()
            raise
        self.sock = sock

    def ask(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """Send a request and read the whole answer.

        Args:
            method: the method.
            target: path and query, encoded.
            headers: further headers.
            body: the body, or None.

        Raises:
            ValueError: `target` cannot stand in a request.
            OSError: the connection broke, or was silent for too long (`TimeoutError`).
            BrokenAnswerError: the answer is not whole, or is not HTTP.
        """
        head = self._head(method, target, headers, body)
        sock = self._open()
        try:
            sock.sendall(head + (body or b""))
        except (BrokenPipeError, ConnectionResetError):
            pass  # a hub answers a body that is too large before its end
        status, found = self._read_head()
        while status < FIRST_FINAL_STATUS:  # it only says that it is still there
            status, found = self._read_head()
        closes = found.get("connection", "").lower() == "close"
        if status in NO_BODY:
            content = b""
        elif found.get("transfer-encoding", "").lower() == "chunked":
            content = self._read_chunks()
        elif "content-length" in found:
            content = self._read(_number(found["content-length"], 10))
        else:
            content, closes = self._read_all(), True
        return Answer(status, found, content, kept=not closes)

    def set_timeout(self, timeout: float) -> None:
        """Wait for `timeout` seconds from now on."""
        self._timeout = timeout
        self._open().settimeout(timeout)

    def stands(self) -> bool:
        """Whether it is still open while nothing is on its way: one that the hub has closed has an end to read."""
        sock = self.sock
        if sock is None or self._rest:
            return False
        try:
            sock.setblocking(False)
            sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def shut_down(self) -> None:
        """End it while somebody still reads from it."""
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended

    def close(self) -> None:
        """Close it."""
        if self.sock is not None:
            self.sock.close()

    def _open(self) -> socket.socket:
        if self.sock is None:
            message = "the connection is not made yet"
            raise OSError(message)
        return self.sock

    def _head(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> bytes:
        if not target.isascii() or any(not "!" <= char <= "~" for char in target):
            message = f"a path must be encoded, and {target!r} is not: write %20 for a space"
            raise ValueError(message)
        address = self._address
        host = f"[{address.host}]" if ":" in address.host else address.host
        if address.port != (HTTPS if address.secure else HTTP):
            host = f"{host}:{address.port}"
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Accept-Encoding: identity"]
        if body is not None or method == "POST":
            lines.append(f"Content-Length: {len(body or b'')}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("ascii")

    def _read_head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of the next answer."""
        while (end := self._rest.find(b"\r\n\r\n")) < 0:
            if len(self._rest) > MAX_HEAD_BYTES:
                message = "the head of the answer does not end"
                raise BrokenAnswerError(message)
            self._rest += self._receive()
        head, self._rest = self._rest[:end].decode("latin-1"), self._rest[end + 4 :]
        first, *lines = head.split("\r\n")
        version, _space, said = first.partition(" ")
        if not version.startswith("HTTP/1.") or not said[:3].isdigit():
            message = f"what came is not HTTP: {first[:60]!r}"
            raise BrokenAnswerError(message)
        headers = {}
        for line in lines:
            name, _colon, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if version == "HTTP/1.0":
            headers.setdefault("connection", "close")
        return int(said[:3]), headers

    def _read_chunks(self) -> bytes:
        parts = []
        while size := _number(self._read_line().partition(b";")[0].decode("latin-1"), 16):
            parts.append(self._read(size))
            self._read_line()
        while self._read_line():  # trailers
            pass
        return b"".join(parts)

    def _read_line(self) -> bytes:
        while (end := self._rest.find(b"\r\n")) < 0:
            if len(self._rest) > MAX_HEAD_BYTES:
                message = "a line of the answer does not end"
                raise BrokenAnswerError(message)
            self._rest += self._receive()
        line, self._rest = self._rest[:end], self._rest[end + 2 :]
        return line

    def _read(self, size: int) -> bytes:
        parts, missing = [self._rest[:size]], size - len(self._rest)
        self._rest = self._rest[size:]
        while missing > 0:
            piece = self._receive()
            parts.append(piece[:missing])
            self._rest = piece[missing:]
            missing -= len(piece)
        return b"".join(parts)

    def _read_all(self) -> bytes:
        parts, self._rest = [self._rest], b""
        while piece := self._open().recv(PIECE_BYTES):
            parts.append(piece)
        return b"".join(parts)

    def _receive(self) -> bytes:
        piece = self._open().recv(PIECE_BYTES)
        if not piece:
            message = "the other side closed the connection without a whole answer"
            raise BrokenAnswerError(message)
        return piece


def _connect(address: Address, timeout: float) -> socket.socket:
    """A socket that is connected.

    Looking up even a number loads the tables of international names, so a number of IPv4 is not looked up.
    """
    if not is_ipv4(address.host):
        return socket.create_connection((address.host, address.port), timeout)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.connect((address.host, address.port))
    except BaseException:
        sock.close()
        raise
    return sock


def _number(text: str, base: int) -> int:
    try:
        number = int(text.strip(), base)
    except ValueError:
        number = -1
    if number < 0:
        message = f"the answer has no length: {text[:20]!r}"
        raise BrokenAnswerError(message)
    return number
