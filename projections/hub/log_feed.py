"""Following the log: reading what was recorded after a cursor, of all events or of some."""

from msgspec import Struct
from msgspec.structs import replace

from arclog.sqlite.reads import EVERYTHING, Filter, read_head
from arclog.sqlite.snapshot import Snapshot, together
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


@together
def read_on(snapshot: Snapshot, query: LogQuery) -> tuple[list[LoggedEvent], int]:
    """The events that a query asks for, and how far the log was looked through for them.

    Args:
        snapshot: of one moment, so that nothing comes in between.
        query: which events.

    Returns:
        The events, terse, and the cursor to go on after.
    """
    head = snapshot.read(read_head).event_id if query.until is None else query.until
    if query.tail:
        events, reached = snapshot.read(read_log_end, query.limit, query.where, head), head
    else:
        events = snapshot.read(read_log, query.after, query.limit, query.where, head)
        reached = events[-1].event_id if len(events) == query.limit else max(query.after, head)
    return [replace(event, digest=None) for event in events], reached
