"""Removing a storage for good, which nobody may be using."""

from pathlib import Path
from typing import Final

import apsw

from arclog.errors import NotAnArcStorage, StorageBusy
from arclog.sqlite.connection import APPLICATION_ID, open_connection, storage_errors

COMPANIONS: Final = ("-wal", "-shm")
"""What SQLite keeps beside a database, by the end of its name."""
INDEX: Final = ("-search", "-search-wal", "-search-shm")
"""The index of words, which may be dropped and is filled again."""
BUSY_WITHIN_MS: Final = 500
"""How long another process may keep the storage locked before it counts as in use."""


def remove_storage(path: Path, busy_within_ms: int = BUSY_WITHIN_MS) -> list[Path]:
    """Delete the storage at `path` with all that belongs to it.

    Args:
        path: the storage's file.
        busy_within_ms: how long another process may keep it locked before it counts as in use.

    Returns:
        The files that were there.

    Raises:
        NotAnArcStorage: it is somebody else's file, or a database of Arc 0.1.1; nothing is deleted.
        StorageBusy: a hub or another program uses it; nothing is deleted.
        StorageError: it cannot be opened.
    """
    files = [path, *(path.with_name(path.name + end) for end in (*COMPANIONS, *INDEX))]
    there = [file for file in files if file.exists()]
    if path.stat().st_size > 0:
        _check_unused(path, busy_within_ms)
    for file in files:  # looking into the storage may have made its other files
        file.unlink(missing_ok=True)
    return there


def _check_unused(path: Path, busy_within_ms: int) -> None:
    with storage_errors(path):
        connection = open_connection(path)
        try:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # it may be another's, with a WAL of its own
            connection.set_busy_timeout(busy_within_ms)
            # Must be set before the WAL is touched: then the first access fails if anybody else has the file open.
            connection.pragma("locking_mode", "EXCLUSIVE")
            try:
                application_id = connection.pragma("application_id")
                connection.execute("BEGIN EXCLUSIVE; ROLLBACK")
            except apsw.BusyError:
                raise StorageBusy(
                    f"the storage {path} is in use: stop what uses it first, another hub perhaps", advice="stop_users"
                ) from None
        finally:
            connection.close()
    if application_id != APPLICATION_ID:
        raise NotAnArcStorage(f"{path} is not a storage of this Arc, so it is left as it is: delete it by hand")
