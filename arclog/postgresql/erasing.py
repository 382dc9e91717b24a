"""Erasing on the server: what was erased leaves the events at once, and the server's files when the table is scrubbed.

A hub may not change events. Two functions of the log's owner do it for hubs, and only for what an event of the log says
(`sql/erasing.sql`):

    arc_erase    in the transaction of the event that erases: what it left of others stands in their places
    arc_scrub    afterwards: the table is written again, since its pages, and what PostgreSQL keeps of long values
                 beside them, hold what was there before, also after VACUUM

Out of reach are the server's write-ahead log, until its segments are used again, and whatever its operator copies from
there: archives and backups. A standby follows with its own files.
"""

from collections.abc import Sequence
from typing import Final

from arclog.codec import StoredEvent
from arclog.digest import GENESIS
from arclog.errors import StorageBusy
from arclog.events import PayloadErased
from arclog.postgresql.batch import columns_of_erasure, number
from arclog.postgresql.failures import LOCKED_TOO_LONG, ServerRefused
from arclog.postgresql.line import Ask, Line
from arclog.sqlite.queries import Queries

ERASING: Final = Queries("arclog.postgresql", "erasing.sql")
SCRUB_SEC: Final = 600.0
"""How long the table may take to be written again; hubs are told meanwhile that the log is busy."""
ANSWER_SEC: Final = 5.0


def erasures_of(events: Sequence[StoredEvent]) -> list[Ask]:
    """What a batch has to ask besides, so that what it erases is gone with it."""
    return [("erase", columns_of_erasure(event)) for event in events if event.type == PayloadErased.type]


def scrub(line: Line, erasure: int, barrier: Sequence[Ask]) -> None:
    """Leave nothing in the server's files of what was erased up to some event; does nothing where that was done before.

    Args:
        line: a connection that is used for nothing else, with the statements of a session that may erase.
        erasure: the event.
        barrier: what waits until it is so for good.

    Raises:
        StorageBusy: somebody uses the table for too long.
        ServerRefused: the server refused; nothing was changed.
        LineLost: the connection is over.
    """
    line.prepare({name: ERASING[name] for name in ("find_scrubbed", "list_erasures", "scrub")})
    (((reached,),),) = line.ask(("find_scrubbed", ()), within_sec=ANSWER_SEC)
    if reached >= erasure:
        return
    (rows,) = line.ask(("list_erasures", (number(reached),)), within_sec=SCRUB_SEC)
    events = [StoredEvent(*row) for row in rows]
    if not events:
        return
    try:
        line.ask(
            ("begin", ()),
            ("hold", (number(0), GENESIS)),  # before any lock on the table: two who scrub would wait for each other
            *erasures_of(events),
            ("scrub", (number(events[-1].event_id),)),
            ("commit", ()),
            *barrier,
            within_sec=SCRUB_SEC,
        )
    except ServerRefused as refused:
        if refused.code == LOCKED_TOO_LONG:
            raise StorageBusy("somebody reads the log there for long, such as a backup") from None
        raise
