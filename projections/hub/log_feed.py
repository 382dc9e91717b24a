"""Following the log: reading what was recorded after a cursor, of all events or of some."""

import apsw
from msgspec import Struct
from msgspec.structs import replace

from arclog.sqlite.reads import EVERYTHING, Filter, read_head
from projections.history.events import LoggedEvent, read_log, read_log_end


class LogQuery(Struct, frozen=True):
    """Which events to read: those after `after` that match, at most `limit`, or with `tail` the last ones.

    `until` ends the log there, as it was right after that event; None for the log as it is.
    """

    after: int = 0
    limit: int = 100
    where: Filter = EVERYTHING
    tail: bool = False
    until: int | None = None


def read_on(connection: apsw.Connection, query: LogQuery) -> tuple[list[LoggedEvent], int]:
    """The events that a query asks for, and how far the log was looked through for them.

    Args:
        connection: in a transaction, so that nothing comes in between.
        query: which events.

    Returns:
        The events, terse, and the cursor to go on after.
    """
    head = read_head(connection).event_id if query.until is None else query.until
    if query.tail:
        events, reached = read_log_end(connection, query.limit, query.where, head), head
    else:
        events = read_log(connection, query.after, query.limit, query.where, head)
        reached = events[-1].event_id if len(events) == query.limit else max(query.after, head)
    return [replace(event, digest=None) for event in events], reached
