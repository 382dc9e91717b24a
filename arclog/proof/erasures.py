"""Whether every event that claims to be erased was erased: a change must not pass for an erasure.

What is left of an erased event says itself what the chain was made of. So the chain alone would take any text for it;
but the event that erased it carries the same bytes, and is chained.
"""

from collections.abc import Iterable, Iterator

import apsw
import msgspec

from arclog.codec import decode_data
from arclog.digest import RawEvent
from arclog.erasure import is_erased
from arclog.events import PayloadErased
from arclog.proof.findings import Finding
from arclog.sqlite.schema import EVENTS


def find_erased(events: Iterable[RawEvent]) -> list[RawEvent]:
    """Those that say that they were erased."""
    return [event for event in events if is_erased(event.data)]


def verify_erased(connection: apsw.Connection, erased: Iterable[RawEvent]) -> Iterator[Finding]:
    """Those of some erased events that no other event erased, or that are not what it left of them."""
    left = dict[int, set[bytes]]()
    for event_id, data in _read_erasures(connection):
        left.setdefault(event_id, set()).add(data)
    for event in erased:
        if event.data not in left.get(event.event_id, ()):
            if event.event_id in left:
                problem = "is not what was left of it when its texts were erased"
            else:
                problem = "says that its texts were erased, and no event erased them"
            yield Finding("log", "changed", event.event_id, f"event {event.event_id} {problem}")


def _read_erasures(connection: apsw.Connection) -> Iterator[tuple[int, bytes]]:
    """What each event that erased something left of which event; one that cannot be read proves nothing."""
    for (stored,) in connection.execute(EVENTS["read_erasures"]):
        try:
            data = decode_data(PayloadErased.type, stored)
        except msgspec.DecodeError:
            continue
        assert isinstance(data, PayloadErased)
        yield from ((one.event_id, one.data) for one in data.events)
