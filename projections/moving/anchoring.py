"""Anchoring a log: what is to be anchored, and the event that says where that was done."""

from contextlib import closing
from pathlib import Path

from msgspec import Struct

from arclog.clock import LogClock
from arclog.codec import Metadata
from arclog.events import LogAnchored
from arclog.machine_time import MachineTime
from arclog.sqlite.connection import storage_errors
from arclog.sqlite.copies import refuse_alone
from arclog.sqlite.engine import file_log
from arclog.sqlite.reads import read_head
from arclog.sqlite.schema import get_instance_id, open_existing, open_storage
from projections.all_projectors import HANDLERS, project
from projections.checkpoints import advance
from projections.live_writer import LiveWriter


class End(Struct, frozen=True):
    """The end of a log: of which storage, and the last event with its digest."""

    instance_id: str
    event_id: int
    digest: bytes


def read_end(path: Path) -> End:
    """The end of the log of the storage at `path`.

    Raises:
        StorageError: it cannot be read.
    """
    with closing(open_existing(path)) as connection, storage_errors(path):
        connection.execute("BEGIN")
        head = read_head(connection)
        return End(get_instance_id(connection), head.event_id, head.digest)


def record_anchor(path: Path, end: End, place: str, anchored_by: str) -> int:
    """Append that the log is anchored, and bring the tables up to date with it; hubs may run meanwhile.

    Args:
        path: the storage.
        end: what was anchored.
        place: where.
        anchored_by: who had it done.

    Returns:
        The event that says so.

    Raises:
        StorageError: the storage cannot be written.
    """
    with closing(open_storage(path)) as connection, storage_errors(path):
        refuse_alone(connection, path)
        log = file_log(connection, path, LogClock(MachineTime()))
        log.begin()
        try:
            before = log.head().event_id
            anchored = LogAnchored(anchored_by=anchored_by, event_id=end.event_id, digest=end.digest, place=place)
            event = log.append(anchored, log.now(), Metadata("cli"))
            project(HANDLERS, LiveWriter(connection), event)
            advance(connection, before, event.event_id)
            log.commit()
        except BaseException:
            log.rollback()
            raise
    return event.event_id
