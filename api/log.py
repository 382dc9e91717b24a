"""The log over HTTP: one cursor for everything that happens."""

import asyncio
from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.structs import replace
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.as_of import Dated, refuse_past
from api.http.connection import connection_of
from api.http.headers import transport_of
from api.http.parameters import Cursor, Limit, MaxBytes, Tail, Timeout, clamp_bytes, clamp_limit, clamp_timeout
from api.http.queries import QueryReader
from api.http.routes import (
    ChangeRoute,
    ReadCaller,
    ReadResult,
    ReadRoute,
    Route,
    Site,
    SpecialRoute,
    created_or_known,
)
from api.sse import HEARTBEAT, ending_well, last_event_id, stream_headers
from arclog.deciders.fields import MAX_INTEGER
from arclog.deciders.log import EraseTexts
from arclog.errors import InvalidInput, NotFound
from arclog.limits import ANSWER_BYTES, PAGE_ROWS
from arclog.sqlite.reads import Filter
from projections.budget import Budget
from projections.encoding import encode_json
from projections.history.changes import EventInFull, find_in_full
from projections.history.events import LoggedEvent, Point, check_type, list_points
from projections.hub.erasing import Receipt
from projections.hub.hub import Hub
from projections.hub.log_feed import EventQuery

STREAM_ROWS: Final = 32
"""How many events are fetched at once for a stream, and so at most held in memory for one reader."""
LOOK_SEC: Final = 0.25
"""What happens within this time of what was sent with its changes is sent together: people look at it, and waking up
costs the hub more than an event does."""

MAX_POINTS: Final = 1000
"""Each point of a timeline costs one look into the log."""

TypeFilter = Annotated[str, Meta(description="only events of this type; with a dot at its end, of all that begin so")]
StreamFilter = Annotated[
    str, Meta(max_length=8192, description="only this entity's events; with a slash at its end, of all that begin so")
]
ActorFilter = Annotated[str, Meta(description="only what this agent did")]


class LogStreamQuery(Struct, frozen=True, kw_only=True):
    """Which events to stream."""

    after: Cursor = 0
    type: TypeFilter | None = None
    stream: StreamFilter | None = None
    actor: ActorFilter | None = None
    changes: Annotated[bool, Meta(description="with each event the rows that it changed, long texts cut")] = False


class LogQuery(Dated, frozen=True, kw_only=True):
    """Which events to read; as of an event, the log ends there."""

    after: Cursor = 0
    type: TypeFilter | None = None
    stream: StreamFilter | None = None
    actor: ActorFilter | None = None
    limit: Limit = PAGE_ROWS
    timeout: Timeout = 0
    tail: Tail = False
    max_bytes: MaxBytes = ANSWER_BYTES


class TimelineQuery(Struct, frozen=True, kw_only=True):
    """How finely to cut the log."""

    points: Annotated[
        int, Meta(ge=2, le=MAX_POINTS, description="how many places, the first and the last among them")
    ] = 100


class FullEventQuery(Struct, frozen=True):
    """Which event to show, and how much of what it changed."""

    event_id: Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
    after: (
        Annotated[str, Meta(max_length=8192, description="only the changes that follow that of this entity")] | None
    ) = None
    max_bytes: MaxBytes = ANSWER_BYTES


async def read_log(hub: Hub, query: LogQuery, reader: ReadCaller) -> ReadResult:
    """Events after a cursor, or the last ones, in log order."""
    hub.reading.check_cursor("after", query.after)
    tail = query.tail and not query.after
    until = None if reader.at.is_live else reader.at.at
    wanted = EventQuery(
        query.after,
        clamp_limit(query.limit),
        _filter(query),
        tail,
        until,
        max_bytes=clamp_bytes(query.max_bytes),
    )
    timeout_sec = clamp_timeout(query.timeout)
    following = hub.reading.wait_for_events(wanted, timeout_sec)
    page = await (reader.connection.unless_lost(following) if timeout_sec else following)
    return ReadResult(page.json(), page.more)


async def read_timeline(hub: Hub, query: TimelineQuery, reader: ReadCaller) -> ReadResult:
    """Places in the log, evenly apart, and when each was recorded: how busy the log was between them."""
    return ReadResult(encode_json(await hub.read_on_thread(list_points, query.points)))


async def show_event(hub: Hub, query: FullEventQuery, reader: ReadCaller) -> ReadResult:
    """One event with everything that it changed."""
    budget = Budget(clamp_bytes(query.max_bytes))
    found = await hub.read_on_thread(find_in_full, query.event_id, budget, query.after)
    if found is None:
        raise NotFound("event", query.event_id)
    return ReadResult(encode_json(found), budget.spent)


def stream(site: Site) -> ASGIApp:
    """The endpoint of `GET /v1/log/stream`."""
    hub, read = site.hub, QueryReader(LogStreamQuery).read

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        query = read(scope)
        refuse_past(scope)
        if transport_of(scope) != "http":
            raise InvalidInput("path", "/v1/log/stream needs a connection that stays open; poll GET /v1/log instead")
        after = last_event_id(scope, query.after)
        hub.reading.check_cursor("after", after)
        wanted = EventQuery(after, STREAM_ROWS, _filter(query), changes=query.changes)
        await send({"type": "http.response.start", "status": 200, "headers": stream_headers(site)})
        if scope["method"] != "HEAD":
            with ending_well(scope):
                await connection_of(scope).unless_lost(_pass_on(site, wanted, send))
        await send({"type": "http.response.body", "body": b""})

    return serve


async def _pass_on(site: Site, wanted: EventQuery, send: Send) -> None:
    """Send what `wanted` asks for, until the hub closes."""
    hub = site.hub
    await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})
    while not hub.closing:
        page = await hub.reading.wait_for_events(wanted, site.heartbeat_sec)
        for event_id, event in zip(page.ids, page.rows, strict=True):
            body = b"id: %d\ndata: %b\n\n" % (event_id, event)
            await send({"type": "http.response.body", "body": body, "more_body": True})
        if not page.rows and not hub.closing:
            await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})
        has_all = 0 < len(page.rows) < STREAM_ROWS
        await asyncio.sleep(LOOK_SEC if wanted.changes and has_all else 0)
        wanted = replace(wanted, after=page.reached)


def _filter(query: LogQuery | LogStreamQuery) -> Filter:
    """What the parameters ask for.

    Raises:
        InvalidInput: no event will ever be of that type.
    """
    if query.type is not None:
        check_type("type", query.type)
    return Filter(type=query.type, stream=query.stream, actor=query.actor)


ROUTES: tuple[Route, ...] = (
    ChangeRoute(
        does="Erase the free texts of events, and every copy of them that this hub can reach.",
        path="/v1/log/erase",
        body=EraseTexts,
        result=Receipt,
        status=created_or_known,
        statuses=(200, 201),
    ),
    ReadRoute(
        does="Read everything that happened, in order; with a timeout, wait for it.",
        path="/v1/log",
        query=LogQuery,
        answer=read_log,
        result=list[LoggedEvent],
        beside=("more",),
    ),
    SpecialRoute(
        does="Stream everything that happens, as server-sent events.",
        path="/v1/log/stream",
        query=LogStreamQuery,
        media_type="text/event-stream",
        start=stream,
    ),
    ReadRoute(
        does="Show when the log was busy: places evenly apart, with their times.",
        path="/v1/log/timeline",
        query=TimelineQuery,
        answer=read_timeline,
        result=list[Point],
    ),
    ReadRoute(
        does="Show one event with everything that it changed.",
        path="/v1/log/{event_id}",
        query=FullEventQuery,
        answer=show_event,
        result=EventInFull,
        beside=("more",),
    ),
)
