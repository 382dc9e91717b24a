"""What is done when the files of a storage are taken away while it is open: what is not on disk any more, is put there.

    the `-shm` alone            nothing is missing: it holds no data
    the `-wal`                  it is written again, from the descriptor that is still open, under its name
    a file was cut short        what was cut off is still in the memory of the writing connection: the storage is copied
                                from there, and the copy takes its place
    the database                a copy is written beside it; what somebody removed or put there is left to him
    all of it was moved         nothing is missing: it lies elsewhere

Each is safe against an end in the middle of it: a file appears as a whole, under its name, or not at all. In
particular the WAL is not copied into the database here, for if that were broken off there would be no WAL to finish it
with.

After it nobody may commit or copy the WAL over the connections that are open: another hub may have begun with the files
that lie there now.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from secrets import token_hex
from typing import Final

import apsw

from arclog.engine import Head
from arclog.errors import ArcError, StorageDamaged, StorageError, StorageGone
from arclog.sqlite.connection import create_file, open_connection, storage_errors
from arclog.sqlite.in_place import OpenFiles, find_identity, find_size
from arclog.sqlite.log import Log
from arclog.sqlite.new_file import flush_folder, new_file
from arclog.sqlite.open_wal import read_at
from arclog.sqlite.reads import find_event, read_head
from arclog.sqlite.removal import COMPANIONS
from arclog.sqlite.schema import open_existing

_PIECE: Final = 1 << 20
_ALL_IN_MEMORY: Final = -4_000_000
"""A page cache of 4 GB at most: while a copy is made, no page may be dropped that is nowhere else."""
_FOLDER_GOES_WITHIN_SEC: Final = 0.3
"""Whoever deletes a folder deletes its files first: no new one is to be in the way then."""
_DESCRIPTORS: Final = Path("/proc/self/fd")


def rescue(log: Log, gone: StorageGone) -> StorageGone:
    """Save what is not on disk, over the log's connection.

    Args:
        log: the log, in no transaction; it must not be written to after this.
        gone: what was noticed.

    Returns:
        The same error, which now says too what was done about it, and whether the log is whole under its path.
    """
    try:
        kept, done = _save(log)
    except (ArcError, apsw.Error, OSError) as error:
        kept, done = False, f"what was recorded last could not be saved ({error})"
    return StorageGone(f"{gone} while the storage {log.files.path} was in use: {done}; restart the hub", kept)


def _save(log: Log) -> tuple[bool, str]:
    files = log.files
    if find_identity(files.path) != files.main:
        return _save_beside(log)
    wal = _beside(files.database, "-wal")
    if files.is_cut():
        _replace(files.database, _copy(log, files.database))
        return True, "the storage was written again from memory, with everything acknowledged"
    if find_identity(wal) == files.wal:
        return True, "everything acknowledged is on disk"
    if not find_size(wal):
        _tell_others(log.connection)
    with _write_lock(log.connection):  # until now another hub may have committed to the same WAL
        if _write_again(files.wal_descriptor, wal):
            return True, "it was written again, with everything acknowledged"
    return False, f"everything acknowledged was saved as {_copy(log, files.database)}"


def _save_beside(log: Log) -> tuple[bool, str]:
    """The database is not under its path any more: what lies there now, if anything does, is left alone."""
    files, head = log.files, log.head()
    companions = [(_beside(files.database, "-wal"), files.wal), (_beside(files.database, "-shm"), files.shm)]
    ours = [path for path, identity in companions if find_identity(path) == identity]
    if not ours and _has(files.path, head):
        return True, "what lies there now has everything acknowledged"
    elsewhere = _find_name(files)
    moved = elsewhere is not None and find_identity(_beside(elsewhere, "-wal")) == files.wal
    if moved and not files.is_cut(elsewhere):
        return False, f"it lies at {elsewhere} now, with everything acknowledged"
    folder, wait_until = files.path.parent, time.monotonic() + _FOLDER_GOES_WITHIN_SEC
    while folder.is_dir() and time.monotonic() < wait_until:
        time.sleep(0.01)
    place = files.path if folder.is_dir() else elsewhere
    if place is None:
        return False, "what was recorded last could not be saved, for its folder is gone too"
    copy = _copy(log, place)
    for path in ours:  # SQLite would take them for those of what lies there now, or of what is put there next
        path.unlink()
    return False, f"everything acknowledged was saved as {copy}"


def _write_again(descriptor: int, wal: Path) -> bool:
    """Put what an open WAL holds under its name; false when somebody else has written to what lies there now."""
    draft = wal.with_name(f".{wal.name}.{token_hex(8)}.part")
    try:
        create_file(draft)
        with draft.open("wb") as copy:
            copy.writelines(_pieces(descriptor))
            copy.flush()
            os.fsync(copy.fileno())
        if not find_size(wal):
            draft.replace(wal)
            flush_folder(wal.parent)
            return True
        return _begins_with(wal, draft)  # another hub was faster
    finally:
        draft.unlink(missing_ok=True)


def _begins_with(wal: Path, other: Path) -> bool:
    with wal.open("rb") as longer, other.open("rb") as shorter:
        return all(longer.read(len(piece)) == piece for piece in iter(lambda: shorter.read(_PIECE), b""))


def _pieces(descriptor: int) -> Iterator[bytes]:
    place = 0
    while piece := read_at(descriptor, _PIECE, place):
        yield piece
        place += len(piece)


def _copy(log: Log, path: Path) -> Path:
    """Copy the storage, as the log's connection knows it, to a new file beside `path`, and make sure that it is whole.

    The file's name ends as that of `path` does, so that who keeps one out of the way of `git clean` keeps both.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    spare = path.with_name(f"{path.stem}.rescued-{stamp}-{token_hex(2)}{path.suffix}")
    head = log.head()
    log.connection.pragma("cache_size", _ALL_IN_MEMORY)
    with new_file(spare) as draft, storage_errors(draft):
        with closing(open_connection(draft)) as copy, copy.backup("main", log.connection, "main") as pages:
            while not pages.done:
                pages.step(-1)
        with closing(open_connection(draft)) as copy:
            copy.pragma("journal_mode", "DELETE")
            problem = copy.execute("PRAGMA quick_check(1)").get
            if problem != "ok" or read_head(copy) != head:
                raise StorageDamaged(f"the copy is not whole: {problem}")
    return spare


def _replace(path: Path, spare: Path) -> None:
    """Put the copy in the place of the storage. What lies beside that belongs to the old one, and goes first."""
    for end in reversed(COMPANIONS):
        _beside(path, end).unlink(missing_ok=True)
    spare.replace(path)
    flush_folder(path.parent)


def _has(path: Path, head: Head) -> bool:
    """Whether another storage lies at `path` that holds the log up to `head`: a restored one, or a rescued one."""
    try:
        with closing(open_existing(path)) as connection:
            found = find_event(connection, head.event_id)
    except (StorageError, apsw.Error):
        return False
    return found is not None and found.digest == head.digest


def _find_name(files: OpenFiles) -> Path | None:
    """The name that the open database has now, where the system tells; None when it has none any more."""
    try:
        links = list(_DESCRIPTORS.iterdir()) if sys.platform == "linux" else []
    except OSError:
        return None
    for link in links:
        if find_identity(link) == files.main:
            name = Path(os.readlink(link))  # noqa: PTH115 - a name that does not lead anywhere any more is no error
            return name if find_identity(name) == files.main else None
    return None


def _tell_others(connection: apsw.Connection) -> None:
    """Commit, so that other hubs on the same files see a change, and look at the files before they commit again."""
    with contextlib.suppress(apsw.Error):
        connection.pragma("user_version", connection.pragma("user_version"))


@contextlib.contextmanager
def _write_lock(connection: apsw.Connection) -> Iterator[None]:
    """Hold the write lock, if it can be had."""
    with contextlib.suppress(apsw.Error):
        connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        with contextlib.suppress(apsw.Error):
            connection.execute("ROLLBACK")


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)
