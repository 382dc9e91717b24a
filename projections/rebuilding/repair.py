"""Repairing: tables that do not follow from the log are made again from it, in their place, while hubs run.

    replay      all tables once more, in another file, beside the hubs; those that differ are named
    the lock    what was appended meanwhile is replayed too
    in place    the tables of each projection that differs are dropped and filled again, with their indexes
    the event   says which, so that every hub forgets what it remembers of them
    commit      all of it or nothing

Who dies in between leaves the tables as they were. The hubs read on meanwhile, and wait to write only while the tables
are put in their place.
"""

from contextlib import closing
from pathlib import Path

import apsw
from msgspec import Struct

from arclog.clock import LogClock
from arclog.codec import Metadata
from arclog.errors import StorageDamaged
from arclog.events import TablesRepaired
from arclog.machine_time import MachineTime
from arclog.progress import Progress
from arclog.proof.keys import verify_keys
from arclog.sqlite.connection import storage_errors
from arclog.sqlite.copies import refuse_alone
from arclog.sqlite.engine import file_log
from arclog.sqlite.opened import OpenedStorage
from arclog.sqlite.reads import Filter, read_from_end, read_head
from arclog.sqlite.schema import open_existing, open_storage, rebuild_keys
from projections.all_projectors import HANDLERS, PROJECTORS, project
from projections.checkpoints import advance
from projections.live_writer import LiveWriter
from projections.projector import Projector
from projections.rebuilding.differences import attached, find_unlike
from projections.rebuilding.rebuild import drop_tables, find_stale, replay_into
from projections.rebuilding.replay import catch_up, scratch
from projections.rebuilding.verification import verify_log


class Repaired(Struct, frozen=True):
    """What a repair did.

    Attributes:
        head: the last event of the log.
        event_id: the event that says so; None when nothing was to be repaired.
        tables: the tables that did not follow from the log.
        keys: whether the index of idempotency keys did not.
    """

    head: int
    event_id: int | None
    tables: tuple[str, ...]
    keys: bool


def repair(path: Path, repaired_by: str, verifying: Progress, replaying: Progress) -> Repaired:
    """Make the tables of the storage at `path` anew that do not follow from its log.

    Args:
        path: the storage; hubs may run on it.
        repaired_by: who has it done, for the log.
        verifying: told how far the check of the log has come.
        replaying: told how far the replay has come.

    Raises:
        StorageDamaged: the log itself is not what was written, so nothing can follow from it; or the tables are of
            another version of Arc, and are made again by a hub that starts.
        StorageError: the storage cannot be read or written.
    """
    with OpenedStorage(path) as storage:
        chain = verify_log(storage, verifying)
    if chain.findings:
        raise StorageDamaged(f"the log itself is damaged: {chain.findings[0].text}", advice="restore_or_fork")
    with scratch() as replayed, storage_errors(path):
        reached, tables, keys = _find_damage(path, replayed, replaying)
        if not tables and not keys:
            return Repaired(reached, None, (), False)
        with closing(open_storage(path)) as connection:
            return _put_in_place(
                connection, path, replayed, reached, TablesRepaired(repaired_by=repaired_by, tables=tables, keys=keys)
            )


def _find_damage(path: Path, replayed: apsw.Connection, progress: Progress) -> tuple[int, tuple[str, ...], bool]:
    """Replay the log, and compare: up to which event, the tables that differ, and whether the index of keys does."""
    with closing(open_existing(path)) as live:
        stale = find_stale(live)
        if stale:
            raise StorageDamaged(
                f"the tables of {', '.join(stale)} are of another version of Arc: start the hub once, and it makes them"
            )
        reached = read_head(live).event_id
        replay_into(live, replayed, reached, progress)
        with attached(live, replayed.filename):
            head = read_head(live).event_id
            catch_up(live, replayed, reached, head)
            tables = tuple(find_unlike(live))
            keys = next(verify_keys(live, head), None) is not None
    return head, tables, keys


def _put_in_place(
    connection: apsw.Connection, path: Path, replayed: apsw.Connection, reached: int, repaired: TablesRepaired
) -> Repaired:
    refuse_alone(connection, path)
    log = file_log(connection, path, LogClock(MachineTime()))
    log.begin()
    try:
        before = log.head().event_id
        catch_up(connection, replayed, reached, before)
        wanted = set(repaired.tables)
        for projector in PROJECTORS:
            if wanted.intersection(projector.tables):
                _copy(connection, replayed, projector)
        if repaired.keys:
            rebuild_keys(connection)
        event = log.append(repaired, log.now(), Metadata("cli"))
        project(HANDLERS, LiveWriter(connection), event)
        advance(connection, before, event.event_id)
        log.commit()
    except BaseException:
        log.rollback()
        raise
    return Repaired(event.event_id, event.event_id, repaired.tables, repaired.keys)


def _copy(connection: apsw.Connection, replayed: apsw.Connection, projector: Projector) -> None:
    """Fill the tables of a projection with the rows of a replay, and make its indexes."""
    drop_tables(connection, projector)
    connection.execute(projector.schema)
    for table in projector.tables:
        rows = replayed.cursor().execute(f'SELECT * FROM "{table}"')  # noqa: S608 - table names are ours
        first = rows.fetchone()
        if first is not None:
            insert = f'INSERT INTO main."{table}" VALUES ({", ".join("?" * len(first))})'  # noqa: S608
            connection.execute(insert, first)
            connection.executemany(insert, rows)
    connection.execute(projector.indexes)


def find_last_repair(connection: apsw.Connection) -> int:
    """The last event that says that tables were repaired; 0 where none were."""
    return next((one.event_id for one in read_from_end(connection, 1, Filter(type=TablesRepaired.type))), 0)
