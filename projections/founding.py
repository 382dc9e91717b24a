"""The first moments of a hub on its storage: channels that every hub has, and tables that match the log."""

from typing import Final

from arclog.codec import Metadata
from arclog.events import DIRECT_CHANNEL, GENERAL_CHANNEL, SYSTEM, ChannelCreated
from arclog.progress import Progress
from arclog.store import Log
from projections.catalog import project
from projections.checkpoints import advance
from projections.direct_writer import DirectWriter
from projections.rebuild import bring_up_to_date

FIRST_CHANNELS: Final = (GENERAL_CHANNEL, DIRECT_CHANNEL)


def prepare(log: Log, progress: Progress) -> tuple[str, ...]:
    """Bring the projections up to date, and create the first channels in a new log; all of it or nothing.

    Returns:
        The names of the projections that had to be rebuilt.
    """
    log.begin()
    try:
        rebuilt = bring_up_to_date(log.connection, progress)
        if log.head().event_id == 0:
            now, writer = log.now(), DirectWriter(log.connection)
            for name in FIRST_CHANNELS:
                event = log.append(ChannelCreated(name=name, created_by=SYSTEM), now, Metadata("hub"))
                project(writer, event)
            advance(log.connection, log.head().event_id)
            rebuilt = ()
        log.commit()
    except BaseException:
        log.rollback()
        raise
    return rebuilt
