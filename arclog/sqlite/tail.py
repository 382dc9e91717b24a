"""The end of the log: its last events, found from the end."""

import apsw

from arclog.codec import StoredEvent
from arclog.sqlite.log import EVERYTHING, NO_END, Filter, choose_query
from arclog.sqlite.schema import EVENTS


def read_last(
    connection: apsw.Connection, limit: int, where: Filter = EVERYTHING, until: int = NO_END
) -> list[StoredEvent]:
    """The last `limit` events up to `until` that match, in log order, by the same index as the first ones."""
    query, bindings = choose_query(where)
    rows = connection.execute(EVENTS[f"{query}_from_end"], bindings | {"until": until, "limit": limit})
    return [StoredEvent(*row) for row in rows][::-1]
