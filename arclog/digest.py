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
_texts: Final[dict[str | bytes, bytes]] = {}
_hashes: Final[dict[bytes, bytes]] = {}
"""What `chain` remembers."""


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
        _texts.get(event_type) or _keep_text(_texts, event_type),
        _texts.get(stream) or _keep_text(_texts, stream),
        _texts.get(actor) or _keep_text(_texts, actor),
        sha256(data).digest(),
        _hashes.get(metadata) or _keep_hash(_hashes, metadata),
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
    texts: dict[str | bytes, bytes] = {}
    hashes: dict[bytes, bytes] = {}
    join, numbers, sha, part_of, hash_of = b"".join, _numbers, sha256, texts.get, hashes.get
    events, breaks = 0, list[int]()
    for event_id, recorded_at, event_type, stream, actor, data, metadata, digest in rows:
        events += 1
        parts = (
            previous,
            numbers(event_id, recorded_at),
            part_of(event_type) or _keep_text(texts, event_type),
            part_of(stream) or _keep_text(texts, stream),
            part_of(actor) or _keep_text(texts, actor),
            sha(data).digest(),
            hash_of(metadata) or _keep_hash(hashes, metadata),
        )
        if sha(join(parts)).digest() != digest:
            breaks.append(event_id)
        previous = digest
    return events, breaks


def _keep_text(texts: dict[str | bytes, bytes], text: str | bytes) -> bytes:
    """A text as the digest has it, UTF-8 behind its length; remembered in `texts` unless it is long."""
    encoded = text.encode() if isinstance(text, str) else text
    part = _length(len(encoded)) + encoded
    if len(encoded) <= MAX_SHARED_TEXT_BYTES:
        if len(texts) >= MAX_REMEMBERED:
            texts.clear()
        texts[text] = part
    return part


def _keep_hash(hashes: dict[bytes, bytes], metadata: bytes) -> bytes:
    """Metadata as the digest has it; remembered in `hashes` if other events may have the same."""
    digest = sha256(metadata).digest()
    if len(metadata) <= MAX_SHARED_BYTES:
        if len(hashes) >= MAX_REMEMBERED:
            hashes.clear()
        hashes[metadata] = digest
    return digest
