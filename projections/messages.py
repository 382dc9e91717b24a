"""Messages: what an event says, and to whom.

A message stands once, in its event. The tables only say which messages there are, to whom and in which thread; reading
them is `projections.message_pages`. The JSON of a message is made from its event: once when it is recorded, for the
answer to its sender and everybody who waits for it, and again, to the same bytes, when it is read.
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from arclog.codec import Fact
from arclog.events import (
    SYSTEM,
    Attachment,
    Event,
    JsonObject,
    MessagePosted,
    Notice,
    TasksOpened,
)
from arclog.events.messages import Provenance
from arclog.notices import CARRIERS, NOTICE_FIELD, notices_of
from arclog.sqlite.queries import Queries
from projections.encoding import encode_json
from projections.projector import Projector, Some, Writer, each_message, for_each_message
from projections.times import optional_timestamp, timestamp

SQL: Final = Queries("projections", "messages.sql")

_BROADCAST: Final = SQL["broadcast"]
_ADD_TO_THREAD: Final = SQL["add_to_thread"]
_FIND_ORDINAL: Final = SQL["find_ordinal"]


class Message(Struct, frozen=True, omit_defaults=True, gc=False):
    """A message as it goes over the wire; what not every message has comes last, and only where it has."""

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
    erased: bool = False
    looks_like_a_secret: bool = False


class PostedMessage(Struct, frozen=True, gc=False):
    """A message that was just recorded, with its JSON, and what decides who may see it."""

    event_id: int
    from_agent: str
    to_agent: str | None
    channel: str
    kind: str
    thread_id: str | None
    json: bytes


def messages_of(event: Fact) -> list[Message]:
    """The messages that an event posts, in order; the last of them has the event's own id."""
    data = event.data
    if isinstance(data, MessagePosted):
        return [_from_agent(event, data)]
    if isinstance(data, TasksOpened):
        return [_from_agent(place, message) for place, message in each_message(event, data)]
    notices = notices_of(data)
    first = event.event_id - len(notices) + 1
    return [from_hub(number, event.recorded_at, notice) for number, notice in enumerate(notices, first)]


def _from_agent(event: Fact, data: MessagePosted) -> Message:
    metadata = data.metadata
    if data.completes_task_id is not None:
        metadata = {**metadata, "task_completed": data.completes_task_id}
    message = Message(
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
    )
    handling = data.handling
    if handling is None:  # as nearly always
        return message
    return replace(
        message,
        ack=handling.ack,
        ack_by=optional_timestamp(handling.ack_by),
        urgency="urgent" if handling.urgent else "normal",
        provenance=handling.provenance,
        erased=handling.erased,
        looks_like_a_secret=handling.looks_like_a_secret,
    )


def from_hub(event_id: int, recorded_at: int, notice: Notice) -> Message:
    """A message of the hub itself."""
    return Message(
        event_id,
        timestamp(recorded_at),
        SYSTEM,
        notice.to_agent,
        notice.channel,
        "notice",
        notice.body,
        (),
        notice.reply_to,
        notice.thread_id,
        notice.metadata,
        erased=notice.erased,
    )


POSTING: Final[frozenset[type[Event]]] = frozenset((MessagePosted, TasksOpened, *CARRIERS))
"""Events that post messages, or may."""


def posted_by(event: Fact) -> Sequence[PostedMessage]:
    """The messages that an event posts, as their sender and those who wait for them are told."""
    field = NOTICE_FIELD.get(type(event.data))
    if field is not None and not getattr(event.data, field):  # as nearly all that may carry a notice
        return ()
    return [_posted(message) for message in messages_of(event)]


def post_of(event: Fact, data: MessagePosted) -> PostedMessage:
    """The same of an event that posts one message."""
    return _posted(_from_agent(event, data))


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
        if notice.to_agent is None:
            writer.write(_BROADCAST, (event_id, notice.channel, SYSTEM))
        if notice.thread_id is not None:
            place = (event_id, event.recorded_at)
            _add_to_thread(writer, place, notice.thread_id, False, notice.channel, SYSTEM, notice.to_agent)


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
        **{kind: Some((field,), _on_noticed) for kind, field in NOTICE_FIELD.items()},
    },
)
