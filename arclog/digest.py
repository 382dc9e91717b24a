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

_numbers: Final = Struct(">qq").pack
_length: Final = Struct(">I").pack


def chain(
    previous: bytes,
    event_id: int,
    recorded_at: int,
    event_type: str,
    stream: str,
    actor: str,
    data: bytes,
    metadata: bytes,
) -> bytes:
    """The digest (32 bytes) of an event that follows the event with the digest `previous`."""
    kind, entity, agent = event_type.encode(), stream.encode(), actor.encode()
    return sha256(
        b"".join(
            (
                previous,
                _numbers(event_id, recorded_at),
                _length(len(kind)),
                kind,
                _length(len(entity)),
                entity,
                _length(len(agent)),
                agent,
                sha256(data).digest(),
                sha256(metadata).digest(),
            )
        )
    ).digest()


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
