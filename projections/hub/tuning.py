"""Numbers that shape how a hub works: how long it waits, and how much it does at once."""

from msgspec import Struct

from arclog.limits import BUSY_SEC
from arclog.rules import KNOWN
from arclog.sqlite.wal import WalSizes
from projections.hub.clockwork import LOOKED_AT_ONCE, MAX_FREED
from projections.hub.cursors import WRITE_EVERY_SEC
from projections.hub.inspection import FOLLOW_SEC, REST
from projections.hub.presence import MAX_NOTICED
from projections.live_writer import MAX_REMEMBERED


class Tuning(Struct, frozen=True, kw_only=True):
    """Numbers that shape how a hub works; nobody needs others, but tests, which want little and soon.

    Attributes:
        busy_sec: how long it waits for another process that holds the log's lock.
        wal: at which sizes of the WAL this is emptied.
        remembered_rows: rows of the tables that the writer remembers.
        noticed_agents: agents that it remembers to have noticed.
        freed_at_once: claims and locks that one event takes back.
        looked_at_once: sessions that are looked at in one go.
        rules: the newest rules that it knows.
        write_cursors_sec: how often cursors that moved are written.
        inspection_rest: how many seconds the check of the log rests for each second that it works.
        inspection_follow_sec: how long it rests after it has seen all.
    """

    busy_sec: float = BUSY_SEC
    wal: WalSizes = WalSizes()
    remembered_rows: int = MAX_REMEMBERED
    noticed_agents: int = MAX_NOTICED
    freed_at_once: int = MAX_FREED
    looked_at_once: int = LOOKED_AT_ONCE
    rules: int = KNOWN
    write_cursors_sec: float = WRITE_EVERY_SEC
    inspection_rest: float = REST
    inspection_follow_sec: float = FOLLOW_SEC
