"""The first moments of a hub on its storage: channels that every hub has, and tables that match the log."""

from arclog.codec import Metadata
from arclog.errors import StorageError
from arclog.events import SYSTEM, ChannelCreated
from arclog.progress import Progress
from arclog.rules import KNOWN
from arclog.sqlite.log import Log
from arclog.sqlite.reads import find_rules
from projections.all_projectors import HANDLERS, project
from projections.channels import FIRST_CHANNELS
from projections.checkpoints import note, read_checkpoints, stop_at
from projections.hub.following import follow, take_in
from projections.live_writer import LiveWriter
from projections.rebuilding.rebuild import bring_into_step, find_stale


def prepare(log: Log, progress: Progress) -> tuple[str, ...]:
    """Bring the projections up to date, and create the first channels in a new log; all of it or nothing.

    Returns:
        The names of the projections that had to be rebuilt.
    """
    rebuilt: tuple[str, ...] = ()
    writer = LiveWriter(log.connection)
    try:
        if log.engine.is_remote:
            rebuilt = _catch_up(log, writer, progress)
        moved = log.begin()
        if moved is not None and moved.missing:
            take_in(log, writer, moved.missing)
        _refuse_later_tables(log)
        rebuilt += bring_into_step(log.connection, progress)
        if log.head().event_id == 0:
            now = log.now()
            for name in FIRST_CHANNELS:
                event = log.append(ChannelCreated(name=name, created_by=SYSTEM), now, Metadata("hub"))
                project(HANDLERS, writer, event)
            rebuilt = ()
        note(log.connection, log.head().event_id)
        log.commit()
    except BaseException:
        log.rollback()
        raise
    return rebuilt


def prepare_copy(log: Log, progress: Progress) -> tuple[str, ...]:
    """Bring the projections up to date with a copy of a log that is away.

    Returns:
        The names of the projections that had to be rebuilt.
    """
    return log.change_tables(lambda connection: bring_into_step(connection, progress))


def _refuse_later_tables(log: Log) -> None:
    """Leave the tables alone that a later version of Arc made, on a log whose rules this one does not know.

    Raises:
        StorageError: they are such; this version cannot read them, and a hub of the other may be using them.
    """
    rules = log.read(find_rules)
    if rules is not None and rules.number > KNOWN and log.read(read_checkpoints) and log.read(find_stale):
        raise StorageError(
            f"this storage follows rules {rules.number}, and this version of Arc knows rules up to {KNOWN} and has "
            f"other tables: run Arc {rules.version} or later on it"
        )


def _catch_up(log: Log, writer: LiveWriter, progress: Progress) -> tuple[str, ...]:
    """Bring a copy near the head of a log elsewhere; only a copy that is new has its tables made from the beginning.

    Returns:
        The names of the projections that had to be rebuilt.
    """
    is_new = log.head().event_id == 0
    if is_new:
        log.fetch(lambda _page: stop_at(log.connection, 0))  # a start that was broken off may have made the tables
    rebuilt = log.change_tables(lambda connection: bring_into_step(connection, progress))
    if not is_new:
        follow(log, writer)
    return () if is_new else rebuilt
