"""The end of the log: its last events, found from behind."""

from collections import deque
from typing import Final

import apsw

from arclog.codec import StoredEvent
from arclog.store import EVERYTHING, NO_END, Filter, read, read_head

FIRST_WINDOW: Final = 256
GROWTH: Final = 8


def read_last(connection: apsw.Connection, limit: int, where: Filter = EVERYTHING) -> list[StoredEvent]:
    """The last `limit` events that match, in log order.

    Looks at the end of the log first, and further back while that is not enough: the last of many are found at once.
    """
    head = read_head(connection).event_id
    window = max(limit, FIRST_WINDOW)
    while True:
        after = max(0, head - window)
        found = deque(read(connection, after, NO_END, head, where), maxlen=limit)
        if len(found) == limit or after == 0:
            return list(found)
        window *= GROWTH
