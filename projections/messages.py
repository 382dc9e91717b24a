"""Messages: what was said.

A message stands once, in its event. The tables say which messages there are, to whom and in which thread, so the
queries find those of a page; what these say is then read from their events. The JSON of a message is made from its
event: once when it is recorded, for the answer to its sender and everybody who waits for it, and again, to the same
bytes, when it is read.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, Literal

import apsw
import msgspec
from msgspec import Struct

from arclog.codec import Fact
from arclog.events import (
    GENERAL_CHANNEL,
    SYSTEM,
    Attachment,
    ClaimReleased,
    Event,
    Handling,
    JsonObject,
    LockReleased,
    MessagePosted,
    Notice,
    SessionExpired,
    ShutdownCancelled,
    ShutdownFired,
    ShutdownInitiated,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TasksOpened,
)
from arclog.events.messages import Provenance
from arclog.limits import ANSWER_BYTES, PAGE_ROWS
from arclog.notices import notices_of
from arclog.sqlite.queries import Queries
from arclog.sqlite.reads import find_last_at, find_next, read_some_facts
from projections.budget import Budget
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.projector import Projector, Writer, each_message, for_each_message
from projections.recent import recent_of
from projections.times import optional_timestamp, timestamp

SQL: Final = Queries("projections", "messages.sql")

_BROADCAST: Final = SQL["broadcast"]
_ADD_TO_THREAD: Final = SQL["add_to_thread"]
_FIND_ORDINAL: Final = SQL["find_ordinal"]

CARRIERS: Final = (
    SessionExpired,
    ClaimReleased,
    LockReleased,
    TaskCompleted,
    TaskFailed,
    TaskCancelled,
    ShutdownInitiated,
    ShutdownCancelled,
    ShutdownFired,
)
"""Events with which the hub itself says something."""

_AS_USUAL: Final = Handling()

PART: Final = 128
"""Messages of a page that are read at a time."""


class Message(Struct, frozen=True, omit_defaults=True, gc=False):
    """A message as the wire has it; what not every message has comes last, and only where it has."""

    id: int
    ts: str
    from_agent: str
    to_agent: str | None
    channel: str
    kind: str
    body: str
    attachments: tuple[Attachment, ...]
    reply_to: int | None
    thread_id: str | None
    metadata: JsonObject
    ack: bool = False
    ack_by: str | None = None
    urgency: Literal["normal", "urgent"] = "normal"
    provenance: Provenance | None = None


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
    """Some messages in order of their ids, each as JSON.

    Attributes:
        rows: the messages.
        ids: their ids.
        more: whether the page ended because it grew too large.
    """

    rows: list[bytes]
    ids: list[int]
    more: bool = False

    def json(self) -> bytes:
        """The page as a JSON array."""
        return b"[" + b",".join(self.rows) + b"]"


def messages_of(event: Fact) -> list[Message]:
    """The messages that an event posts, in order; the last of them has the event's own id."""
    data = event.data
    if isinstance(data, MessagePosted):
        return [_from_agent(event, data)]
    if isinstance(data, TasksOpened):
        return [_from_agent(place, message) for place, message in each_message(event, data)]
    notices = notices_of(data)
    first = event.event_id - len(notices) + 1
    return [_from_hub(number, event.recorded_at, notice) for number, notice in enumerate(notices, first)]


def _from_agent(event: Fact, data: MessagePosted) -> Message:
    metadata = data.metadata
    if data.completes_task_id is not None:
        metadata = {**metadata, "task_completed": data.completes_task_id}
    handling = data.handling or _AS_USUAL
    return Message(
        event.event_id,
        timestamp(event.recorded_at),
        data.from_agent,
        data.to_agent,
        data.channel,
        data.kind,
        data.body,
        data.attachments,
        data.reply_to,
        data.thread_id,
        metadata,
        handling.ack,
        optional_timestamp(handling.ack_by),
        "urgent" if handling.urgent else "normal",
        handling.provenance,
    )


def _from_hub(event_id: int, recorded_at: int, notice: Notice) -> Message:
    return Message(
        event_id,
        timestamp(recorded_at),
        SYSTEM,
        None,
        notice.channel,
        "notice",
        notice.body,
        (),
        notice.reply_to,
        notice.thread_id,
        notice.metadata,
    )


def posted_by(event: Fact) -> list[PostedMessage]:
    """The messages that an event posts, as their sender and those who wait for them are told."""
    if isinstance(event.data, MessagePosted):
        return [_posted(_from_agent(event, event.data))]
    return [_posted(message) for message in messages_of(event)]


def _posted(message: Message) -> PostedMessage:
    return PostedMessage(
        message.id,
        message.from_agent,
        message.to_agent,
        message.channel,
        message.kind,
        message.thread_id,
        encode_json(message),
    )


def _on_posted(writer: Writer, event: Fact, data: MessagePosted) -> None:
    if data.to_agent is None:
        writer.write(_BROADCAST, (event.event_id, data.channel, data.from_agent))
    if data.thread_id is not None:
        place = (event.event_id, event.recorded_at)
        is_artifact = data.kind == "artifact"
        _add_to_thread(writer, place, data.thread_id, is_artifact, data.channel, data.from_agent, data.to_agent)


def _on_noticed(writer: Writer, event: Fact, data: Event) -> None:
    notices = notices_of(data)
    for event_id, notice in enumerate(notices, event.event_id - len(notices) + 1):
        writer.write(_BROADCAST, (event_id, notice.channel, SYSTEM))
        if notice.thread_id is not None:
            _add_to_thread(writer, (event_id, event.recorded_at), notice.thread_id, False, notice.channel, SYSTEM, None)


def _add_to_thread(
    writer: Writer,
    place: tuple[int, int],
    thread_id: str,
    is_artifact: bool,
    channel: str,
    from_agent: str,
    to_agent: str | None,
) -> None:
    """Keep where a message stands in its thread; `place` is its id and when it was recorded."""
    event_id, recorded_at = place
    ordinal = writer.count(_FIND_ORDINAL, thread_id)
    row = (thread_id, event_id, ordinal, recorded_at, int(is_artifact), channel, from_agent, to_agent)
    writer.write(_ADD_TO_THREAD, row)


PROJECTOR: Final = Projector(
    name="messages",
    version=3,
    tables=("broadcasts", "thread_messages"),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={
        MessagePosted: _on_posted,
        TasksOpened: for_each_message(_on_posted),
        **dict.fromkeys(CARRIERS, _on_noticed),
    },
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
        limit: at most this many.
        tail: the last `limit` rows instead of the first; with `agent_id`, of all that it may see.
        max_bytes: about how large a page may grow.
    """

    agent_id: str | None = None
    channel: str | None = None
    channels: tuple[str, ...] = ()
    thread_id: str | None = None
    exclude_self: bool = False
    since_id: int = 0
    limit: int = PAGE_ROWS
    tail: bool = False
    max_bytes: int = ANSWER_BYTES

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


def read_messages(
    connection: apsw.Connection, query: MessageQuery, at: AsOf, limit: int | None = None, max_bytes: int | None = None
) -> Page:
    """A page of what `query` asks for; with `limit` and `max_bytes` in the place of its own, if they are given."""
    bindings: dict[str, str | int | None] = {
        "at": at.at,
        "since_id": query.since_id,
        "limit": query.limit if limit is None else limit,
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
    budget = Budget(query.max_bytes if max_bytes is None else max_bytes)
    return gather(connection, connection.execute(SQL[name], bindings), budget, reverse=query.tail)


def reader_of(query: MessageQuery, at: AsOf) -> Callable[[apsw.Connection, int, int], Page]:
    """Reads a page of what `query` asks for, given a limit of rows and one of bytes."""
    return lambda connection, limit, max_bytes: read_messages(connection, query, at, limit, max_bytes)


def read_thread_messages(
    connection: apsw.Connection, thread_id: str, at: AsOf, since_id: int, limit: int, budget: Budget | None = None
) -> Page:
    """Everything said in a thread, direct messages included."""
    bindings = {"thread_id": thread_id, "at": at.at, "since_id": since_id, "limit": limit}
    return gather(connection, connection.execute(SQL["thread_all"], bindings), budget or Budget(ANSWER_BYTES))


def read_by_ids(connection: apsw.Connection, ids: Iterable[int], max_bytes: int) -> Page:
    """The messages of some ids, in that order."""
    return gather(connection, ((one,) for one in ids), Budget(max_bytes))


def gather(connection: apsw.Connection, found: Iterable[tuple[int]], budget: Budget, reverse: bool = False) -> Page:
    """The messages whose ids a query found, until there are enough bytes for a page.

    That they are read by other statements than their ids is no matter: a message never changes.
    """
    rows: list[bytes] = []
    ids: list[int] = []
    for event_id, json in _read_recent(connection, found):
        if not budget.takes(len(json)):
            break
        rows.append(json)
        ids.append(event_id)
    if reverse:
        rows.reverse()
        ids.reverse()
    return Page(rows, ids, budget.spent)


def _read_recent(connection: apsw.Connection, found: Iterable[tuple[int]]) -> Iterator[tuple[int, bytes]]:
    """The messages whose ids a query found, as JSON; what the connection has read lately is not read again."""
    recent, waiting = recent_of(connection), iter(found)
    while part := [event_id for (event_id,) in islice(waiting, PART)]:
        # Taken out first, since remembering others may make it forget them.
        known = {event_id: json for event_id in part if (json := recent.get(event_id)) is not None}
        unread = _read(connection, [event_id for event_id in part if event_id not in known])
        for event_id in part:
            json = known.get(event_id)
            if json is None:
                json = next(unread)
                if json is None:
                    continue  # only where tables are damaged
                recent.keep(event_id, json)
            yield event_id, json


def _read(connection: apsw.Connection, event_ids: list[int]) -> Iterator[bytes | None]:
    """The JSON of the message of each of some events, None for one that posts none.

    No more is read than is asked for, since one message may have megabytes.
    """
    expected = iter(event_ids)
    try:
        for event in read_some_facts(connection, event_ids):
            for event_id in expected:
                if event_id == event.event_id:
                    break
                yield _read_among_several(connection, event_id)
            said = messages_of(event)
            yield encode_json(said[-1]) if said else None
    except msgspec.DecodeError:
        for event_id in expected:
            yield encode_json(_unreadable(connection, event_id))
            break
        yield from _read(connection, list(expected))
    for event_id in expected:
        yield _read_among_several(connection, event_id)


def _read_among_several(connection: apsw.Connection, message_id: int) -> bytes | None:
    """The JSON of a message that is not the last of its event, which then stands after it."""
    event_id = find_next(connection, message_id)
    if event_id is not None:
        for event in read_some_facts(connection, [event_id]):
            for message in messages_of(event):
                if message.id == message_id:
                    return encode_json(message)
    return None


def _unreadable(connection: apsw.Connection, event_id: int) -> Message:
    """What stands for a message whose event is damaged, so that nobody waits for it or thinks it was never said."""
    body = f"message {event_id} cannot be read: the log is damaged"
    return _from_hub(event_id, find_last_at(connection, event_id)[1], Notice(body=body, channel=GENERAL_CHANNEL))


def get_json(connection: apsw.Connection, event_id: int) -> bytes:
    """The JSON of a message that is known to exist."""
    (json,) = _read(connection, [event_id])
    assert json is not None
    return json


def find_json(connection: apsw.Connection, event_id: int, at: AsOf) -> bytes | None:
    """The JSON of the message that an event posted, if it did and was there by then."""
    return next(_read(connection, [event_id])) if event_id <= at.at else None


def find_latest_broadcast(connection: apsw.Connection, at: AsOf) -> int:
    """The id of the last message to everyone, 0 when there is none."""
    found = connection.execute(SQL["find_latest_broadcast"], {"at": at.at}).get
    return 0 if found is None else int(found)
