"""Reading a log: its events, its ends, and the places and times in it.

Each function is one query on any connection to a storage, whose own transaction decides what it sees.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import apsw
import msgspec
from msgspec import Struct

from arclog.clock import LogClock, TimeSource
from arclog.codec import Fact, StoredEvent, decode_facts
from arclog.digest import GENESIS, RawEvent
from arclog.engine import Head
from arclog.events import EVENT_TYPES, RulesRaised
from arclog.machine_time import MachineTime
from arclog.sqlite.schema import EVENTS

T = TypeVar("T", StoredEvent, RawEvent)

NO_END: Final = 2**63 - 1
"""Beyond every event id."""

RECENT: Final = 2_000
"""Events at the log's end that are looked through one by one sooner than an index is."""
_MESSAGE_POSTED: Final = "message.posted"


def row_id(given: int) -> int:
    """An id that SQLite can look up; what does not fit into 64 bits is the id of nothing, and becomes 0."""
    return given if 0 <= given <= NO_END else 0


class Filter(Struct, frozen=True):
    """Which events to read; a field that is None does not narrow.

    `type` and `stream` match exactly, or by prefix when they end in `.` and `/` respectively. `without` are types
    that are left out.
    """

    type: str | None = None
    stream: str | None = None
    actor: str | None = None
    without: tuple[str, ...] = ()

    @property
    def types(self) -> list[str] | None:
        """The types of events that `type` means; None when it does not narrow."""
        return None if self.type is None else matching_types(self.type)


EVERYTHING: Final = Filter()


# Events -------------------------------------------------------------------------------------------------------------


def read(
    connection: apsw.Connection, after: int = 0, limit: int = 1000, until: int = NO_END, where: Filter = EVERYTHING
) -> Iterator[StoredEvent]:
    """Events after `after`, up to and including `until`, in log order, at most `limit`.

    One of the filter's fields is served by an index; the engine checks the others on what it finds there.
    """
    query, bindings = choose_query(where)
    rows = connection.execute(EVENTS[query], bindings | {"after": after, "until": until, "limit": limit})
    return _up_to(until, itertools.starmap(StoredEvent, rows))


def read_facts(connection: apsw.Connection, after: int, limit: int, until: int = NO_END) -> list[Fact]:
    """Like `read` without a filter, decoded, and only what tables are made from.

    Raises:
        msgspec.DecodeError: an event cannot be read.
    """
    return list(walk_facts(connection, after, limit, until))


def walk_facts(connection: apsw.Connection, after: int, limit: int, until: int = NO_END) -> Iterator[Fact]:
    """The same, read one by one, so that no two of them need be in memory.

    Raises:
        msgspec.DecodeError: an event cannot be read.
    """
    return decode_facts(connection.execute(EVENTS["read_facts"], {"after": after, "until": until, "limit": limit}))


def read_some_facts(connection: apsw.Connection, event_ids: Iterable[int]) -> Iterator[Fact]:
    """Some events by their ids and in that order, read one by one; those that are not there are left out.

    Raises:
        msgspec.DecodeError: an event cannot be read.
    """
    wanted = msgspec.json.encode(list(event_ids)).decode()
    return decode_facts(connection.execute(EVENTS["read_some_facts"], (wanted,)))


def read_raw(connection: apsw.Connection, after: int, until: int, limit: int = -1) -> Iterator[RawEvent]:
    """Like `read`, but texts as the bytes on disk, which after damage may be no texts any more."""
    rows = connection.execute(EVENTS["read_raw"], {"after": after, "until": until, "limit": limit})
    return _up_to(until, map(RawEvent._make, rows))


def _up_to(until: int, events: Iterable[T]) -> Iterator[T]:
    """All events, and no step beyond event `until`: what lies there may be unreadable."""
    for event in events:
        yield event
        if event.event_id == until:
            return


def find_event(connection: apsw.Connection, event_id: int) -> StoredEvent | None:
    """One event by its id."""
    row = connection.execute(EVENTS["get_event"], (event_id,)).fetchone()
    return None if row is None else StoredEvent(*row)


def matching_types(wanted: str) -> list[str]:
    """The types of events that a filter's `type` means; none when it means none that there are."""
    return [name for name in EVENT_TYPES if _has_type(wanted, name)]


def choose_query(where: Filter) -> tuple[str, dict[str, str | int | None]]:
    """The query by which the events that match are read, and what it is told of the filter.

    Returns:
        The query's name, which with `_from_end` after it is that of the same read backward; and its bindings.
    """
    types = where.types
    prefix = where.stream if where.stream is not None and where.stream.endswith("/") else None
    bindings: dict[str, str | int | None] = {
        "actor": where.actor,
        "stream": where.stream,
        "prefix": prefix,
        "prefix_end": None if prefix is None else prefix[:-1] + "0",
        "without": msgspec.json.encode(where.without).decode() if where.without else None,
        "types": None if types is None else msgspec.json.encode(types).decode(),
    }
    if where.stream is not None and prefix is None:
        return "read_stream", bindings
    if where.actor is not None:
        return "read_actor", bindings
    if prefix is not None:
        return "read_streams_below", bindings
    if types is not None:
        return "read_frequent_types" if _MESSAGE_POSTED in types else "read_types", bindings
    return ("read", {}) if not where.without else ("read_without", bindings)


def _has_type(wanted: str, name: str) -> bool:
    return name.startswith(wanted) if wanted.endswith(".") else name == wanted


def read_from_end(
    connection: apsw.Connection, limit: int, where: Filter = EVERYTHING, until: int = NO_END
) -> Iterator[StoredEvent]:
    """The last `limit` events up to `until` that match, newest first; no more are read than are taken."""
    query, bindings = choose_query(where)
    for row in connection.execute(EVENTS[f"{query}_from_end"], bindings | {"until": until, "limit": limit}):
        yield StoredEvent(*row)


# Places and times ---------------------------------------------------------------------------------------------------


def read_head(connection: apsw.Connection) -> Head:
    """The end of the log as `connection` sees it."""
    row = connection.execute(EVENTS["find_head"]).fetchone()
    return Head() if row is None else Head(*row)


def find_end_before(connection: apsw.Connection, event_id: int) -> tuple[int, bytes]:
    """The id and stored digest of the last event before `event_id`; `(0, GENESIS)` when there is none."""
    row = connection.execute(EVENTS["find_end"], (event_id - 1,)).fetchone()
    return (0, GENESIS) if row is None else (int(row[0]), bytes(row[1] or b""))


def find_readable_end(connection: apsw.Connection) -> int:
    """The last event that can be read; the last one there is, unless the end of the file is damaged."""
    try:
        return read_head(connection).event_id
    except (apsw.CorruptError, apsw.IOError):
        end, beyond = 0, NO_END
        while end + 1 < beyond:
            middle = (end + beyond) // 2
            if is_readable(connection, middle):
                end = middle
            else:
                beyond = middle
        return find_end_before(connection, end + 1)[0]


def is_readable(connection: apsw.Connection, event_id: int) -> bool:
    """Whether an event can be read, or it can be seen that there is none of that number."""
    try:
        connection.execute(EVENTS["get_event_raw"], (event_id,)).fetchone()
    except (apsw.CorruptError, apsw.IOError):
        return False
    return True


def find_next(connection: apsw.Connection, event_id: int) -> int | None:
    """The id of the first event after `event_id`."""
    following = connection.execute(EVENTS["find_next"], (event_id,)).get
    return None if following is None else int(following)


def find_last_at(connection: apsw.Connection, event_id: int) -> tuple[int, int]:
    """The last event up to and including `event_id`, and when it was recorded, in microseconds; zeros for none."""
    row = connection.execute(EVENTS["find_last_at"], (event_id,)).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def find_last_seen(connection: apsw.Connection, actor: str, at: int) -> int | None:
    """When `actor` last did something, up to and including event `at`; microseconds, None when never."""
    found = connection.execute(EVENTS["find_last_seen"], (actor, at)).get
    return None if found is None else int(found)


def find_last_of_type(connection: apsw.Connection, stream: str, event_type: str, at: int) -> int | None:
    """When an event of a type was last recorded in a stream, up to and including event `at`; microseconds."""
    found = connection.execute(EVENTS["find_last_of_type"], (stream, event_type, at)).get
    return None if found is None else int(found)


def find_last_in(connection: apsw.Connection, stream: str, after: int) -> int | None:
    """The last event after `after` that is recorded in a stream."""
    found = connection.execute(EVENTS["find_last_in"], (stream, after)).get
    return None if found is None else int(found)


def find_last_below(connection: apsw.Connection, start: str, end: str, after: int) -> int | None:
    """The last event after `after` in a stream from `start` on and before `end`.

    A caller has mostly seen all but the last few events, so these are looked through first.
    """
    recent = max(after, read_head(connection).event_id - RECENT)
    found = connection.execute(EVENTS["find_last_below_of_recent"], (recent, start, end)).get
    if found is None and recent > after:
        found = connection.execute(EVENTS["find_last_below"], (start, end, after)).get
    return None if found is None else int(found)


def find_rules(connection: apsw.Connection) -> RulesRaised | None:
    """The event that raised the log's rules last; None while they are the first."""
    for stored in read_from_end(connection, 1, Filter(type=RulesRaised.type)):
        data = stored.decode().data
        return data if isinstance(data, RulesRaised) else None
    return None


def list_types_after(connection: apsw.Connection, event_id: int) -> frozenset[str]:
    """The types of the events after one; `message.posted` only if a message opens or completes a task."""
    return frozenset(str(name) for (name,) in connection.execute(EVENTS["list_types_after"], (event_id,)))


def find_last_event_of(connection: apsw.Connection, actor: str) -> int | None:
    """The last event that `actor` did."""
    found = connection.execute(EVENTS["find_last_event_of"], (actor,)).get
    return None if found is None else int(found)


def find_event_at(connection: apsw.Connection, recorded_at: int) -> int:
    """The id of the last event at or before a time in microseconds, 0 when there is none."""
    low, high = 0, read_head(connection).event_id + 1
    while low + 1 < high:
        middle = (low + high) // 2
        event_id, time = connection.execute(EVENTS["find_event_at"], (middle,)).fetchone() or (high, recorded_at + 1)
        if event_id >= high or time > recorded_at:
            high = middle
        else:
            low = event_id
    return low


def read_now(connection: apsw.Connection, time: TimeSource | None = None) -> int:
    """The log's time in microseconds, as a hub on this machine would have it, but never before the last event."""
    clock = LogClock(time or MachineTime())
    offset = connection.execute(EVENTS["find_clock"], (clock.boot_id,)).get
    if offset is not None:
        clock.offset = int(offset)
    return max(clock.now(), read_head(connection).recorded_at)
