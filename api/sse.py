"""Server-sent events: what an agent may see, as it is said.

Each message is one event whose id is the message's, so a client that lost its connection goes on where it was: browsers
send the last id that they saw as `Last-Event-ID` by themselves. Between messages a comment is sent now and then; it
shows the client that the hub is there, and the hub that the client is not.

A reader that does not read is never waited for in memory: nothing more is fetched for it until what was sent has gone
out, and what it misses meanwhile lies in the log. The server ends readers that take nothing for too long.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.structs import replace
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.as_of import refuse_past
from api.http.connection import connection_of
from api.http.errors import ClientGone
from api.http.headers import HEADERS, transport_of
from api.http.parameters import Cursor
from api.http.queries import QueryReader
from api.http.routes import Route, Site, SpecialRoute, check_reader
from arclog.deciders import fields
from arclog.errors import ArcError, InvalidInput
from arclog.sqlite.reads import read_head
from projections.message_pages import MessageQuery, Page

HEARTBEAT: Final = b":\n\n"
PAGE_ROWS: Final = 4
"""How many messages are fetched at once, and so at most held in memory for one reader."""
MAX_CHANNELS_CHARS: Final = 8192

logger = logging.getLogger("arc.api")


class StreamQuery(Struct, frozen=True):
    """What to stream."""

    agent_id: Annotated[str, Meta(description="the agent that asks; its session lives as long as the stream")]
    channels: (
        Annotated[str, Meta(max_length=MAX_CHANNELS_CHARS, description="only of these, with commas between")] | None
    ) = None
    since_id: Cursor = 0
    exclude_self: Annotated[bool, Meta(description="leave out what the agent wrote itself")] = False


def stream(site: Site) -> ASGIApp:
    """The endpoint of `GET /v1/stream`."""
    hub, read = site.hub, QueryReader(StreamQuery).read

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        query = read(scope)
        refuse_past(scope)
        check_reader(hub, query.agent_id)
        if transport_of(scope) != "http":
            raise InvalidInput("path", "/v1/stream needs a connection that stays open; poll GET /v1/events instead")
        since_id = last_event_id(scope, query.since_id)
        hub.reading.check_cursor("since_id", since_id)
        wanted = MessageQuery(
            agent_id=query.agent_id,
            channels=_channels(query.channels),
            exclude_self=query.exclude_self,
            since_id=since_id,
            limit=PAGE_ROWS,
        )
        await send({"type": "http.response.start", "status": 200, "headers": stream_headers(site)})
        if scope["method"] != "HEAD":
            with hub.attendance.present(query.agent_id), ending_well(scope):
                await connection_of(scope).unless_lost(_pass_on(site, wanted, send))
        await send({"type": "http.response.body", "body": b""})

    return serve


def stream_headers(site: Site) -> list[tuple[bytes, bytes]]:
    """The headers of an answer that goes on."""
    return [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-cache"),
        (b"x-accel-buffering", b"no"),
        *site.responder.common,
    ]


@contextmanager
def ending_well(scope: Scope) -> Iterator[None]:
    """Let a reader that leaves end the stream, and a fault, as if the hub closed: the status is sent already.

    After a fault the reader comes back, and is told then.
    """
    try:
        yield
    except ClientGone:
        return
    except ArcError as error:
        logger.warning("%s ended early: %s", scope["path"], error)


async def _pass_on(site: Site, wanted: MessageQuery, send: Send) -> None:
    """Send what `wanted` asks for, until the hub closes."""
    hub = site.hub
    await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})
    is_idle = False
    while not hub.closing:
        # What an idle stream passes over up to here, it need not look at again.
        head = hub.read(read_head).event_id if is_idle else 0
        page = await hub.reading.wait_for_messages(wanted, site.heartbeat_sec)
        is_idle = not page.rows
        if page.rows:
            await _send_page(send, page)
            await asyncio.sleep(0)  # all streams that a commit woke send before the first of them reads again
        elif not hub.closing:
            await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})
        seen = page.ids[-1] if page.rows else max(wanted.since_id, head)
        wanted = replace(wanted, since_id=seen)


async def _send_page(send: Send, page: Page) -> None:
    for event_id, message in zip(page.ids, page.rows, strict=True):
        body = b"id: %d\ndata: %b\n\n" % (event_id, message)
        await send({"type": "http.response.body", "body": body, "more_body": True})


def _channels(names: str | None) -> tuple[str, ...]:
    if names is None:
        return ()
    return tuple(fields.required_id("channels", name) for name in names.split(",") if name.strip())


def last_event_id(scope: Scope, since_id: int) -> int:
    """Where to go on: after the last event that the client saw, when it says so.

    Raises:
        InvalidInput: what it says is no event id.
    """
    text: bytes | None = scope[HEADERS].get(b"last-event-id")
    if not text:
        return since_id
    if not text.isdigit() or int(text) > fields.MAX_INTEGER:
        raise InvalidInput("Last-Event-ID", f"must be an integer from 0 to {fields.MAX_INTEGER}")
    return int(text)


ROUTES: tuple[Route, ...] = (
    SpecialRoute(
        does="Stream what an agent may see, as server-sent events.",
        path="/v1/stream",
        query=StreamQuery,
        media_type="text/event-stream",
        start=stream,
    ),
)
