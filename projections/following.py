"""Following the log: reading what was recorded behind a cursor, of all events or of some."""

import apsw
from msgspec import Struct
from msgspec.structs import replace

from arclog.store import EVERYTHING, Filter, read_head
from projections.history.events import LoggedEvent, read_log


class LogQuery(Struct, frozen=True):
    """Which events to read: those behind `after` that match, at most `limit`."""

    after: int = 0
    limit: int = 100
    where: Filter = EVERYTHING


def read_on(connection: apsw.Connection, query: LogQuery) -> tuple[list[LoggedEvent], int]:
    """The events that a query asks for, and how far the log was looked through for them.

    Args:
        connection: in a transaction, so that nothing comes in between.
        query: which events.

    Returns:
        The events, terse, and the cursor to go on behind.
    """
    head = read_head(connection).event_id
    events = read_log(connection, query.after, query.limit, query.where, head)
    terse = [replace(event, digest=None) for event in events]
    return terse, events[-1].event_id if len(events) == query.limit else max(query.after, head)
