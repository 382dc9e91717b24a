"""Erasing in the file: the one change that the log's rows ever see, and what keeps copies from being left.

SQLite overwrites what it frees only when it is told to (`secure_delete`). What was copied before that may lie in unused
parts of pages, or in the WAL; `arclog.proof.copies` looks for it.
"""

import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from arclog.events import ErasedEvent
from arclog.sqlite.connection import NEWEST_FORMAT, open_connection, storage_errors
from arclog.sqlite.schema import EVENTS, find_setting, set_setting

PATIENCE_SEC: Final = 10.0
"""How long a WAL that others read is waited for."""
LOOK_SEC: Final = 0.05
_CLEANED: Final = "erased_to"


def take_out(connection: apsw.Connection, events: Iterable[ErasedEvent]) -> None:
    """Put what is left of some events in their place, inside a transaction; those that are not here are left out."""
    connection.pragma("secure_delete", True)
    connection.execute(EVENTS["allow_changes"])
    for event in events:
        connection.execute(EVENTS["set_data"], (event.data, event.event_id))
    connection.execute(EVENTS["refuse_changes"])
    allow_erased(connection)


def allow_erased(connection: apsw.Connection) -> None:
    """Note that the storage has erased events, whose digests older versions of Arc cannot check."""
    if connection.pragma("user_version") < NEWEST_FORMAT:
        connection.pragma("user_version", NEWEST_FORMAT)


def empty_wal(path: Path, patience_sec: float = PATIENCE_SEC) -> bool:
    """Move what is in the WAL into the file, and leave nothing of it; false while a reader keeps it from being whole.

    Raises:
        StorageError: the storage cannot be written.
    """
    give_up_at = time.monotonic() + patience_sec
    with closing(open_connection(path)) as connection, storage_errors(path):
        connection.set_busy_handler(None)
        while True:
            try:
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except (apsw.BusyError, apsw.LockedError):
                if time.monotonic() > give_up_at:
                    return False
                time.sleep(LOOK_SEC)
            else:
                return True


def rewrite(path: Path) -> None:
    """Rewrite the whole file, so that no unused part of it holds anything; writers wait meanwhile.

    Raises:
        StorageError: it cannot be written; the disk needs room for a second one.
    """
    with closing(open_connection(path)) as connection, storage_errors(path):
        connection.execute("VACUUM")


def find_holding(path: Path, pieces: Iterable[bytes], limit: int) -> list[int]:
    """The first events in whose bytes any of `pieces` lies; this looks at all of them.

    Raises:
        StorageError: the storage cannot be read.
    """
    found = set[int]()
    with closing(open_connection(path, read_only=True)) as connection, storage_errors(path):
        for piece in pieces:
            found.update(event_id for (event_id,) in connection.execute(EVENTS["find_holding"], (piece, piece, limit)))
    return sorted(found)[:limit]


def find_cleaned(connection: apsw.Connection) -> int:
    """The last erasure whose copies were looked after; 0 when there is none."""
    return int(find_setting(connection, _CLEANED) or 0)


def note_cleaned(path: Path, event_id: int) -> None:
    """Note that the copies of what was erased up to an event were looked after.

    Raises:
        StorageError: the storage cannot be written.
    """
    with closing(open_connection(path)) as connection, storage_errors(path):
        set_setting(connection, _CLEANED, str(event_id))
