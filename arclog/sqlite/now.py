"""The present, for those who only read a log."""

import apsw

from arclog.clock import LogClock, MachineTime, TimeSource
from arclog.sqlite.log import read_head
from arclog.sqlite.schema import EVENTS


def read_now(connection: apsw.Connection, time: TimeSource | None = None) -> int:
    """The log's time in microseconds, as a hub on this machine would have it, but never before the last event."""
    clock = LogClock(time or MachineTime())
    offset = connection.execute(EVENTS["find_clock"], (clock.boot_id,)).get
    if offset is not None:
        clock.offset = int(offset)
    return max(clock.now(), read_head(connection).recorded_at)
