"""Answers as ASGI messages: headers that never change are made once, bodies are bytes that are JSON already."""

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct
from starlette.types import Send

from api.hints import tell
from api.http.errors import (
    STATUS_OF,
    MethodNotAllowed,
    RequestTooLarge,
    TooManyAttempts,
    TooManyConnections,
    TooManyOpenCalls,
    TooManyRequests,
    Unauthenticated,
)
from arclog.engine import LogState
from arclog.errors import ArcError
from projections.hub.outcomes import Outcome

Headers = tuple[tuple[bytes, bytes], ...]

JSON: Final = (b"content-type", b"application/json")
NO_SNIFFING: Final = (b"x-content-type-options", b"nosniff")
DAMAGED: Final = (b"x-arc-integrity", b"damaged")
SERVICE_UNAVAILABLE: Final = 503
RETRY_AFTER_SEC: Final = 1
LAG_SEC: Final = 2.5
"""A log elsewhere is heard from every second; when it was not for so long, reads say how old they are."""
MAX_ERROR_CHARS: Final = 1000
"""An error quotes what it was given; no more of it than this is sent back."""


class Envelope(Struct, frozen=True, omit_defaults=True):
    """The body of every refusal; `advice` names what can be done about it, where other calls can do something."""

    ok: bool
    error: str
    code: str
    advice: str | None = None


class ErrorAnswer(Struct, frozen=True):
    """How an error is answered.

    Attributes:
        status: the HTTP status.
        body: the envelope as JSON.
        headers: those beyond what every answer has.
    """

    status: int
    body: bytes
    headers: Headers = ()


def refusal(error: ArcError) -> ErrorAnswer:
    """How `error` is answered."""
    text = tell(error)
    if len(text) > MAX_ERROR_CHARS:
        text = f"{text[:MAX_ERROR_CHARS]} …"
    status = STATUS_OF[error.code]
    body = msgspec.json.encode(Envelope(ok=False, error=text, code=error.code, advice=error.advice))
    if status == SERVICE_UNAVAILABLE:
        later = (b"retry-after", b"%d" % RETRY_AFTER_SEC)
        closes = ((b"connection", b"close"),) if isinstance(error, TooManyConnections) else ()
        return ErrorAnswer(status, body, (later, *closes))
    if isinstance(error, Unauthenticated):
        return ErrorAnswer(status, body, ((b"www-authenticate", b'Bearer realm="arc"'),))
    if isinstance(error, TooManyAttempts | TooManyOpenCalls | TooManyRequests):
        return ErrorAnswer(status, body, ((b"retry-after", b"%d" % error.retry_after_sec),))
    if isinstance(error, MethodNotAllowed):
        return ErrorAnswer(status, body, ((b"allow", error.allowed.encode()),))
    if isinstance(error, RequestTooLarge):
        return ErrorAnswer(status, body, ((b"connection", b"close"),))
    return ErrorAnswer(status, body)


class Responder:
    """Sends the answers of one hub.

    Args:
        instance_id: the storage's id, which every answer carries.
        log_state: tells what is known of a log elsewhere, of which reads say how old they are.
    """

    def __init__(self, instance_id: str, log_state: Callable[[], LogState | None] = lambda: None) -> None:
        self._log_state = log_state
        self.common: Headers = (NO_SNIFFING, (b"x-arc-instance", instance_id.encode()))
        """The headers of every answer, whatever its type."""
        self._json: Headers = (JSON, *self.common)

    def mark_damaged(self) -> None:
        """Say with every answer from here on that the log is not what was written."""
        if DAMAGED not in self.common:
            self.common = (*self.common, DAMAGED)
            self._json = (JSON, *self.common)

    def headers_of(self, body: bytes, more: Headers = ()) -> Headers:
        """The headers of an answer with a whole JSON body."""
        return (*self._json, (b"content-length", b"%d" % len(body)), *more)

    async def send(self, send: Send, status: int, body: bytes, more: Headers = ()) -> None:
        """Send a whole JSON body."""
        headers = self.headers_of(body, more)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def send_result(self, send: Send, result: bytes, *, more: bool = False, as_of: int | None = None) -> None:
        """Send the answer of a read.

        Args:
            send: where to.
            result: the result as JSON.
            more: whether it is only a part.
            as_of: the event that it is of the moment right after; None for the present.
        """
        begin = b'{"ok":true,"more":true,"result":' if more else b'{"ok":true,"result":'
        headers: Headers = () if as_of is None else ((b"x-arc-as-of", b"%d" % as_of),)
        log_state = self._log_state()
        if log_state is not None and log_state.lag_sec is not None and log_state.lag_sec >= LAG_SEC:
            headers += ((b"x-arc-lag", b"%.1f" % log_state.lag_sec),)
        await self.send(send, 200, begin + result + b"}", headers)

    async def send_outcome(self, send: Send, status: int, outcome: Outcome) -> None:
        """Send the answer of a change, with the event that it led to."""
        more: Headers = () if outcome.event_id is None else ((b"x-arc-event", b"%d" % outcome.event_id),)
        await self.send(send, status, envelope(outcome), more)

    async def refuse(self, send: Send, error: ArcError) -> None:
        """Send a refusal."""
        refused = refusal(error)
        await self.send(send, refused.status, refused.body, refused.headers)


def envelope(outcome: Outcome) -> bytes:
    """The body of an accepted change."""
    flags = b""
    if outcome.acquired is not None:
        flags = b'"acquired":true,' if outcome.acquired else b'"acquired":false,'
    if outcome.waited and outcome.acquired:
        flags += b'"waited":true,'
    if outcome.holder_left_at is not None:
        flags += b'"holder_left_at":"%s",' % outcome.holder_left_at.encode()
    if outcome.parent_completed:
        flags += b'"parent_completed":true,'
    if outcome.queue is not None:
        flags += msgspec.json.encode(outcome.queue)[1:-1] + b","
    if outcome.locks is not None:
        flags += b'"locks":' + outcome.locks + b","
    return b'{"ok":true,' + flags + b'"result":' + outcome.result + b"}"
