"""Events as they lie on disk: MessagePack by msgspec, and what is recorded around them."""

from typing import Final

import msgspec
from msgspec import Struct

from arclog.events import Event
from arclog.upcasters import upcast


class Metadata(Struct, frozen=True, omit_defaults=True):
    """How an event came to be.

    Attributes:
        transport: the road the call took: `http`, `relay`, `mcp`, `cli`, `import`, or `hub` for its own clockwork.
        key: the caller's idempotency key.
        request: SHA-256 of the request that the key belongs to.
        correlation_id: the first event of the story that this one belongs to.
        causation_id: the event that led to this one.
    """

    transport: str = "hub"
    key: str | None = None
    request: bytes | None = None
    correlation_id: int | None = None
    causation_id: int | None = None


class RecordedEvent(Struct, frozen=True):
    """An event in its place in the log. `recorded_at` is microseconds since 1970 by the log's clock."""

    event_id: int
    recorded_at: int
    stream: str
    actor: str
    data: Event
    metadata: Metadata

    @property
    def type(self) -> str:
        return type_of(self.data)


class StoredFact(Struct, frozen=True, gc=False):
    """An event as a rebuild reads it: without what no table is made from."""

    event_id: int
    recorded_at: int
    data: Event


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
            msgspec.ValidationError: the bytes are not an event of a known type.
        """
        return RecordedEvent(
            self.event_id,
            self.recorded_at,
            self.stream,
            self.actor,
            decode_data(self.type, self.data),
            decode_metadata(self.metadata),
        )


_encoder: Final = msgspec.msgpack.Encoder()
_event_decoder: Final[msgspec.msgpack.Decoder[Event]] = msgspec.msgpack.Decoder(Event)
_metadata_decoder: Final = msgspec.msgpack.Decoder(Metadata)

_decode_event = _event_decoder.decode
encode_data = _encoder.encode
encode_metadata = _encoder.encode
decode_metadata = _metadata_decoder.decode


def decode_data(event_type: str, data: bytes) -> Event:
    """The event that `data` means, brought to its type's present shape by the upcasters."""
    return _decode_event(upcast(event_type, data))


def type_of(event: Event) -> str:
    """The event's type as stored, such as `lock.acquired`."""
    tag = event.__struct_config__.tag
    assert isinstance(tag, str)
    return tag
