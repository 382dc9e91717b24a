"""Statistics: how many events of which type, by whom, how large, and how fast they came."""

from typing import Final

import apsw
from msgspec import Struct

from arclog.limits import MICROSECONDS
from arclog.sqlite.reads import read_head
from arclog.sqlite.schema import EVENTS

MAX_ACTORS: Final = 50
MAX_SPANS: Final = 24
_SPANS_SEC: Final = (1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800, 2_592_000, 31_536_000)


class Share(Struct, frozen=True):
    """What one type or one agent has in the log; `bytes` counts the events' data and metadata."""

    name: str
    events: int
    bytes: int
    last_event: int


class Span(Struct, frozen=True):
    """How many events came in a span of time that begins at `from_at`, in microseconds."""

    from_at: int
    events: int


class Statistics(Struct, frozen=True):
    """Figures of a log.

    Attributes:
        head: its last event.
        events: how many events it has.
        bytes: what their data and metadata take.
        file_bytes: what the whole storage takes, its tables and indexes included, without the WAL.
        free_bytes: the part of it that is unused.
        first_at: when the first event was recorded, in microseconds; 0 when there is none.
        last_at: when the last one was.
        types: the share of each type, the most frequent first.
        actors: the share of each agent, the busiest first, at most `MAX_ACTORS`.
        actor_count: how many agents there are.
        span_sec: how long each of the spans is.
        spans: how many events came in each, without those in which none did.
    """

    head: int
    events: int
    bytes: int
    file_bytes: int
    free_bytes: int
    first_at: int
    last_at: int
    types: tuple[Share, ...]
    actors: tuple[Share, ...]
    actor_count: int
    span_sec: int
    spans: tuple[Span, ...]


def read_statistics(connection: apsw.Connection) -> Statistics:
    """Count everything; reads the whole log, a million events in a second or so.

    Args:
        connection: in a transaction, so that all figures are of one moment.
    """
    types = [Share(*row) for row in connection.execute(EVENTS["count_by_type"])]
    actors = [Share(*row) for row in connection.execute(EVENTS["count_by_actor"])]
    first_at = int(connection.execute(EVENTS["find_first_time"]).get or 0)
    head = read_head(connection)
    span_sec = _span_sec(head.recorded_at - first_at)
    rows = connection.execute(EVENTS["count_by_time"], {"span": span_sec * MICROSECONDS, "from": first_at})
    page_size = int(connection.pragma("page_size"))
    return Statistics(
        head.event_id,
        sum(share.events for share in types),
        sum(share.bytes for share in types),
        int(connection.pragma("page_count")) * page_size,
        int(connection.pragma("freelist_count")) * page_size,
        first_at,
        head.recorded_at,
        tuple(types),
        tuple(actors[:MAX_ACTORS]),
        len(actors),
        span_sec,
        tuple(Span(first_at + number * span_sec * MICROSECONDS, events) for number, events in rows),
    )


def _span_sec(micros: int) -> int:
    """A span of a usual length, so that there are not too many of them."""
    for span in _SPANS_SEC:
        if micros <= span * MAX_SPANS * MICROSECONDS:
            return span
    return _SPANS_SEC[-1]
