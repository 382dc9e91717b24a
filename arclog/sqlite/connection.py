"""Connections to the storage: opened in one way, and their errors told in the log's own terms.

SQLite 3.7.0 to 3.51.2 could corrupt a WAL file that several connections use (the "WAL-reset" race), so older libraries
are refused. No descriptor is ever opened on the database or its `-shm` file except by SQLite itself: closing any other
would drop the locks that SQLite holds on them.
"""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

import apsw

from arclog.errors import (
    NotAnArcStorage,
    StorageBusy,
    StorageDamaged,
    StorageError,
    StorageFull,
)
from arclog.limits import BUSY_SEC

OLDEST_SQLITE: Final = 3_051_003
APPLICATION_ID: Final = 0x41726331
"""`Arc1`, in the header of the file."""
FORMAT: Final = 2
"""The layout of the storage, in the header's user version. In format 1 the index of keys held them whole."""
NEWEST_FORMAT: Final = 3
"""A storage becomes of this one when something in it is erased (`arclog.sqlite.erasing`)."""
OLDEST_FORMAT: Final = 1
"""The oldest layout that is read; what writes brings it to the present one."""
FOLDER_ADVICE: Final = "check that its folder exists and may be written, or choose another place"
SHARED_MEMORY_BYTES: Final = 32_768
"""What a WAL's index takes at least."""


def open_connection(
    path: Path,
    *,
    read_only: bool = False,
    immutable: bool = False,
    guarded: bool = True,
    busy_sec: float = BUSY_SEC,
) -> apsw.Connection:
    """Open a connection on an existing storage.

    Args:
        path: the storage's file.
        read_only: refuse every change through this connection.
        immutable: promise that nobody changes the file meanwhile: then it is read without locks and without a WAL, so
            that its folder need not be written.
        guarded: have SQLite guard it against two threads at once. Without it, which SQLite calls "multi-thread", rows
            are read a quarter faster; it is for connections that one thread has for itself.
        busy_sec: how long it waits for another process that holds the write lock.

    Raises:
        StorageError: it cannot be opened, or SQLite is too old.
    """
    if apsw.SQLITE_VERSION_NUMBER < OLDEST_SQLITE:
        raise StorageError(
            f"SQLite {apsw.sqlite_lib_version()} can corrupt a shared WAL file; install apsw 3.54 or newer"
        )
    flags = apsw.SQLITE_OPEN_READONLY if read_only or immutable else apsw.SQLITE_OPEN_READWRITE
    if not guarded:
        flags |= apsw.SQLITE_OPEN_NOMUTEX
    name = f"{path.absolute().as_uri()}?immutable=1" if immutable else str(path)
    with storage_errors(path):
        connection = apsw.Connection(name, flags | apsw.SQLITE_OPEN_URI if immutable else flags)
        wait_when_busy(connection, busy_sec)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA temp_store = MEMORY")
        # REPLACE deletes too: without this the triggers that keep events from being removed would not see it.
        connection.execute("PRAGMA recursive_triggers = ON")
        connection.execute("PRAGMA cache_size = -8000")
    return connection


def wait_when_busy(connection: apsw.Connection, busy_sec: float | None) -> None:
    """Choose how long a connection waits for another process's write lock; with None it fails at once."""
    connection.set_busy_handler(None if busy_sec is None else _BusyWait(busy_sec))


def create_file(path: Path) -> bool:
    """Make an empty file for a new storage, readable by its owner only; false when there is one already."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    except OSError as error:
        raise StorageError(f"cannot create the storage {path}: {error.strerror}; {FOLDER_ADVICE}") from error
    return True


def is_disk_fault(error: Exception) -> bool:
    """Whether an error, or what a `StorageError` was made of, is the disk's."""
    return isinstance(error.__cause__ if isinstance(error, StorageError) else error, apsw.IOError)


def leave_wal(connection: apsw.Connection) -> None:
    """Have the WAL stay as it is when a connection is closed."""
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)


def close_after_fault(connection: apsw.Connection) -> None:
    """Close a connection whose disk has failed, without another word to that."""
    with suppress(apsw.Error):
        leave_wal(connection)
        connection.close(True)


class _BusyWait:
    """Waits for another process's write lock in short steps, so that hubs on one file take turns quickly."""

    def __init__(self, longest_sec: float) -> None:
        self._longest_sec = longest_sec
        self._began = 0.0

    def __call__(self, attempt: int) -> bool:
        now = time.monotonic()
        if attempt == 0:
            self._began = now
        if now - self._began > self._longest_sec:
            return False
        time.sleep(min(0.0002 * (attempt + 1), 0.001))
        return True


class storage_errors:  # noqa: N801 - read like a function: with storage_errors(path)
    """Turn SQLite's errors into `StorageError`s that say what happened and what to do.

    It holds nothing of one use, so that one may be kept for all. A generator would cost each commit ten times as much.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if isinstance(error, apsw.Error):
            raise storage_error(self._path, error) from error


def _is_full(folder: Path) -> bool:
    """Whether the disk has no room for even a page of the WAL's shared memory: SQLite calls that an I/O error."""
    try:
        return shutil.disk_usage(folder).free < SHARED_MEMORY_BYTES
    except OSError:
        return False


def storage_error(path: Path, error: apsw.Error) -> StorageError:
    """What an error of SQLite means for the user of the storage at `path`."""
    match error:
        case apsw.FullError() | apsw.IOError() if isinstance(error, apsw.FullError) or _is_full(path.parent):
            return StorageFull(f"no space left for the storage {path}: free some space, then try again")
        case apsw.BusyError() | apsw.LockedError():
            return StorageBusy(f"another process holds the storage {path} locked: try again in a moment")
        case apsw.NotADBError():
            return NotAnArcStorage(f"{path} is not an Arc storage", advice="other_storage")
        case apsw.CorruptError():
            return StorageDamaged(f"the storage {path} is damaged ({error})", advice="restore_backup")
        case apsw.ReadOnlyError() | apsw.PermissionsError() | apsw.AuthError():
            return StorageError(
                f"the storage {path} cannot be written: check the permissions of the file and its folder"
            )
        case apsw.CantOpenError():
            return StorageError(f"the storage {path} cannot be opened: check that its folder exists and may be written")
        case apsw.IOError():
            return StorageError(f"the disk failed while the storage {path} was used ({error})")
        case _:
            return StorageError(f"the storage {path} failed: {error}")
