"""Events as they lie on disk: MessagePack by msgspec, and what is recorded around them.

The bytes of an event are a map of its fields, without those that have their default. Their type is not among them: it
stands in the log's column `type`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, final

import msgspec
from msgspec import Struct

from arclog.events import EVENT_CLASSES, Event
from arclog.upcasters import UPCASTERS, Upcaster, upcast


class Metadata(Struct, frozen=True, omit_defaults=True):
    """How an event came to be.

    Attributes:
        transport: the way it came: `http`, which is so usual that it is not written, `relay`, `mcp`, `cli`,
            `import`, or `hub` for its own clockwork.
        key: the caller's idempotency key.
        request: SHA-256 of the request that the key belongs to.
        principal: who asked; None where it is the event's actor.
        token: the id of the token that proved it; None where none did.
    """

    transport: str = "http"
    key: str | None = None
    request: bytes | None = None
    principal: str | None = None
    token: str | None = None


class Fact(Struct, frozen=True, gc=False):
    """What happened, when, and its place in the log: all that tables are made from.

    `recorded_at` is microseconds since 1970 by the log's clock.
    """

    event_id: int
    recorded_at: int
    data: Event


@final
class RecordedEvent(Fact, frozen=True):
    """An event in its place in the log: whose life it belongs to, who did it, and how it came to be."""

    stream: str
    actor: str
    metadata: Metadata

    @property
    def type(self) -> str:
        return self.data.type


class StoredEvent(Struct, frozen=True):
    """A row of the log, byte for byte."""

    event_id: int
    recorded_at: int
    type: str
    stream: str
    actor: str
    data: bytes
    metadata: bytes
    digest: bytes

    def decode(self) -> RecordedEvent:
        """The event that the bytes mean.

        Raises:
            msgspec.DecodeError: the bytes are not an event of a known type.
        """
        return RecordedEvent(
            self.event_id,
            self.recorded_at,
            decode_data(self.type, self.data),
            self.stream,
            self.actor,
            decode_metadata(self.metadata),
        )


Decode = Callable[[bytes], Event]


def decoder_of(event_class: type[Event], upcasters: Mapping[str, tuple[Upcaster, ...]] = UPCASTERS) -> Decode:
    """What reads the bytes of a type of event, in whichever version they are."""
    name = event_class.type
    decode: Decode = msgspec.msgpack.Decoder(event_class).decode
    return (lambda data: decode(upcast(name, data, upcasters))) if name in upcasters else decode


class _Decoders(dict[str, Decode]):
    def __missing__(self, event_type: str) -> Decode:
        raise msgspec.ValidationError(f"there is no type of event {event_type!r}")


_encoder: Final = msgspec.msgpack.Encoder()
_decoders: Final = _Decoders((event_class.type, decoder_of(event_class)) for event_class in EVENT_CLASSES)
_metadata_decoder: Final = msgspec.msgpack.Decoder(Metadata)

encode_data = _encoder.encode
encode_metadata = _encoder.encode


def decode_data(event_type: str, data: bytes) -> Event:
    """The event that `data` means, brought to its type's present shape by the upcasters.

    Raises:
        msgspec.DecodeError: there is no such type, or the bytes are no event of it.
    """
    try:
        return _decoders[event_type](data)
    except (UnicodeDecodeError, TypeError) as error:  # no text, which msgspec lets through; or no bytes at all
        raise msgspec.DecodeError(str(error)) from None


def decode_facts(rows: Iterable[tuple[int, int, str, bytes]]) -> Iterator[Fact]:
    """What many rows mean, one by one; a rebuild reads the whole log so.

    Args:
        rows: of each event its `event_id`, `recorded_at`, `type` and `data`.

    Raises:
        msgspec.DecodeError: as `decode_data` does; or a type's name is no text any more.
    """
    try:
        for event_id, recorded_at, event_type, data in rows:
            yield Fact(event_id, recorded_at, _decoders[event_type](data))
    except (UnicodeDecodeError, TypeError) as error:
        raise msgspec.DecodeError(str(error)) from None


def decode_metadata(metadata: bytes) -> Metadata:
    """How an event came to be.

    Raises:
        msgspec.DecodeError: the bytes do not tell.
    """
    try:
        return _metadata_decoder.decode(metadata)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(str(error)) from None
