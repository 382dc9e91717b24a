"""The first moments of a hub on its storage: channels that every hub has, and tables that match the log."""

from arclog.codec import Metadata
from arclog.events import SYSTEM, ChannelCreated
from arclog.progress import Progress
from arclog.sqlite.log import Log
from projections.all_projectors import HANDLERS, project
from projections.channels import FIRST_CHANNELS
from projections.checkpoints import advance
from projections.live_writer import LiveWriter
from projections.rebuilding.rebuild import bring_up_to_date


def prepare(log: Log, progress: Progress) -> tuple[str, ...]:
    """Bring the projections up to date, and create the first channels in a new log; all of it or nothing.

    Returns:
        The names of the projections that had to be rebuilt.
    """
    log.fetch()
    try:
        log.begin()
        rebuilt = bring_up_to_date(log.connection, progress)
        if log.head().event_id == 0:
            now, writer = log.now(), LiveWriter(log.connection)
            for name in FIRST_CHANNELS:
                event = log.append(ChannelCreated(name=name, created_by=SYSTEM), now, Metadata("hub"))
                project(HANDLERS, writer, event)
            advance(log.connection, log.head().event_id)
            rebuilt = ()
        log.commit()
    except BaseException:
        log.rollback()
        raise
    return rebuilt
