"""Event streams: events that concern several entities, found from each of them.

The log has each event in one stream. What an event concerns besides stands here, so that the life of a lock has the end
of its holder's session in it, and that of a task the last of its children and who had the lease on it.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

import apsw

from arclog.codec import Fact, StoredEvent
from arclog.events import Event, LockAcquired, LockRefreshed, LockReleased, MessagePosted
from arclog.events.messages import is_of_task
from arclog.sqlite.queries import Queries
from arclog.sqlite.reads import (
    EVERYTHING,
    NO_END,
    Filter,
    find_event,
    find_last_below,
    find_last_in,
    read,
    read_from_end,
)
from arclog.streams import CONCERNING_SEVERAL, streams_beside
from projections.projector import Projector, Some, Writer

SQL: Final = Queries("projections", "event_streams.sql")


def _on_event(writer: Writer, event: Fact, data: Event) -> None:
    for stream in streams_beside(event.event_id, data):
        writer.write(SQL["add"], (stream, event.event_id))


_SOME: Final[Mapping[type[Event], tuple[str, ...] | Callable[[Any], bool]]] = {
    MessagePosted: is_of_task,
    LockAcquired: ("others",),
    LockRefreshed: ("others",),
    LockReleased: ("others",),
}
"""Of these types few events concern several entities, and this tells which."""

PROJECTOR: Final = Projector(
    name="event_streams",
    version=4,
    tables=("event_streams",),
    schema=SQL["schema"],
    indexes="",
    handlers={kind: Some(_SOME[kind], _on_event) if kind in _SOME else _on_event for kind in CONCERNING_SEVERAL},
)


def read_matching(
    connection: apsw.Connection, after: int = 0, limit: int = 1000, until: int = NO_END, where: Filter = EVERYTHING
) -> Iterator[StoredEvent]:
    """Like `arclog.sqlite.reads.read`, but a stream has everything in it that concerns its entity."""
    own = read(connection, after, limit, until, where)
    if where.stream is None:
        return own
    beside = islice(_read_beside(connection, after, until, where, "list"), limit)
    return islice(_once(heapq.merge(own, beside, key=_place)), limit)


def read_matching_from_end(
    connection: apsw.Connection, limit: int, where: Filter = EVERYTHING, until: int = NO_END
) -> Iterator[StoredEvent]:
    """Like `arclog.sqlite.reads.read_from_end`, but a stream has everything in it that concerns its entity."""
    own = read_from_end(connection, limit, where, until)
    if where.stream is None or not limit:
        return own
    beside = islice(_read_beside(connection, 0, until, where, "list_from_end"), limit)
    return islice(_once(heapq.merge(own, beside, key=_place, reverse=True)), limit)


def find_last_since(connection: apsw.Connection, stream: str, after: int) -> int | None:
    """The last event after `after` that concerns a stream, or what is below it when it ends in `/`; None for none."""
    if stream.endswith("/"):
        end = stream[:-1] + "0"
        own = find_last_below(connection, stream, end, after)
        query = "find_last_below"
    else:
        end = None
        own = find_last_in(connection, stream, after)
        query = "find_last"
    beside = connection.execute(SQL[query], {"stream": stream, "end": end, "after": after}).get
    return max((one for one in (own, beside) if one is not None), default=None)


def _read_beside(
    connection: apsw.Connection, after: int, until: int, where: Filter, query: str
) -> Iterator[StoredEvent]:
    """What is found in a stream, or below a prefix, though it is recorded in another; all else must match too."""
    assert where.stream is not None
    if connection.execute(SQL["exists"]).get is None:  # the tables are of an older version of Arc
        return
    if where.stream.endswith("/"):
        query, end = query.replace("list", "list_below"), where.stream[:-1] + "0"
    else:
        end = None
    types = where.types
    bindings = {"stream": where.stream, "end": end, "after": after, "until": until}
    for (event_id,) in connection.execute(SQL[query], bindings):
        event = find_event(connection, event_id)
        if event is None or event.type in where.without or (types is not None and event.type not in types):
            continue
        if where.actor is None or event.actor == where.actor:
            yield event


def _place(event: StoredEvent) -> int:
    return event.event_id


def _once(events: Iterable[StoredEvent]) -> Iterator[StoredEvent]:
    last = 0
    for event in events:
        if event.event_id != last:
            yield event
        last = event.event_id
