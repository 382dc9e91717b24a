"""Looking up places and times in the log: what stands where, when, and who did it."""

import apsw

from arclog.digest import GENESIS
from arclog.sqlite.log import NO_END, read_head
from arclog.sqlite.schema import EVENTS


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
