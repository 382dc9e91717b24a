"""Events as the parameters of a statement, in PostgreSQL's binary forms.

An array is its number of dimensions, a flag, the type of its elements, their number and the first index, then each
element after its length; a bigint is 8 bytes, big-endian, as everything here is.
"""

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Final

from arclog.codec import StoredEvent, decode_data
from arclog.events import PayloadErased

MAX_BYTES: Final = 32 * 2**20
"""What one statement carries at most, but for a single event; the server takes a gigabyte."""
_BIGINT: Final = 20
_TEXT: Final = 25
_BYTEA: Final = 17

_number: Final = Struct(">q")
_length: Final = Struct(">i").pack
_array: Final = Struct(">iiiii").pack
_NUMBER_BYTES: Final = _length(8)


def number(value: int) -> bytes:
    """A bigint."""
    return _number.pack(value)


def parts_of(events: Sequence[StoredEvent]) -> Iterator[Sequence[StoredEvent]]:
    """Events in parts that one statement can carry each."""
    begin = size = 0
    for place, event in enumerate(events):
        size += len(event.data) + len(event.metadata)
        if size > MAX_BYTES and place > begin:
            yield events[begin:place]
            begin, size = place, len(event.data) + len(event.metadata)
    yield events[begin:]


def columns_of(events: Sequence[StoredEvent]) -> list[bytes]:
    """Events as one array a column."""
    return [
        _numbers([event.event_id for event in events]),
        _numbers([event.recorded_at for event in events]),
        _values(_TEXT, [event.type.encode() for event in events]),
        _values(_TEXT, [event.stream.encode() for event in events]),
        _values(_TEXT, [event.actor.encode() for event in events]),
        _values(_BYTEA, [event.data for event in events]),
        _values(_BYTEA, [event.metadata for event in events]),
        _values(_BYTEA, [event.digest for event in events]),
    ]


def columns_of_erasure(event: StoredEvent) -> list[bytes]:
    """An event that erased others: its id, theirs, and what it left of each."""
    data = decode_data(event.type, event.data)
    assert isinstance(data, PayloadErased)
    return [
        number(event.event_id),
        _numbers([one.event_id for one in data.events]),
        _values(_BYTEA, [one.data for one in data.events]),
    ]


def _numbers(values: list[int]) -> bytes:
    body = b"".join(_NUMBER_BYTES + _number.pack(value) for value in values)
    return _array(1, 0, _BIGINT, len(values), 1) + body


def _values(kind: int, values: list[bytes]) -> bytes:
    body = b"".join([piece for value in values for piece in (_length(len(value)), value)])
    return _array(1, 0, kind, len(values), 1) + body
