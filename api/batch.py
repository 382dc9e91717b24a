"""Many messages in one request: a line a message in, a line an answer out, for imports and chatty agents.

The lines are carried out in order, as many in one transaction as are there, and each stands for itself: one that is
refused does not keep the others from being posted. A line is what `POST /v1/messages` takes, and may carry an
`idempotency_key` of its own, so that a batch whose answer was lost can simply be sent again.
"""

from typing import Final

import msgspec
from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from api.hints import tell
from api.http.bodies import BodyReader, read_body
from api.http.errors import STATUS_OF
from api.http.headers import check_key, find_sender, transport_of
from api.http.responses import envelope
from api.http.routes import NoQuery, Route, Site, Special
from arclog.deciders.messages import PostMessage
from arclog.errors import ArcError, InvalidInput
from arclog.sqlite.log import hash_request
from projections.hub.answers import Outcome
from projections.hub.calls import Request
from projections.hub.hub import Hub

MAX_LINES: Final = 10_000
MAX_BYTES: Final = 16 * 2**20
NDJSON: Final = (b"content-type", b"application/x-ndjson")
PATH: Final = "/v1/messages:batch"


class _Key(Struct, frozen=True):
    """What a line says beyond the message."""

    idempotency_key: str | None = None


class _Refused(Struct, frozen=True):
    """The answer to a line that was refused: what the call alone would have been answered, with its status."""

    ok: bool
    status: int
    error: str
    code: str


_read_message = BodyReader(PostMessage).read
_read_key = BodyReader(_Key).read


def _start(site: Site) -> ASGIApp:
    hub = site.hub

    async def post_all(scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(scope, receive, max(MAX_BYTES, hub.settings.limits.max_request_bytes))
        lines = [line for line in body.split(b"\n") if line.strip()]
        if len(lines) > MAX_LINES:
            raise InvalidInput("body", f"must have at most {MAX_LINES} lines, not {len(lines)}; send it in parts")
        answers = b"".join([*map(_line, await _carry_out(hub, lines, transport_of(scope), find_sender(scope)))])
        headers = [NDJSON, *site.responder.common, (b"content-length", b"%d" % len(answers))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answers})

    return post_all


async def _carry_out(hub: Hub, lines: list[bytes], transport: str, sender: str) -> list[Outcome | ArcError]:
    """What each line led to; those that are no message are refused without asking the hub."""
    results: list[Outcome | ArcError | None] = []
    requests: list[Request] = []
    for line in lines:
        try:
            requests.append(_request(line, transport, sender))
            results.append(None)
        except ArcError as error:
            results.append(error)
    carried_out = iter(await hub.execute_all(requests))
    return [next(carried_out) if result is None else result for result in results]


def _request(line: bytes, transport: str, sender: str) -> Request:
    command = _read_message(line)
    # Most lines bring no key; only where one may be, plain or escaped, is the line read again.
    key = _read_key(line).idempotency_key if b"idempotency_key" in line or b"\\u" in line else None
    if key is None:
        return Request(command, transport, sender=sender)
    request = hash_request(b"POST", PATH.encode(), line)
    return Request(command, transport, check_key("idempotency_key", key), request, sender)


def _line(result: Outcome | ArcError) -> bytes:
    if isinstance(result, ArcError):
        refused = _Refused(ok=False, status=STATUS_OF[result.code], error=tell(result), code=result.code)
        return msgspec.json.encode(refused) + b"\n"
    return envelope(result) + b"\n"


ROUTES: tuple[Route, ...] = (
    Special(
        does="Post many messages: a line of JSON each, answered by a line of JSON each.",
        path=PATH,
        method="POST",
        query=NoQuery,
        media_type="application/x-ndjson",
        start=_start,
    ),
)
