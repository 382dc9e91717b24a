"""Erasure: what is left of an event when its free texts are taken out, and how the chain stays whole.

The bytes of an erased event are those of the same event without its texts, and begin with a field that no other event
has: the SHA-256 of what stood there before. That hash is what the chain was made of, so every digest stays as it was.
The event that erased it (`payload.erased`) carries the same bytes, so nobody can pass off a change as an erasure
(`arclog.proof.erasures`).

    before    {from_agent: ada, body: "the key is …", salt: …}
    after     {sha256: <of the line above>, from_agent: ada, handling: {erased: true}}

Texts that are short could be guessed and tried against the hash. So each event that has any is given 16 bytes of
chance, the salt, which goes with the texts. Events of older versions have none.

Free texts are bodies, attachments, what callers attached as metadata, reasons, and the answers of questions. Names,
paths and ids are not: everything else refers to things by them.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from arclog.events import (
    ChannelCreated,
    ClaimAcquired,
    ClaimQueued,
    ClaimReleased,
    Event,
    JsonObject,
    LockAcquired,
    LockQueued,
    LockReleased,
    MessagePosted,
    Notice,
    PayloadErased,
    SessionOpened,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskReopened,
    TasksOpened,
)
from arclog.events.messages import Attachment, DiffRefAttachment, FileRefAttachment, Handling

SALT_BYTES: Final = 16
HASH_BYTES: Final = 32

_ERASED: Final = b"\xa6sha256\xc4\x20"
"""How the first field of an erased event begins, after the byte that counts its fields."""
_ERASED_AT: Final = 1
_HASH_AT: Final = _ERASED_AT + len(_ERASED)
_SALT: Final = b"\xa4salt\xc4\x10"
_SALT_AT: Final = -(len(_SALT) + SALT_BYTES)
_MOST_OF_FEW: Final = 0x8F
_HEADS: Final = tuple(bytes((head,)) for head in range(_MOST_OF_FEW + 1))
_MANY: Final = 0xDE
"""A map of more begins with this, and two bytes with their number."""

KEPT_METADATA: Final = ("thread_id", "channel")
"""What of a lease's metadata is a name, and stays: the thread that it belongs to, and where its end is told."""

# The bytes ----------------------------------------------------------------------------------------------------------


def is_erased(data: bytes) -> bool:
    """Whether the stored bytes of an event are what is left of it."""
    return data.startswith(_ERASED, _ERASED_AT)


def hash_data(data: bytes) -> bytes:
    """What the chain is made of: the SHA-256 of the bytes as they were recorded."""
    if data.startswith(_ERASED, _ERASED_AT):
        return data[_HASH_AT : _HASH_AT + HASH_BYTES]
    return sha256(data).digest()


def add_salt(data: bytes, salt: bytes) -> bytes:
    """The bytes of an event with 16 bytes of chance as their last field, which nobody reads."""
    count = data[0]
    if count < _MOST_OF_FEW:
        return b"".join((_HEADS[count + 1], data[1:], _SALT, salt))
    fields, rest = (16, data[1:]) if count == _MOST_OF_FEW else (int.from_bytes(data[1:3], "big") + 1, data[3:])
    return b"%c%b%b%b%b" % (_MANY, fields.to_bytes(2, "big"), rest, _SALT, salt)


def find_salt(data: bytes) -> bytes | None:
    """The salt of an event; None where it has none."""
    return data[-SALT_BYTES:] if data.startswith(_SALT, len(data) + _SALT_AT) else None


def hash_request(request: bytes, salt: bytes | None) -> bytes:
    """What an event keeps of the request that its key belongs to: nobody can guess it once the salt is gone."""
    return request if salt is None else sha256(salt + request).digest()


def erased_bytes(data: bytes, left: Event) -> bytes:
    """The bytes of an erased event.

    Args:
        data: what is stored of it; it may have been erased in part before.
        left: what is left of it.
    """
    fields: dict[str, Any] = msgspec.msgpack.decode(msgspec.msgpack.encode(left))
    return msgspec.msgpack.encode({"sha256": hash_data(data), **fields})


# The texts ----------------------------------------------------------------------------------------------------------


def has_text(event: Event) -> bool:
    """Whether an event has free text that its caller wrote, and so needs a salt."""
    field = _SAYS.get(type(event))
    return field is not None and bool(getattr(event, field))


def without_texts(event: Event, messages: frozenset[int], event_id: int) -> Event:
    """An event without its free texts; the same where it has none.

    Args:
        event: the event.
        messages: of several messages that it posts, those to be emptied; none means all.
        event_id: its id, which is that of the last of them.
    """
    if isinstance(event, TasksOpened) and messages:
        first = event_id - len(event.messages) + 1
        numbered = enumerate(event.messages, first)
        return replace(
            event, messages=tuple(_without_said(one) if number in messages else one for number, one in numbered)
        )
    reduce = _WITHOUT.get(type(event))
    return event if reduce is None else reduce(event)


def texts_of(event: Event) -> Iterator[str]:
    """The free texts of an event, one by one; of a JSON object its values."""
    yield from _strings(_only_texts(event))


def _only_texts(event: Event) -> object:
    match event:
        case MessagePosted():
            terms = event.task
            asked = () if terms is None else (*terms.options, terms.default)
            return (event.body, *map(_attached, event.attachments), event.metadata, *asked)
        case TasksOpened():
            return tuple(_only_texts(one) for one in event.messages)
        case SessionOpened() | ChannelCreated():
            return event.metadata
        case ClaimAcquired() | ClaimQueued() | LockAcquired() | LockQueued():
            return {name: value for name, value in event.metadata.items() if name not in KEPT_METADATA}
        case ClaimReleased() | LockReleased():
            return (event.why, _noticed(event.notice))
        case TaskFailed() | TaskCancelled():
            return (event.reason, _noticed(event.notice))
        case TaskReopened() | PayloadErased():
            return event.reason
        case TaskCompleted():
            return (event.answer, _noticed(event.notice))
        case _:
            return ()


def _attached(attachment: Attachment) -> object:
    """What an attachment says; which file it is about is a name."""
    if isinstance(attachment, FileRefAttachment | DiffRefAttachment):
        return attachment.description
    return attachment.content


def _noticed(notice: Notice | None) -> object:
    return () if notice is None else (notice.body, notice.metadata)


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for one in value.values():
                yield from _strings(one)
        case tuple() | list():
            for one in value:
                yield from _strings(one)
        case _:
            return


def _without_said(event: MessagePosted) -> MessagePosted:
    terms = event.task and replace(event.task, options=(), default=None)
    handling = replace(event.handling or Handling(), erased=True)
    return replace(event, body="", attachments=(), metadata={}, task=terms, handling=handling)


def _without_tasks(event: TasksOpened) -> TasksOpened:
    return replace(event, messages=tuple(map(_without_said, event.messages)))


def _without_metadata(event: SessionOpened | ChannelCreated) -> SessionOpened | ChannelCreated:
    return replace(event, metadata={})


def _without_lease_texts(
    event: ClaimAcquired | ClaimQueued | LockAcquired | LockQueued,
) -> ClaimAcquired | ClaimQueued | LockAcquired | LockQueued:
    kept: JsonObject = {name: event.metadata[name] for name in KEPT_METADATA if name in event.metadata}
    return replace(event, metadata=kept)


def _without_why(event: ClaimReleased | LockReleased) -> ClaimReleased | LockReleased:
    return replace(event, why=event.why and "", notice=_without_notice(event.notice))


def _without_outcome(event: TaskFailed | TaskCancelled) -> TaskFailed | TaskCancelled:
    return replace(event, reason="", notice=_without_notice(event.notice))


def _without_reason(event: TaskReopened | PayloadErased) -> TaskReopened | PayloadErased:
    return replace(event, reason="")


def _without_answer(event: TaskCompleted) -> TaskCompleted:
    return replace(event, answer=event.answer and "", notice=_without_notice(event.notice))


def _without_notice(notice: Notice | None) -> Notice | None:
    return notice and replace(notice, body="", metadata={}, erased=True)


_WITHOUT: Final[dict[type, Callable[[Any], Event]]] = {
    MessagePosted: _without_said,
    TasksOpened: _without_tasks,
    SessionOpened: _without_metadata,
    ChannelCreated: _without_metadata,
    ClaimAcquired: _without_lease_texts,
    ClaimQueued: _without_lease_texts,
    LockAcquired: _without_lease_texts,
    LockQueued: _without_lease_texts,
    ClaimReleased: _without_why,
    LockReleased: _without_why,
    TaskFailed: _without_outcome,
    TaskCancelled: _without_outcome,
    TaskReopened: _without_reason,
    TaskCompleted: _without_answer,
    PayloadErased: _without_reason,
}
"""For each event with free texts, what takes them out."""

_SAYS: Final[dict[type, str]] = {
    MessagePosted: "from_agent",  # there is none without a body or an attachment
    TasksOpened: "messages",
    SessionOpened: "metadata",
    ChannelCreated: "metadata",
    ClaimAcquired: "metadata",
    ClaimQueued: "metadata",
    LockAcquired: "metadata",
    LockQueued: "metadata",
    ClaimReleased: "why",
    LockReleased: "why",
    TaskFailed: "reason",
    TaskCancelled: "reason",
    TaskReopened: "reason",
    TaskCompleted: "answer",
    PayloadErased: "reason",
}
"""The field by which it can be told that a caller wrote some."""
