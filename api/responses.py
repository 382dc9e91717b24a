"""Answers as ASGI messages: headers that never change are made once, bodies are bytes that are JSON already."""

import asyncio
from typing import Final

from starlette.types import Receive, Send

from projections.answers import Outcome

Headers = tuple[tuple[bytes, bytes], ...]

JSON: Final = (b"content-type", b"application/json")
NO_SNIFFING: Final = (b"x-content-type-options", b"nosniff")
LINGER_SEC: Final = 5.0
"""How long the rest of a refused body is read and thrown away, so that the client gets to see the answer."""
LINGER_BYTES: Final = 64 * 2**20


class Responder:
    """Sends the answers of one hub.

    Args:
        instance_id: the storage's id, which every answer carries.
    """

    def __init__(self, instance_id: str) -> None:
        self.instance: Final = (b"x-arc-instance", instance_id.encode())
        self._json: Final = (JSON, NO_SNIFFING, self.instance)

    async def send(self, send: Send, status: int, body: bytes, more: Headers = ()) -> None:
        """Send a whole JSON body."""
        headers = [*self._json, (b"content-length", b"%d" % len(body)), *more]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def send_result(self, send: Send, result: bytes) -> None:
        """Send the answer of a read; `result` is JSON."""
        await self.send(send, 200, b'{"ok":true,"result":' + result + b"}")

    async def send_outcome(self, send: Send, status: int, outcome: Outcome) -> None:
        """Send the answer of a change, with the event that it led to."""
        more: Headers = () if outcome.event_id is None else ((b"x-arc-event", b"%d" % outcome.event_id),)
        await self.send(send, status, envelope(outcome), more)

    async def refuse(self, receive: Receive, send: Send, status: int, body: bytes, more: Headers) -> None:
        """Send a refusal; where the connection is to be closed, see the rest of the request off first.

        Closing a connection with unread bytes resets it, and the client might never read why.
        """
        if (b"connection", b"close") not in more:
            await self.send(send, status, body, more)
            return
        headers = [*self._json, (b"content-length", b"%d" % len(body)), *more]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await _linger(receive)
        await send({"type": "http.response.body", "body": b""})


def envelope(outcome: Outcome) -> bytes:
    """The body of an accepted change."""
    flags = b""
    if outcome.acquired is not None:
        flags = b'"acquired":true,' if outcome.acquired else b'"acquired":false,'
    if outcome.parent_completed:
        flags += b'"parent_completed":true,'
    return b'{"ok":true,' + flags + b'"result":' + outcome.result + b"}"


async def _linger(receive: Receive) -> None:
    left = LINGER_BYTES
    try:
        async with asyncio.timeout(LINGER_SEC):
            while left > 0:
                message = await receive()
                if not message.get("more_body"):
                    return
                left -= len(message["body"])
    except TimeoutError:
        return
