"""The way to a hub over HTTP, for a relay that runs apart from it.

Many agents may wait in long polls at once, so this is asyncio all the way; it talks to the hub itself, whatever proxies
the environment names. A connection serves one call at a time and is kept for the next one.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httptools

from arclog.limits import MAX_WAIT_SEC, RELAY_REQUEST_TIMEOUT_SEC
from relay.send import HubUnreachable

MAX_IDLE: Final = 32


class HttpSend:
    """Calls a hub over HTTP, as the relay's `Send`.

    Args:
        base_url: where the hub is, as in `http://127.0.0.1:6969`.
        request_timeout_sec: how long an answer may take, beyond what a long poll asks for.
        headers: sent with each call.
        max_idle: connections that are kept open for the next call.
        verify: whether the hub has to prove by its certificate who it is; on this machine it need not.

    Raises:
        ValueError: `base_url` is no URL of a hub.
    """

    def __init__(
        self,
        base_url: str,
        *,
        request_timeout_sec: float = RELAY_REQUEST_TIMEOUT_SEC,
        headers: Mapping[str, str] | None = None,
        verify: bool = True,
        max_idle: int = MAX_IDLE,
    ) -> None:
        url = urlsplit(base_url)
        if url.scheme not in {"http", "https"} or not url.hostname:
            message = f"{base_url!r} is not the URL of a hub: write it as http://127.0.0.1:6969"
            raise ValueError(message)
        self._host = url.hostname
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if url.scheme == "https" else None
        if self._tls is not None and not verify:
            self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE
        self._prefix = url.path.rstrip("/")
        self._base_url = base_url
        self._request_timeout_sec = request_timeout_sec
        self._headers = {"Host": url.netloc.rpartition("@")[2], **(headers or {})}
        self._max_idle = max_idle
        self._idle: list[_Connection] = []

    async def __call__(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Ask the hub.

        Returns:
            The status and the body of the answer.

        Raises:
            HubUnreachable: there was no answer in time.
        """
        request = _encode(method, self._prefix + path, body, {**self._headers, **headers})
        timeout_sec = self._request_timeout_sec + _wait_sec(path, body)
        try:
            async with asyncio.timeout(timeout_sec):
                return await self._ask(request, again=method == "GET" or "Idempotency-Key" in headers)
        except (OSError, EOFError, httptools.HttpParserError) as error:  # TimeoutError is an OSError
            problem = f"no answer within {timeout_sec:g} s" if isinstance(error, TimeoutError) else error
            message = f"the hub at {self._base_url} does not answer: {problem}"
            raise HubUnreachable(message) from None

    async def aclose(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            self._idle.pop().close()

    async def _ask(self, request: bytes, *, again: bool) -> tuple[int, bytes]:
        while again and self._idle:  # what must not be done twice needs a connection that has not been closed meanwhile
            connection = self._idle.pop()
            try:
                return await self._exchange(connection, request)
            except (ConnectionError, EOFError):  # the hub closed it meanwhile; whatever it did, it does once
                continue
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        return await self._exchange(_Connection(reader, writer), request)

    async def _exchange(self, connection: "_Connection", request: bytes) -> tuple[int, bytes]:
        keep = False
        try:
            answer, keep = await connection.exchange(request)
            return answer
        finally:
            if keep and len(self._idle) < self._max_idle:
                self._idle.append(connection)
            else:
                connection.close()


class _Answer:
    """Collects one answer; httptools calls it."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.complete = False
        self.keep_alive = False
        self.parser = httptools.HttpResponseParser(self)

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.complete = True
        self.keep_alive = self.parser.should_keep_alive()


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def exchange(self, request: bytes) -> tuple[tuple[int, bytes], bool]:
        """The answer to a request, and whether the connection can be used again."""
        self._writer.write(request)
        answer = _Answer()
        while not answer.complete:
            data = await self._reader.read(1 << 16)
            if not data:
                message = "the connection was closed in the middle of an answer"
                raise EOFError(message)
            answer.parser.feed_data(data)
        return (answer.parser.get_status_code(), bytes(answer.body)), answer.keep_alive

    def close(self) -> None:
        self._writer.close()


def _encode(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if method != "GET":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (body if method != "GET" else b"")


def _wait_sec(path: str, body: bytes) -> float:
    """How long a call may wait by its own wish; the hub clamps it likewise."""
    if b'"wait_sec"' in body:
        return MAX_WAIT_SEC
    for value in parse_qs(path.partition("?")[2]).get("timeout", []):
        try:
            return min(max(float(value), 0.0), MAX_WAIT_SEC)
        except ValueError:
            break
    return 0.0
