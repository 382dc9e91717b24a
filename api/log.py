"""The log over HTTP: one cursor for everything that happens."""

import asyncio
from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.structs import replace
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.as_of import Dated, refuse_past
from api.http.headers import transport_of
from api.http.parameters import DEFAULT_LIMIT, Cursor, Limit, Tail, Timeout, clamp_limit, clamp_timeout
from api.http.queries import QueryReader
from api.http.routes import Caller, Found, Read, Reader, Route, Site, Special
from api.sse import HEARTBEAT, HEARTBEAT_SEC, ending_well, last_event_id, stream_headers
from arclog.deciders.fields import MAX_INTEGER
from arclog.errors import InvalidInput, NotFound
from arclog.sqlite.reads import Filter
from projections.encoding import encode_json
from projections.history.changes import EventInFull, find_in_full, list_with_changes
from projections.history.events import LoggedEvent, Point, check_type, list_points
from projections.hub.hub import Hub
from projections.hub.log_feed import LogQuery as Wanted

STREAM_ROWS: Final = 32
"""How many events are fetched at once for a stream, and so at most held in memory for one reader."""

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
    limit: Limit = DEFAULT_LIMIT
    timeout: Timeout = 0
    tail: Tail = False


class TimelineQuery(Struct, frozen=True, kw_only=True):
    """How finely to cut the log."""

    points: Annotated[
        int, Meta(ge=2, le=MAX_POINTS, description="how many places, the first and the last among them")
    ] = 100


class EventIds(Struct, frozen=True):
    """An event."""

    event_id: Annotated[int, Meta(ge=0, le=MAX_INTEGER)]


async def read_log(hub: Hub, query: LogQuery, reader: Reader) -> Found:
    """Events after a cursor, or the last ones, in log order."""
    hub.check_cursor("after", query.after)
    tail = query.tail and not query.after
    until = None if reader.at.is_live else reader.at.at
    wanted = Wanted(query.after, clamp_limit(query.limit), _filter(query), tail, until)
    timeout_sec = clamp_timeout(query.timeout)
    following = hub.follow(wanted, timeout_sec)
    events, _ = await (reader.unless_gone(following) if timeout_sec else following)
    return Found(encode_json(events))


async def read_timeline(hub: Hub, query: TimelineQuery, reader: Reader) -> Found:
    """Places in the log, evenly apart, and when each was recorded: how busy the log was between them."""
    return Found(encode_json(await hub.read_apart(list_points, query.points)))


async def show_event(hub: Hub, query: EventIds, reader: Reader) -> Found:
    """One event with everything that it changed."""
    found = await hub.read_apart(find_in_full, query.event_id)
    if found is None:
        raise NotFound("event", query.event_id)
    return Found(encode_json(found))


def stream(site: Site) -> ASGIApp:
    """The endpoint of `GET /v1/log/stream`."""
    hub, read = site.hub, QueryReader(LogStreamQuery).read

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        query = read(scope)
        refuse_past(scope)
        if transport_of(scope) != "http":
            raise InvalidInput("path", "/v1/log/stream needs a connection that stays open; poll GET /v1/log instead")
        after = last_event_id(scope, query.after)
        hub.check_cursor("after", after)
        wanted = Wanted(after, STREAM_ROWS, _filter(query))
        await send({"type": "http.response.start", "status": 200, "headers": stream_headers(site)})
        if scope["method"] != "HEAD":
            with ending_well(scope):
                await Caller(receive).unless_gone(_pass_on(hub, wanted, send, changes=query.changes))
        await send({"type": "http.response.body", "body": b""})

    return serve


async def _pass_on(hub: Hub, wanted: Wanted, send: Send, *, changes: bool) -> None:
    """Send what `wanted` asks for, until the hub closes; with each event the rows that it changed, if `changes`."""
    await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})
    while not hub.closing:
        events, seen = await hub.follow(wanted, HEARTBEAT_SEC)
        shown = await hub.read_apart(list_with_changes, events) if changes and events else events
        for event in shown:
            body = b"id: %d\ndata: %b\n\n" % (event.event_id, encode_json(event))
            await send({"type": "http.response.body", "body": body, "more_body": True})
        if not events and not hub.closing:
            await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})
        await asyncio.sleep(0)
        wanted = replace(wanted, after=seen)


def _filter(query: LogQuery | LogStreamQuery) -> Filter:
    """What the parameters ask for.

    Raises:
        InvalidInput: no event will ever be of that type.
    """
    if query.type is not None:
        check_type("type", query.type)
    return Filter(type=query.type, stream=query.stream, actor=query.actor)


ROUTES: tuple[Route, ...] = (
    Read(
        does="Read everything that happened, in order; with a timeout, wait for it.",
        path="/v1/log",
        query=LogQuery,
        answer=read_log,
        result=list[LoggedEvent],
    ),
    Special(
        does="Stream everything that happens, as server-sent events.",
        path="/v1/log/stream",
        query=LogStreamQuery,
        media_type="text/event-stream",
        start=stream,
    ),
    Read(
        does="Show when the log was busy: places evenly apart, with their times.",
        path="/v1/log/timeline",
        query=TimelineQuery,
        answer=read_timeline,
        result=list[Point],
    ),
    Read(
        does="Show one event with everything that it changed.",
        path="/v1/log/{event_id}",
        query=EventIds,
        answer=show_event,
        result=EventInFull,
    ),
)
