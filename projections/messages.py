"""Messages: what was said.

A row keeps what a message says, without the JSON around it. That is encoded from the row: once when the message is
recorded, for the answer to its sender and everybody who waits for it, and again, to the same bytes, when it is read and
was not read lately. The queries find which messages belong to a page.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

import apsw
from msgspec import Raw, Struct

from arclog.events import (
    SYSTEM,
    ClaimReleased,
    LockReleased,
    MessagePosted,
    Notice,
    ShutdownCancelled,
    ShutdownFired,
    ShutdownInitiated,
    TaskCompleted,
)
from arclog.sqlite.queries import Queries
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.projector import Fact, Projector, Writer
from projections.recent import recent_of
from projections.times import timestamp

SQL: Final = Queries("projections", "messages.sql")

_POST: Final = SQL["post"]
_GET: Final = SQL["get"]
_FIND_ORDINAL: Final = SQL["find_ordinal"]

_CARRIERS: Final = (ClaimReleased, LockReleased, TaskCompleted, ShutdownInitiated, ShutdownCancelled, ShutdownFired)

MAX_PAGE_BYTES: Final = 16 * 2**20
"""A page of messages ends before it grows beyond this; the rest follows by cursor."""
PART: Final = 128
"""Messages of a page that are read at a time."""


class Message(Struct, frozen=True, gc=False):
    """A message as the wire has it."""

    id: int
    ts: str
    from_agent: str
    to_agent: str | None
    channel: str
    kind: str
    body: str
    attachments: tuple[Any, ...]
    reply_to: int | None
    thread_id: str | None
    metadata: dict[str, Any]


MessageRow = tuple[int, int, str, str | None, str, str, str, str | None, int | None, str | None, str | None]
"""A message as its table has it, but for its place in its thread.

Its `event_id, recorded_at, from_agent, to_agent, channel, kind, body, attachments, reply_to, metadata, thread_id`;
`attachments` and `metadata` are JSON, None when empty. A rebuild makes millions of them, so it is a bare tuple.
"""


class PostedMessage(Struct, frozen=True, gc=False):
    """A message that was just recorded, with its JSON, and what decides who may see it."""

    event_id: int
    from_agent: str
    to_agent: str | None
    channel: str
    kind: str
    thread_id: str | None
    json: bytes


class Page(Struct, frozen=True):
    """Some messages in order of their ids, each as JSON."""

    rows: list[bytes]
    ids: list[int]

    def json(self) -> bytes:
        """The page as a JSON array."""
        return b"[" + b",".join(self.rows) + b"]"


def find_notice(data: object) -> Notice | None:
    """The message that the hub posts with an event, if it is of a type that carries one."""
    return data.notice if isinstance(data, _CARRIERS) else None


def find_row(event: Fact) -> MessageRow | None:
    """The message that an event posts, if it does."""
    data = event.data
    if isinstance(data, MessagePosted):
        metadata = data.metadata
        if data.completes_task_id is not None:
            metadata = {**metadata, "task_completed": data.completes_task_id}
        return (
            event.event_id,
            event.recorded_at,
            data.from_agent,
            data.to_agent,
            data.channel,
            data.kind,
            data.body,
            encode_json(data.attachments).decode() if data.attachments else None,
            data.reply_to,
            encode_json(metadata).decode() if metadata else None,
            data.thread_id,
        )
    notice = find_notice(data)
    if notice is None:
        return None
    return (
        event.event_id,
        event.recorded_at,
        SYSTEM,
        None,
        notice.channel,
        "notice",
        notice.body,
        None,
        notice.reply_to,
        encode_json(notice.metadata).decode() if notice.metadata else None,
        notice.thread_id,
    )


def encode_row(row: MessageRow) -> bytes:
    """The JSON of a message."""
    event_id, recorded_at, from_agent, to_agent, channel, kind, body, attachments, reply_to, metadata, thread_id = row
    attached: Any = () if attachments is None else Raw(attachments)
    described: Any = {} if metadata is None else Raw(metadata)
    ts = timestamp(recorded_at)
    message = Message(event_id, ts, from_agent, to_agent, channel, kind, body, attached, reply_to, thread_id, described)
    return encode_json(message)


def to_posted(row: MessageRow) -> PostedMessage:
    """A message as its sender and those who wait for it are told."""
    event_id, _, from_agent, to_agent, channel, kind, _, _, _, _, thread_id = row
    return PostedMessage(event_id, from_agent, to_agent, channel, kind, thread_id, encode_row(row))


def write_row(writer: Writer, row: MessageRow) -> None:
    """Keep a message, with its place in its thread: by that, the count as of any event is one look-up."""
    thread_id = row[-1]
    writer.write(_POST, (*row, None if thread_id is None else writer.count(_FIND_ORDINAL, thread_id)))


def _on_message(writer: Writer, event: Fact, data: object) -> None:
    row = find_row(event)
    if row is not None:
        write_row(writer, row)


PROJECTOR: Final = Projector(
    name="messages",
    version=2,
    tables=("messages",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers=dict.fromkeys(
        (
            MessagePosted,
            ClaimReleased,
            LockReleased,
            TaskCompleted,
            ShutdownInitiated,
            ShutdownCancelled,
            ShutdownFired,
        ),
        _on_message,
    ),
)


class MessageQuery(Struct, frozen=True, kw_only=True):
    """Which messages to read.

    Attributes:
        agent_id: what this agent may see, broadcasts and messages to it; None for broadcasts only.
        channel: only of this channel.
        channels: only of these channels; with `agent_id` alone.
        thread_id: only of this thread.
        exclude_self: leave out what `agent_id` wrote.
        since_id: only after this id.
        limit: at most so many.
        tail: the last `limit` rows instead of the first; with `agent_id`, of all that it may see.
    """

    agent_id: str | None = None
    channel: str | None = None
    channels: tuple[str, ...] = ()
    thread_id: str | None = None
    exclude_self: bool = False
    since_id: int = 0
    limit: int = 100
    tail: bool = False

    def matches(self, message: PostedMessage) -> bool:
        """Whether a new message belongs to what the query asks for, its cursor apart."""
        if message.to_agent is not None and message.to_agent != self.agent_id:
            return False
        return (
            (self.channel is None or message.channel == self.channel)
            and (self.thread_id is None or message.thread_id == self.thread_id)
            and (not self.channels or message.channel in self.channels)
            and not (self.exclude_self and message.from_agent == self.agent_id)
        )


def read_messages(connection: apsw.Connection, query: MessageQuery, at: AsOf) -> Page:
    """A page of what `query` asks for."""
    bindings: dict[str, str | int | None] = {
        "at": at.at,
        "since_id": query.since_id,
        "limit": query.limit,
        "channel": query.channel,
        "thread_id": query.thread_id,
    }
    if query.agent_id is None:
        scope = "channel" if query.thread_id is None else "thread"
        name = f"{scope}_tail" if query.tail else f"{scope}_page"
    else:
        bindings["agent_id"] = query.agent_id
        bindings["exclude_agent"] = query.agent_id if query.exclude_self else None
        if query.thread_id is not None:
            name = "visible_in_thread_page"
        elif query.channel is not None:
            name = "visible_in_channel_page"
        elif query.channels:
            name = "visible_in_channels_page"
            bindings["channels"] = encode_json(query.channels).decode()
        else:
            name = "visible_tail" if query.tail else "visible_page"
    return gather(connection, connection.execute(SQL[name], bindings), reverse=query.tail)


def read_thread_messages(connection: apsw.Connection, thread_id: str, at: AsOf, since_id: int, limit: int) -> Page:
    """Everything said in a thread, direct messages included."""
    bindings = {"thread_id": thread_id, "at": at.at, "since_id": since_id, "limit": limit}
    return gather(connection, connection.execute(SQL["thread_all"], bindings))


def gather(connection: apsw.Connection, found: Iterable[tuple[int]], reverse: bool = False) -> Page:
    """The messages whose ids a query found, until there are enough bytes for a page.

    That they are read by other statements than their ids is no matter: a message never changes.
    """
    recent = recent_of(connection)
    rows: list[bytes] = []
    ids: list[int] = []
    size = 0
    for part in _in_parts(found):
        known = {event_id: json for event_id in part if (json := recent.get(event_id)) is not None}
        missing = [event_id for event_id in part if event_id not in known]
        # In the order of the ids, and no further than the page goes: a message may have megabytes.
        unread: Iterator[MessageRow] = iter(())
        if missing:
            unread = connection.execute(SQL["read"], (encode_json(missing).decode(),))
        for event_id in part:
            json = known.get(event_id)
            if json is None:
                row = next(unread)
                if row[0] != event_id:
                    continue  # only where tables are damaged
                json = encode_row(row)
                recent.keep(event_id, json)
            size += len(json)
            if rows and size > MAX_PAGE_BYTES:
                break
            rows.append(json)
            ids.append(event_id)
        if size > MAX_PAGE_BYTES:
            break
    if reverse:
        rows.reverse()
        ids.reverse()
    return Page(rows, ids)


def _in_parts(found: Iterable[tuple[int]]) -> Iterator[list[int]]:
    """The ids that a query found, some at a time."""
    waiting = iter(found)
    while part := [event_id for (event_id,) in islice(waiting, PART)]:
        yield part


def get_json(connection: apsw.Connection, event_id: int) -> bytes:
    """The JSON of a message that is known to exist."""
    json = _find_json(connection, event_id)
    assert json is not None
    return json


def find_json(connection: apsw.Connection, event_id: int, at: AsOf) -> bytes | None:
    """The JSON of the message that an event posted, if it did and was there by then."""
    return _find_json(connection, event_id) if event_id <= at.at else None


def _find_json(connection: apsw.Connection, event_id: int) -> bytes | None:
    row = connection.execute(_GET, (event_id,)).fetchone()
    return None if row is None else encode_row(row)


def find_latest_broadcast(connection: apsw.Connection, at: AsOf) -> int:
    """The id of the last message to everyone, 0 when there is none."""
    found = connection.execute(SQL["find_latest_broadcast"], {"at": at.at}).get
    return 0 if found is None else int(found)
