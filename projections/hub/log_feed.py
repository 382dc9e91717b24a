"""Following the log: reading what was recorded after a cursor, of all events or of some."""

from msgspec import Struct
from msgspec.structs import replace

from arclog.limits import ANSWER_BYTES, PAGE_ROWS
from arclog.sqlite.reads import EVERYTHING, Filter, read_head
from arclog.sqlite.snapshot import Snapshot, together
from projections.budget import Budget
from projections.encoding import encode_json
from projections.history.changes import add_changes
from projections.history.events import LoggedEvent, each_logged, each_logged_from_end


class EventQuery(Struct, frozen=True):
    """Which events to read.

    Attributes:
        after: only those after this one.
        limit: at most this many.
        where: only those that match.
        tail: the last ones of all instead of the first.
        until: the log ends there, as it was right after that event; None for the log as it is.
        changes: with each event the rows that it changed.
        max_bytes: about how large a page may grow.
    """

    after: int = 0
    limit: int = PAGE_ROWS
    where: Filter = EVERYTHING
    tail: bool = False
    until: int | None = None
    changes: bool = False
    max_bytes: int = ANSWER_BYTES


class EventPage(Struct, frozen=True):
    """Some events of the log in their order, each as JSON.

    Attributes:
        rows: the events, terse.
        ids: their ids.
        reached: how far the log was looked through for them: the cursor to go on after.
        more: whether the page ended because it grew too large.
    """

    rows: list[bytes]
    ids: list[int]
    reached: int
    more: bool = False

    def json(self) -> bytes:
        """The page as a JSON array."""
        return b"[" + b",".join(self.rows) + b"]"


@together
def read_on(snapshot: Snapshot, query: EventQuery) -> EventPage:
    """The events that a query asks for; no more are read than the page has room for.

    Args:
        snapshot: of one moment, so that nothing comes in between.
        query: which events.
    """
    head = snapshot.read(read_head).event_id if query.until is None else query.until
    if query.tail:
        events = snapshot.read(each_logged_from_end, query.limit, query.where, head)
    else:
        events = snapshot.read(each_logged, query.after, query.limit, query.where, head)
    budget = Budget(query.max_bytes)
    ids: list[int] = []

    def encode(event: LoggedEvent) -> bytes:
        ids.append(event.event_id)
        terse = replace(event, digest=None)
        return encode_json(snapshot.read(add_changes, terse) if query.changes else terse)

    rows = budget.fill(events, encode)
    del ids[len(rows) :]
    if query.tail:
        return EventPage(rows[::-1], ids[::-1], head, budget.spent)
    is_full = budget.spent or len(rows) == query.limit
    return EventPage(rows, ids, ids[-1] if is_full else max(query.after, head), budget.spent)
