"""The bytes of HTTP/1.1 around a body, without I/O: heads of answers, chunks, and heads of requests put right.

Header names and values are written as they are. They are made by the hub alone, from constants, digits and the names of
methods: nothing of a request may ever be put into one.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import httptools
from msgspec import Struct

MAX_HEAD_BYTES: Final = 64 * 1024
"""The longest head of a request, its first line and its headers together; Node.js takes 16 KB, nginx 32."""
AS_TYPED: Final = "!#$%&'()*+,/:;=?@[]~"
"""What stays as it is in a URL that somebody typed; the rest is percent-encoded."""
GO_ON: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
"""What a client that asks first may be told (RFC 9110, section 10.1.1)."""
LAST_CHUNK: Final = b"0\r\n\r\n"

Header = tuple[bytes, bytes]

_STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status} {status.phrase}\r\n".encode() for status in HTTPStatus}


class HeadTooLong(Exception):
    """The head of a request is longer than the hub takes."""


class UnknownCoding(Exception):
    """The body of a request is encoded for its transfer otherwise than in chunks (RFC 9112, section 6.1)."""


class AnswerHead(Struct, frozen=True):
    """The head of an answer.

    Attributes:
        wire: its bytes, with the empty line at the end.
        chunked: whether the body goes out in chunks.
        keep_alive: whether the connection goes on after the body.
    """

    wire: bytes
    chunked: bool
    keep_alive: bool


def make_head(status: int, headers: Iterable[Header], *, keep_alive: bool, old: bool) -> AnswerHead:
    """The head of an answer.

    Args:
        status: the HTTP status.
        headers: their names in lower case; any `connection` closes it.
        keep_alive: whether the client's connection may go on.
        old: whether the client speaks HTTP/1.0 and so knows no chunks: the end of the connection ends the body.
    """
    parts = [_STATUS_LINES[status]]
    chunked = not old
    for name, value in headers:
        if name == b"content-length":
            chunked = False
        elif name == b"connection":
            keep_alive = False
            continue
        parts += (name, b": ", value, b"\r\n")
    if not keep_alive:
        parts.append(b"connection: close\r\n")
    if chunked:
        parts.append(b"transfer-encoding: chunked\r\n")
    parts.append(b"\r\n")
    return AnswerHead(b"".join(parts), chunked, keep_alive)


def make_chunk(body: bytes, *, last: bool) -> bytes:
    """Some of a body as a chunk; an empty one would end it, so it is left out."""
    chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return chunk + LAST_CHUNK if last else chunk


def is_too_long(url: bytes, headers: Iterable[Header]) -> bool:
    """Whether the head of a request is longer than the hub takes."""
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers) > MAX_HEAD_BYTES


def split_absolute(url: bytes, headers: list[Header]) -> tuple[bytes, bytes, list[Header]]:
    """The parts of a first line that names a whole URL.

    Args:
        url: what it names.
        headers: the headers.

    Returns:
        The path, the query, and the headers with the host of the URL, which counts more (RFC 9112, section 3.2.2).
    """
    parsed = httptools.parse_url(url)
    if parsed.host:
        authority = _authority(parsed.host, parsed.port)
        headers = [(name, authority if name == b"host" else value) for name, value in headers]
    return parsed.path or b"/", parsed.query or b"", headers


def _authority(host: bytes, port: int | None) -> bytes:
    address = b"[%b]" % host if b":" in host else host
    return address if port is None else b"%b:%d" % (address, port)


def encode_first_line(data: bytes) -> bytes:
    """What came of a request's first line, and more, with the line percent-encoded, as a client should have done."""
    line, end, rest = data.partition(b"\n")
    return quote(line, safe=AS_TYPED + " \r").encode("ascii") + end + rest


def decline_offer(method: bytes, url: bytes, version: str, headers: Iterable[Header]) -> bytes:
    """The head of a request again, without the offer to speak another protocol."""
    kept = b"".join([b"%b: %b\r\n" % (name, value) for name, value in headers if name != b"upgrade"])
    return b"%b %b HTTP/%b\r\n%b\r\n" % (method, url, version.encode("ascii"), kept)
