"""The hash chain: each event's digest covers the event and the digest before it.

    digest = SHA-256(previous digest | event_id | recorded_at | type | stream | actor
                     | SHA-256(data) | SHA-256(metadata))

The numbers are 8 bytes, big-endian, two's complement; each text is UTF-8 behind its length in bytes (4 bytes,
big-endian); the digest before the first event is 32 zero bytes. Changing, removing, inserting or reordering any event
therefore breaks every digest from there on. Only the hashes of `data` and `metadata` are chained, so a payload could be
erased on request with the chain still whole.
"""

from collections.abc import Iterable
from hashlib import sha256
from struct import Struct
from typing import Final

from arclog.codec import StoredEvent
from arclog.short_hash import MAX_SHORT_BYTES, find_quickest

GENESIS: Final = bytes(32)
"""The digest before the first event."""

StoredRow = tuple[int, int, str, str, str, bytes, bytes, bytes]
"""The fields of a `StoredEvent` in their order, as they come out of the log by the million."""

RawRow = tuple[int, int, bytes, bytes, bytes, bytes, bytes, bytes]
"""The same, its texts as the bytes on disk: after damage they may be no texts any more."""

MAX_REMEMBERED: Final = 8192
"""Texts whose part in the digest is remembered at a time."""
MAX_SHARED_TEXT_BYTES: Final = 256
"""Texts that are longer are not remembered."""
MAX_SHARED_BYTES: Final = 40
"""Metadata that is longer holds an idempotency key, and so stands in one event alone: not worth remembering."""

_numbers: Final = Struct(">qq").pack
_length: Final = Struct(">I").pack


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
        _texts[event_type],
        _texts[stream],
        _texts[actor],
        sha256(data).digest(),
        _hashes[metadata] if len(metadata) <= MAX_SHARED_BYTES else sha256(metadata).digest(),
    )
    return sha256(b"".join(parts)).digest()


def digest_of_row(previous: bytes, row: RawRow) -> bytes:
    """What the digest of a row must be, given the digest before it."""
    return chain(previous, *row[:7])


def digest_of(previous: bytes, event: StoredEvent) -> bytes:
    """What the digest of a stored event must be, given the digest before it."""
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


def find_break(previous: bytes, events: Iterable[StoredEvent]) -> int | None:
    """The id of the first event whose digest does not follow from what is before it, or None when all do."""
    for event in events:
        if digest_of(previous, event) != event.digest:
            return event.event_id
        previous = event.digest
    return None


def find_breaks(previous: bytes, rows: Iterable[StoredRow] | Iterable[RawRow]) -> tuple[int, list[int]]:
    """How many rows there are, and which of them do not follow from what is stored before them.

    Says the same as `chain` does of each row, but in half the time: most events share their type, actor, stream and
    metadata with others, so what these contribute is remembered.

    Args:
        previous: the stored digest before the first row.
        rows: the events, in log order.

    Returns:
        The number of rows, and the ids of those that break the chain.
    """
    texts, hashes = _Texts(), _Hashes()
    join, numbers, sha, short = b"".join, _numbers, sha256, find_quickest()
    events, breaks = 0, list[int]()
    for event_id, recorded_at, event_type, stream, actor, data, metadata, digest in rows:
        events += 1
        parts = (
            previous,
            numbers(event_id, recorded_at),
            texts[event_type],
            texts[stream],
            texts[actor],
            short(data).digest() if len(data) <= MAX_SHORT_BYTES else sha(data).digest(),
            hashes[metadata] if len(metadata) <= MAX_SHARED_BYTES else short(metadata).digest(),
        )
        if short(join(parts)).digest() != digest:
            breaks.append(event_id)
        previous = digest
    return events, breaks


class _Texts(dict[str | bytes, bytes]):
    """Texts as the digest has them: UTF-8 behind its length."""

    def __missing__(self, text: str | bytes) -> bytes:
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        encoded = text.encode() if isinstance(text, str) else text
        part = _length(len(encoded)) + encoded
        if len(encoded) <= MAX_SHARED_TEXT_BYTES:
            self[text] = part
        return part


class _Hashes(dict[bytes, bytes]):
    """Metadata as the digest has it."""

    def __missing__(self, metadata: bytes) -> bytes:
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        self[metadata] = sha256(metadata).digest()
        return self[metadata]


_texts: Final = _Texts()
_hashes: Final = _Hashes()
"""What `chain` remembers."""
