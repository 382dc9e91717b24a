"""One HTTP connection: what the parser tells on one side, a queue of exchanges on the other.

`uvicorn.Server` makes one for each connection. It asks for little: that a connection enters and leaves the server's set
of connections, and that it ends after its answer when `shutdown` is called.

A connection that waits for its client has a limit for each phase; the server looks at all connections once a second, so
that no request pays for a timer. Whatever comes over the wire gets an answer, even what is no HTTP at all. Requests
that follow without waiting for answers are answered in their order, and what cannot be read is refused after them.
"""

import asyncio
from collections import deque
from typing import Any, Final, Protocol

import httptools
from starlette.types import Scope

from api.http.connection import CONNECTION, Connection
from api.http.exchange import Exchange, Serving
from api.http.flow import Flow, address_of
from api.http.heads import (
    MAX_HEAD_BYTES,
    Header,
    HeadTooLong,
    UnknownCoding,
    decline_offer,
    encode_first_line,
    is_too_long,
    split_absolute,
)
from api.http.patience import Stall, Stalling

_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}


class Connected(Protocol):
    """What a server keeps of its connections."""

    connections: set[Any]


class HubProtocol(asyncio.Protocol):
    """A connection.

    Args:
        serving: what connections share.
        server_state: where the server keeps its connections.
        others: what uvicorn gives beyond it, which a connection of ours has no use for.
    """

    def __init__(self, serving: Serving, *, server_state: Connected, **others: object) -> None:
        self._serving = serving
        self._connections = server_state.connections

    # What the transport tells ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._flow = Flow(transport)  # type: ignore[arg-type]  # a stream's transport is one for both directions
        self._transport = self._flow.transport
        self._connections.add(self)
        self._connection = Connection(self._transport)
        self._loop = asyncio.get_running_loop()
        self._client, self._server = address_of(transport, "peername"), address_of(transport, "sockname")
        self._scheme = "https" if self._transport.get_extra_info("sslcontext") else "http"
        self._parser = self._new_parser()
        self._url = b""
        self._headers: list[Header] = []
        self._asks_first = False
        self._read: Exchange | None = None  # the newest: its request is being read, or was the last to be read
        self._answered: Exchange | None = None  # its answer is being made, or was the last to be made
        self._queue: deque[Exchange] = deque()  # read, and waiting for the answers before theirs
        self._refusal = b""  # what is answered when these are done, because no more can be understood
        self._deaf = False  # whether all that still comes is thrown away
        self._heard_all = False  # whether the client will send no more
        self._received = 0
        self._bare = 0  # bytes since a head was complete or some of a body came
        self._in_first_line = True
        self._awaits_head = True
        self._stalling = Stalling(self._serving.patience)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        self._bare += len(data)
        if self._deaf:
            if self._bare > self._serving.patience.linger_bytes:
                self._transport.abort()
            return
        # By `find`: `in` tries whether bytes are a number first, and makes an error of it each time.
        in_first_line, line_goes_on = self._in_first_line, data.find(b"\n") < 0
        if in_first_line and not data.isascii():
            data = encode_first_line(data)
        self._in_first_line = False
        self._parse(data)  # which says so when the next request may begin
        if in_first_line and line_goes_on:
            self._in_first_line = True
        if self._bare > MAX_HEAD_BYTES and not self._deaf:
            self._refuse(self._serving.head_too_large if self._awaits_head else self._serving.malformed)

    def eof_received(self) -> bool:
        """The client sends no more; it may have left, or may still read the answer to what it sent.

        Returns:
            Whether to keep the other direction open for a while.
        """
        self._heard_all = True
        self._connection.end()
        if not self._deaf:
            read = self._read
            if (self._awaits_head and self._received) or not (read is None or read.is_read or read.is_answered):
                self._refuse(self._serving.malformed)
            elif read is not None:
                read.keep_alive = False
        if self._transport.is_closing() or self._is_free():
            return False
        self._loop.call_later(self._serving.patience.half_closed_sec, self._transport.close)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._connection.lose(exc)
        self._deaf = True
        self._queue.clear()
        for exchange in (self._answered, self._read):
            if exchange is not None:
                exchange.lose()
        self._flow.resume_writing()

    def pause_writing(self) -> None:
        self._flow.pause_writing()

    def resume_writing(self) -> None:
        self._flow.resume_writing()

    # What the parser tells -------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        self._url = b""
        self._headers = []
        self._asks_first = False
        self._in_first_line = False
        self._awaits_head = True

    def on_url(self, url: bytes) -> None:
        """Some of the address came."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header came; one that trails a body is left out, for nobody may take it for one of the head."""
        if self._awaits_head:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self._asks_first = True
            elif name == b"transfer-encoding" and value.lower() != b"chunked":
                raise UnknownCoding
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is complete."""
        if self._parser.should_upgrade() and not self._is_connect():
            return
        if self._bare > MAX_HEAD_BYTES and is_too_long(self._url, self._headers):
            raise HeadTooLong
        self._awaits_head = False
        self._bare = 0
        url = self._url
        if url.startswith(b"/") and url.find(b"#") < 0:
            raw_path, _, query = url.partition(b"?")
        else:
            raw_path, query, self._headers = split_absolute(url, self._headers)
        version = self._parser.get_http_version()
        scope: Scope = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "method": self._parser.get_method().decode("ascii"),
            "scheme": self._scheme,
            "path": raw_path.decode("ascii"),
            "raw_path": raw_path,
            "root_path": "",
            "query_string": query,
            "headers": self._headers,
            "client": self._client,
            "server": self._server,
            CONNECTION: self._connection,
        }
        self._connection.begin_request()
        self._read = exchange = Exchange(
            scope,
            self._loop,
            self._flow,
            self._serving,
            keep_alive=version != "1.0" and self._parser.should_keep_alive(),
            asks_first=self._asks_first,
            on_answered=self._go_on,
        )
        if self._is_free():
            self._answered = exchange
            exchange.start()
        else:
            if self._queue:  # beside one that waits it is still read on, so that the end of the connection is seen
                self._flow.pause_reading()
            self._queue.append(exchange)

    def on_body(self, body: bytes) -> None:
        """Some of the body came."""
        self._bare = 0
        if self._read is not None:
            self._read.add(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        if self._parser.should_upgrade() and not self._is_connect():
            return
        self._in_first_line = True
        if self._read is not None:
            self._read.end()

    # Reading ---------------------------------------------------------------------------------------------------------

    def _parse(self, data: bytes) -> None:
        """Have the parser tell what came.

        It takes no body after an offer to speak another protocol, and all such offers are declined: when it stops at
        the end of such a head, another one goes on, with the same head without the offer.
        """
        while True:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                if self._is_connect():
                    return
                (end_of_head,) = offer.args
                method, version = self._parser.get_method(), self._parser.get_http_version()
                data = decline_offer(method, self._url, version, self._headers) + data[end_of_head:]
                self._parser = self._new_parser()
            except httptools.HttpParserError as error:
                too_long = isinstance(error.__context__, HeadTooLong)
                self._refuse(self._serving.head_too_large if too_long else self._serving.malformed)
                return
            else:
                return

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        # What follows a request that said `Connection: close` is no reason to refuse it.
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    def _is_connect(self) -> bool:
        """Whether the head is a `CONNECT`: no offer to speak another protocol, though the parser stops there too."""
        return self._parser.get_method() == b"CONNECT"

    # Answering -------------------------------------------------------------------------------------------------------

    def _is_free(self) -> bool:
        """Whether no answer is being made."""
        return self._answered is None or self._answered.is_answered

    def _go_on(self) -> None:
        """An answer is complete: close, or go on with what came meanwhile."""
        answered = self._answered
        if self._transport.is_closing() or answered is None:
            return
        if not answered.keep_alive:
            self._close()
        elif self._queue:
            self._flow.resume_reading()
            self._answered = self._queue.popleft()
            self._answered.start()
        elif self._refusal:
            self._transport.write(self._refusal)
            self._close()
        elif self._flow.read_paused:
            self._flow.resume_reading()

    def _refuse(self, refusal: bytes) -> None:
        """Answer what cannot be read, after all that could, and close."""
        self._deaf = True
        read = self._read
        if read is not None and not read.is_read:
            if self._queue:
                self._queue.pop()  # the refusal is its answer
            elif not read.is_answered:
                read.lose()
                if read.is_begun:
                    self._transport.close()
                    return
                self._answered = None
        if self._is_free():
            self._transport.write(refusal)
            self._close()
        else:
            self._refusal = refusal

    def _close(self) -> None:
        """Close the connection, after a while if the client is still sending: to close it now would reset it."""
        is_read = self._read is None or self._read.is_read
        if self._heard_all or (is_read and not self._deaf):
            self._transport.close()
            return
        self._deaf = True
        self._bare = 0
        self._flow.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._loop.call_later(self._serving.patience.linger_sec, self._transport.close)

    # What the server asks --------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """End the connection, after the answer that is being made."""
        if self._answered is None or self._answered.is_answered:
            self._transport.close()
        else:
            self._answered.keep_alive = False

    def end_if_remote(self, closing_path: str) -> None:
        """End the connection at once if calls of another machine came over it.

        Args:
            closing_path: the path of a call that is answered first, since it is what had remote connections ended.
        """
        if not self._connection.is_remote:
            return
        answered = self._answered
        if answered is not None and not answered.is_answered and answered.scope["path"] == closing_path:
            answered.keep_alive = False
        else:
            self._transport.abort()

    def end_if_stalled(self, now: float) -> None:
        """End the connection when its client alone could hurry, and does not; `now` is the loop's time."""
        if self._stalling.is_over(self._find_stall(), now):
            self._transport.abort()

    def _find_stall(self) -> Stall | None:
        patience = self._serving.patience
        if self._transport.is_closing():
            return Stall("close", patience.stall_sec)
        if self._flow.write_paused:
            return Stall("answer", patience.stall_sec, -self._transport.get_write_buffer_size())
        read = self._read
        if read is None or read.is_answered:
            if self._awaits_head:
                return Stall("head", patience.head_sec, request=id(read))
            return Stall("idle", patience.idle_sec, request=id(read))
        if not read.is_read and not self._flow.read_paused:
            return Stall("body", patience.stall_sec, self._received, id(read))
        return None
