"""The hubs of a log: which of them run beside each other, and what they agree on."""

from collections.abc import Callable
from typing import Final

import apsw

from arclog.events import HubStarted, HubStopped
from arclog.events.processes import Process
from arclog.sqlite.reads import NO_END, Filter, find_last_of_type, read_from_end

MOST_STARTS: Final = 100
"""Starts that are looked through, the last ones."""


def find_shared_ttl(connection: apsw.Connection, is_alive: Callable[[Process], bool]) -> float | None:
    """The presence TTL of the hubs that run on a log, in seconds; None when none runs.

    Args:
        connection: any connection on the storage.
        is_alive: whether a process is there still.
    """
    for stored in read_from_end(connection, MOST_STARTS, Filter(type=HubStarted.type)):
        started = stored.decode().data
        if (
            isinstance(started, HubStarted)
            and started.presence_ttl_sec is not None
            and started.process is not None
            and find_last_of_type(connection, stored.stream, HubStopped.type, NO_END) is None
            and is_alive(started.process)
        ):
            return started.presence_ttl_sec
    return None
