"""Messages over HTTP: posting, reading and waiting."""

from typing import Annotated, Final

from msgspec import Meta
from msgspec.structs import replace

from api.channels import require_channel
from api.http.as_of import Dated
from api.http.parameters import Cursor, Limit, MaxBytes, Tail, Timeout, clamp_bytes, clamp_limit, clamp_timeout
from api.http.routes import ChangeRoute, ReadCaller, ReadResult, ReadRoute, Route, created
from arclog.deciders import fields
from arclog.deciders.messages import PostMessage
from arclog.errors import InvalidInput
from arclog.limits import ANSWER_BYTES, PAGE_ROWS
from projections.hub.hub import Hub
from projections.message_pages import MessageQuery, Page, read_messages
from projections.messages import Message

MAX_CURSOR_CHARS: Final = 1_024
"""A cursor's name may tell a channel and a thread."""


class MessagesQuery(Dated, frozen=True, kw_only=True):
    """Which broadcasts to read: of a channel, of a thread, or of both."""

    channel: Annotated[str, Meta(description="only of this channel")] | None = None
    thread_id: Annotated[str, Meta(description="only of this thread")] | None = None
    since_id: Cursor = 0
    limit: Limit = PAGE_ROWS
    timeout: Timeout = 0
    tail: Tail = False
    max_bytes: MaxBytes = ANSWER_BYTES


class EventsQuery(Dated, frozen=True, kw_only=True):
    """Which messages to read of those that an agent may see: broadcasts, and what was sent to it."""

    agent_id: Annotated[str, Meta(description="the agent that asks; keeps its session alive")]
    channel: Annotated[str, Meta(description="only of this channel")] | None = None
    thread_id: Annotated[str, Meta(description="only of this thread")] | None = None
    since_id: Cursor = 0
    limit: Limit = PAGE_ROWS
    timeout: Timeout = 0
    exclude_self: Annotated[bool, Meta(description="leave out what the agent wrote itself")] = False
    cursor: (
        Annotated[
            str,
            Meta(
                max_length=MAX_CURSOR_CHARS,
                description="go on where this cursor of the agent stands, and move it to the last message of the "
                "answer; a `since_id` moves it there before",
            ),
        ]
        | None
    ) = None
    peek: Annotated[bool, Meta(description="with a cursor: do not move it to the last message of the answer")] = False
    max_bytes: MaxBytes = ANSWER_BYTES


async def list_messages(hub: Hub, query: MessagesQuery, reader: ReadCaller) -> ReadResult:
    """Broadcasts of a channel or a thread."""
    if query.channel is None and query.thread_id is None:
        raise InvalidInput("channel", "or thread_id is required")
    wanted = MessageQuery(
        channel=query.channel,
        thread_id=query.thread_id,
        since_id=query.since_id,
        limit=clamp_limit(query.limit),
        tail=query.tail and not query.since_id,
        max_bytes=clamp_bytes(query.max_bytes),
    )
    page = (await hub.reading.read_messages(wanted, reader.at)).page
    if not page.rows:
        if query.channel is not None:
            require_channel(hub, query.channel, reader.at)  # broadcasts are only ever in channels that exist
        timeout_sec = clamp_timeout(query.timeout)
        if timeout_sec:
            hub.reading.check_cursor("since_id", query.since_id)
            page = await reader.connection.unless_lost(hub.reading.wait_for_messages(wanted, timeout_sec))
    return ReadResult(page.json(), page.more)


async def list_events(hub: Hub, query: EventsQuery, reader: ReadCaller) -> ReadResult:
    """What an agent may see."""
    if query.cursor is not None:
        query = replace(query, since_id=_begin_at(hub, query, query.cursor, reader))
    if query.channel is not None:
        require_channel(hub, query.channel, reader.at)
    wanted = MessageQuery(
        agent_id=query.agent_id,
        channel=query.channel,
        thread_id=query.thread_id,
        exclude_self=query.exclude_self,
        since_id=query.since_id,
        limit=clamp_limit(query.limit),
        max_bytes=clamp_bytes(query.max_bytes),
    )
    hub.attendance.see(query.agent_id)
    found = await hub.reading.read_messages(wanted, reader.at)
    page = found.page
    timeout_sec = clamp_timeout(query.timeout)
    if not page.rows and timeout_sec:
        hub.reading.check_cursor("since_id", query.since_id)
        wanted = replace(wanted, since_id=found.since_id)
        page = await _wait_present(hub, wanted, timeout_sec, reader, query.agent_id)
    if query.cursor is None or not page.ids or query.peek or not reader.at.is_live:
        return ReadResult(page.json(), page.more)
    take_back = hub.cursors.move_with_answer(query.agent_id, query.cursor, query.since_id, page.ids[-1])
    return ReadResult(page.json(), page.more, take_back)


def _begin_at(hub: Hub, query: EventsQuery, cursor: str, reader: ReadCaller) -> int:
    """Where a reader begins that has a cursor: where that stands; at first, at the newest messages."""
    fields.required_text("cursor", cursor, MAX_CURSOR_CHARS)
    if query.since_id:
        hub.reading.check_cursor("since_id", query.since_id)
        if reader.at.is_live:
            hub.cursors.move(query.agent_id, cursor, query.since_id)
        return query.since_id
    known = hub.cursors.find(query.agent_id, cursor, reader.at)
    if known is not None:
        return known
    newest = hub.read(read_messages, MessageQuery(agent_id=query.agent_id, tail=True, limit=PAGE_ROWS), reader.at)
    return newest.ids[0] - 1 if newest.ids else 0


async def _wait_present(hub: Hub, wanted: MessageQuery, timeout_sec: float, reader: ReadCaller, agent_id: str) -> Page:
    with hub.attendance.present(agent_id):
        return await reader.connection.unless_lost(hub.reading.wait_for_messages(wanted, timeout_sec))


ROUTES: tuple[Route, ...] = (
    ChangeRoute(
        does="Say something, to everyone in a channel or to one agent.",
        path="/v1/messages",
        body=PostMessage,
        status=created,
        statuses=(201,),
        result=Message,
    ),
    ReadRoute(
        does="Read broadcasts of a channel, a thread, or both; with a timeout, wait for one.",
        path="/v1/messages",
        query=MessagesQuery,
        answer=list_messages,
        result=list[Message],
        beside=("more",),
    ),
    ReadRoute(
        does="Read what an agent may see; with a timeout, wait for it.",
        path="/v1/events",
        query=EventsQuery,
        answer=list_events,
        result=list[Message],
        beside=("more",),
        personal=True,
    ),
)
