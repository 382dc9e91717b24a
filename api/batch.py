"""Many messages in one request: a line a message in, a line an answer out, for imports and chatty agents.

The lines are carried out in order, as many in one transaction as are there, and each stands for itself: one that is
refused does not keep the others from being posted. A line is what `POST /v1/messages` takes. A batch whose answer was
lost can simply be sent again if each line carries an `idempotency_key`, or if the request has an `Idempotency-Key`:
for a line without a key of its own, that counts together with the line's number.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from api.hints import tell
from api.http.bodies import BodyReader, read_body, read_preconditions, refuse_encoding
from api.http.errors import STATUS_OF
from api.http.headers import find_sender, transport_of
from api.http.idempotency import check_key, find_key, hash_request, key_of_line
from api.http.responses import envelope
from api.http.routes import NoQuery, Route, Site, SpecialRoute
from arclog.deciders.messages import PostMessage
from arclog.deciders.preconditions import FIELDS
from arclog.errors import ArcError, InvalidInput
from arclog.sender import PRINCIPAL, Principal
from projections.hub.calls import Call
from projections.hub.hub import Hub
from projections.hub.outcomes import Outcome

MAX_LINES: Final = 10_000
MAX_BYTES: Final = 16 * 2**20
SLICE: Final = 500
"""Lines that are read, or answered, before others get their turn."""
NDJSON: Final = (b"content-type", b"application/x-ndjson")
PATH: Final = "/v1/messages:batch"


class Batch(Struct, frozen=True):
    """What the lines of a batch have in common.

    Attributes:
        transport: the way they came.
        sender: who sends them.
        principal: whom the request is proved to be from.
        key: the key of the request, if it has one.
        says_more: whether a line may say more than its message; most batches are messages alone.
    """

    transport: str
    sender: str
    principal: Principal | None = None
    key: str | None = None
    says_more: bool = True


class _Key(Struct, frozen=True):
    """What a line says beyond the message."""

    idempotency_key: str | None = None


class _Refused(Struct, frozen=True):
    """The answer to a line that was refused: what the call alone would have been answered, with its status."""

    ok: bool
    status: int
    error: str
    code: str


_MARKS: Final = (b"idempotency_key", b"\\u", *(f'"{name}"'.encode() for name in FIELDS))
"""One of these stands where a line says more than its message: a key, plain or escaped, or what it relies on."""

_read_message = BodyReader(PostMessage).read
_read_key = BodyReader(_Key).read


def _start(site: Site) -> ASGIApp:
    hub = site.hub

    async def post_all(scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(scope, receive, max(MAX_BYTES, hub.settings.limits.max_request_bytes))
        says_more = any(mark in body for mark in _MARKS)
        batch = Batch(transport_of(scope), find_sender(scope), PRINCIPAL.get(), find_key(scope), says_more)
        answers = b"".join([part async for part in _tell(await _carry_out(hub, split(body), batch))])
        headers = [NDJSON, *site.responder.common, (b"content-length", b"%d" % len(answers))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answers})

    return post_all


def split(body: bytes) -> list[bytes]:
    """The lines of a batch that are not empty.

    Raises:
        InvalidInput: there are too many, or the body is something else than a line a message.
    """
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > MAX_LINES:
        raise InvalidInput("body", f"must have at most {MAX_LINES} lines, not {len(lines)}; send it in parts")
    if lines and not _is_object(lines[0]):
        refuse_encoding(body)
        is_begun = lines[0].strip() in {b"{", b"["}
        if len(lines) > 1 and (is_begun or _is_json(body) or not any(map(_is_object, lines))):
            raise InvalidInput(
                "body",
                "must be one JSON object a line, each a message; write each without line breaks, or send a single "
                "message to /v1/messages",
            )
    return lines


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _is_object(line: bytes) -> bool:
    return line.lstrip().startswith(b"{") and _is_json(line)


async def _carry_out(hub: Hub, lines: list[bytes], batch: Batch) -> list[Outcome | ArcError]:
    """What each line led to; those that are no message are refused without asking the hub."""
    results: list[Outcome | ArcError | None] = []
    calls: list[Call] = []
    for number, line in enumerate(lines, 1):
        if not number % SLICE:
            await asyncio.sleep(0)
        try:
            calls.append(_call(line, number, batch))
            results.append(None)
        except ArcError as error:
            results.append(error)
    carried_out = iter(await hub.execute_all(calls))
    return [next(carried_out) if result is None else result for result in results]


async def _tell(results: list[Outcome | ArcError]) -> AsyncIterator[bytes]:
    """The answers, in parts."""
    for begin in range(0, len(results), SLICE):
        yield b"".join(map(_answer, results[begin : begin + SLICE]))
        await asyncio.sleep(0)


def _call(line: bytes, number: int, batch: Batch) -> Call:
    call = Call(_read_message(line), transport=batch.transport, sender=batch.sender, principal=batch.principal)
    key = None
    if batch.says_more:
        key = _read_key(line).idempotency_key
        if key is not None:
            check_key("idempotency_key", key)
        call.relies_on = read_preconditions(line)
    if key is None and batch.key is not None:
        key = key_of_line(batch.key, number)
    if key is not None:
        known_by = hash_request(b"POST", PATH.encode(), line)
        call.key, call.request, call.former_request = key, known_by.asked, known_by.written
    return call


def _answer(result: Outcome | ArcError) -> bytes:
    if isinstance(result, ArcError):
        refused = _Refused(ok=False, status=STATUS_OF[result.code], error=tell(result), code=result.code)
        return msgspec.json.encode(refused) + b"\n"
    return envelope(result) + b"\n"


ROUTES: tuple[Route, ...] = (
    SpecialRoute(
        does="Post many messages: a line of JSON each, answered by a line of JSON each.",
        path=PATH,
        method="POST",
        takes_key=True,
        query=NoQuery,
        media_type="application/x-ndjson",
        start=_start,
    ),
)
