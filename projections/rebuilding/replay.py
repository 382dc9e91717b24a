"""Replaying: all tables once more from the log, beside the live ones, and whether both are the same.

The hub may run meanwhile. The long part, reading the log, goes chunk by chunk; only the comparison holds on to one
state of the storage, after what was appended in the meantime has been replayed too.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
from msgspec import Struct

from arclog.errors import InvalidInput
from arclog.events import PayloadErased
from arclog.progress import Progress
from arclog.sqlite.connection import storage_errors
from arclog.sqlite.new_file import new_file
from arclog.sqlite.opened import OpenedStorage
from arclog.sqlite.reads import NO_END, read, read_head
from projections.all_projectors import HANDLERS, PROJECTORS, project
from projections.erasing import erase_rows
from projections.live_writer import LiveWriter
from projections.messages_in_full import IN_FULL
from projections.rebuilding.differences import Difference, attached, find_differences, find_unlike
from projections.rebuilding.rebuild import find_stale, replay_into


class Replay(Struct, frozen=True):
    """What a replay found.

    Attributes:
        head: the last event that was replayed.
        elapsed_sec: how long it took to replay the log, without the comparison.
        stale: projections whose live tables were made by another version of Arc, and so say nothing; when there are
            any, nothing is compared.
        differences: the first difference of each table.
    """

    head: int
    elapsed_sec: float
    stale: tuple[str, ...]
    differences: tuple[Difference, ...]


def replay(storage: OpenedStorage, progress: Progress) -> Replay:
    """Replay the log of a storage and compare.

    Raises:
        StorageError: it cannot be read.
    """
    live = storage.connection
    with scratch() as target, storage_errors(storage.path):
        began_at = time.monotonic()
        reached = read_head(live).event_id
        replay_into(live, target, reached, progress)
        elapsed_sec = time.monotonic() - began_at
        with attached(live, target.filename):
            head = read_head(live).event_id
            catch_up(live, target, reached, head)
            stale = find_stale(live)
            differences = () if stale else tuple(find_differences(live, target, find_unlike(live)))
    return Replay(head, elapsed_sec, stale, differences)


@contextmanager
def scratch() -> Iterator[apsw.Connection]:
    """An empty database that is gone afterwards, in the system's folder for temporary files."""
    with (
        TemporaryDirectory(prefix="arc-replay-") as folder,
        closing(apsw.Connection(str(Path(folder) / "replay.sqlite3"))) as connection,
    ):
        for pragma in ("journal_mode = OFF", "synchronous = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        yield connection


def catch_up(source: apsw.Connection, target: apsw.Connection, after: int, until: int) -> None:
    """Bring replayed tables from one event to another."""
    writer = LiveWriter(target)
    for stored in read(source, after, NO_END, until):
        event = stored.decode()
        project(HANDLERS, writer, event)
        if isinstance(event.data, PayloadErased):
            erase_rows(source, event.data, target)
            writer.memory.clear()
        writer.end_batch()


def replay_to_file(storage: OpenedStorage, target: Path, until: int | None, progress: Progress) -> int:
    """Replay the log of a storage into a new database, to be opened and queried.

    As there is no log in it, it also has a table of the messages in full.

    Args:
        storage: the storage.
        target: the new database.
        until: the last event to replay; None for all there are.
        progress: told how far it has come.

    Returns:
        The last event that was replayed.

    Raises:
        InvalidInput: there is something at `target`, or `until` is beyond the head.
        StorageError: the storage cannot be read, or the new file cannot be written.
    """
    live = storage.connection
    with storage_errors(storage.path):
        head = read_head(live).event_id
        until = head if until is None else until
        if until > head:
            raise InvalidInput("event", f"{until} is beyond event {head}, the last one there is")
        with new_file(target) as draft, closing(apsw.Connection(str(draft))) as connection, storage_errors(target):
            replay_into(live, connection, until, progress, (*PROJECTORS, IN_FULL))
    return until
