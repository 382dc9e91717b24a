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
            and not _has_ended(connection, stored.stream)
            and is_alive(started.process)
        ):
            return started.presence_ttl_sec
    return None


def find_process(connection: apsw.Connection, hub_id: str) -> Process | None:
    """The process that a hub runs in, or ran in; None when it has ended in good order, or did not say.

    Args:
        connection: any connection on the storage.
        hub_id: the hub.
    """
    for stored in read_from_end(connection, 1, Filter(type=HubStarted.type, stream=f"hub/{hub_id}")):
        started = stored.decode().data
        if isinstance(started, HubStarted) and not _has_ended(connection, stored.stream):
            return started.process
    return None


def _has_ended(connection: apsw.Connection, stream: str) -> bool:
    return find_last_of_type(connection, stream, HubStopped.type, NO_END) is not None
