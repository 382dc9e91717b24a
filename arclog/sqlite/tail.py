"""The end of the log: its last events, found from the end."""

import apsw

from arclog.codec import StoredEvent
from arclog.sqlite.log import EVERYTHING, Filter, choose_query
from arclog.sqlite.schema import EVENTS


def read_last(connection: apsw.Connection, limit: int, where: Filter = EVERYTHING) -> list[StoredEvent]:
    """The last `limit` events that match, in log order; looked up by the same index as the first ones are."""
    query, bindings = choose_query(where)
    rows = connection.execute(EVENTS[f"{query}_from_end"], bindings | {"limit": limit})
    return [StoredEvent(*row) for row in rows][::-1]
