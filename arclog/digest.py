"""The hash chain: each event's digest covers the event and the digest before it.

    digest = SHA-256(previous digest | event_id | recorded_at | type | stream | actor
                     | SHA-256(data) | SHA-256(metadata))

The numbers are 8 bytes, big-endian, two's complement; each text is UTF-8 after its length in bytes (4 bytes,
big-endian); the digest before the first event is 32 zero bytes. Changing, removing, inserting or reordering any event
therefore breaks every digest from there on. Only the hashes of `data` and `metadata` are chained, so texts can be
erased with the chain still whole: the bytes of an erased event begin with the hash of what stood there before
(`arclog.erasure`).
"""

from collections.abc import Iterable
from hashlib import sha256
from struct import Struct
from typing import Final, NamedTuple

from arclog.codec import StoredEvent
from arclog.erasure import hash_data

GENESIS: Final = bytes(32)
"""The digest before the first event."""


class RawEvent(NamedTuple):
    """A `StoredEvent` with its texts as the bytes on disk: after damage they may be no texts any more."""

    event_id: int
    recorded_at: int
    type: bytes
    stream: bytes
    actor: bytes
    data: bytes
    metadata: bytes
    digest: bytes


MAX_REMEMBERED: Final = 8192
"""Texts whose part in the digest is remembered at a time."""
MAX_SHARED_TEXT_BYTES: Final = 256
"""Texts that are longer are not remembered."""
MAX_SHARED_BYTES: Final = 40
"""Metadata that is longer holds an idempotency key, and so stands in one event alone: not worth remembering."""

_numbers: Final = Struct(">qq").pack
_length: Final = Struct(">I").pack
_texts: Final[dict[str | bytes, bytes]] = {}
_hashes: Final[dict[bytes, bytes]] = {}
"""What events share, and so is remembered: texts as the digest has them, and hashes of metadata."""


def chain(
    previous: bytes,
    event_id: int,
    recorded_at: int,
    event_type: str | bytes,
    stream: str | bytes,
    actor: str | bytes,
    data: bytes,
    metadata: bytes,
) -> bytes:
    """The digest (32 bytes) of an event that follows the event with the digest `previous`.

    The texts may be given as the bytes on disk, valid UTF-8 or not. What events share is remembered.
    """
    parts = (
        previous,
        _numbers(event_id, recorded_at),
        _texts.get(event_type) or _keep_text(event_type),
        _texts.get(stream) or _keep_text(stream),
        _texts.get(actor) or _keep_text(actor),
        hash_data(data),
        _hashes.get(metadata) or _keep_hash(metadata),
    )
    return sha256(b"".join(parts)).digest()


def digest_of(previous: bytes, event: StoredEvent | RawEvent) -> bytes:
    """What the digest of an event must be, given the digest before it."""
    return chain(
        previous,
        event.event_id,
        event.recorded_at,
        event.type,
        event.stream,
        event.actor,
        event.data,
        event.metadata,
    )


def find_breaks(previous: bytes, events: Iterable[RawEvent]) -> list[int]:
    """Which events do not follow from what is stored before them.

    Args:
        previous: the stored digest before the first event.
        events: the events, in log order.

    Returns:
        The ids of those that break the chain.
    """
    breaks = list[int]()
    for event in events:
        if chain(previous, *event[:7]) != event.digest:
            breaks.append(event.event_id)
        previous = event.digest
    return breaks


def _keep_text(text: str | bytes) -> bytes:
    """A text as the digest has it, UTF-8 after its length; remembered unless it is long."""
    encoded = text.encode() if isinstance(text, str) else text
    part = _length(len(encoded)) + encoded
    if len(encoded) <= MAX_SHARED_TEXT_BYTES:
        if len(_texts) >= MAX_REMEMBERED:
            _texts.clear()
        _texts[text] = part
    return part


def _keep_hash(metadata: bytes) -> bytes:
    """Metadata as the digest has it; remembered if other events may have the same."""
    digest = sha256(metadata).digest()
    if len(metadata) <= MAX_SHARED_BYTES:
        if len(_hashes) >= MAX_REMEMBERED:
            _hashes.clear()
        _hashes[metadata] = digest
    return digest
