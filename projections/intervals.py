"""The past of a row: which version of it held at event N, found by index.

A row of a table that changes holds from the event that made it (`from_event`) until the event that replaced it
(`until_event`, `CURRENT` while nothing has). To ask for everything as of event N is to find all intervals that contain
N, which a plain index cannot do without reading every row that ended after N, or every one that began before it.

The tables use the relational interval tree of Kriegel, Poetke and Seidl (VLDB 2000). Think of the event ids as a binary
tree, in which a number with more trailing zeros stands higher. A closed interval is filed under the highest number in
it, its `node`. Whatever contains N is then filed under one of the O(log n) numbers that lie on the way from the root to
N: those below N matter if they end after it, those above it if they begin at or before it, and an index on
(node, until_event) and on (node, from_event) finds just these.
"""

from typing import Final

import msgspec
from msgspec import Struct

from arclog.sqlite.reads import NO_END

CURRENT: Final = NO_END
"""The `until_event` of a row that nothing has replaced."""


def node_of(from_event: int, until_event: int) -> int:
    """The number with the most trailing zeros in `from_event <= n < until_event`."""
    shift = ((from_event - 1) ^ (until_event - 1)).bit_length() - 1
    return (until_event - 1) >> shift << shift


_ROOM_TO_GROW: Final = 5
"""Levels of the tree above the head: the log may grow 16-fold between the moment that is asked for and the read."""


class AsOf(Struct, frozen=True):
    """A place in the log to read from, as bindings of the queries.

    Attributes:
        at: the event id.
        now: the time at which leases are judged, in microseconds.
        below: the nodes up to `at` that may hold an interval around it, as a JSON array.
        above: the nodes beyond `at` that may.
    """

    at: int
    now: int
    below: str = "[]"
    above: str = "[]"

    @property
    def is_live(self) -> bool:
        """Whether it is the present."""
        return self.at == CURRENT - 1

    def bindings(self, **more: str | int | None) -> dict[str, str | int | None]:
        """The bindings of a query, with the caller's own."""
        return {"at": self.at, "now": self.now, "below": self.below, "above": self.above, **more}


def live(now: int) -> AsOf:
    """The present: only rows that nothing has replaced, so there is no past to search."""
    return AsOf(CURRENT - 1, now)


def as_of(event_id: int, head: int, now: int) -> AsOf:
    """The moment right after event `event_id`, of a log that ends at `head`; `now` is that event's time."""
    below, above = set(), set()
    for shift in range(max(head.bit_length(), 16) + _ROOM_TO_GROW):
        below.add(event_id >> shift << shift)
        above.add(((event_id >> shift) + 1) << shift)
    encode = msgspec.json.encode
    return AsOf(event_id, now, encode(sorted(below)).decode(), encode(sorted(above)).decode())
