"""Rescue: when the files of a storage are taken away while it is open, what is no longer on disk is written again.

    the `-shm` is gone          nothing is missing: it holds no data
    the `-wal` is gone          it is written again under its name, from the descriptor that is still open
    a file was cut short        the memory of the writing connection still has what was cut off: the storage is copied
                                from there, and the copy takes its place
    the database is gone        a copy is written next to its place; what lies there now is left alone
    all files were moved        nothing is missing: they lie elsewhere

Each of these may be interrupted at any point: a file appears whole under its name, or not at all. In particular, the
WAL is not copied into the database here: if that were interrupted, there would be no WAL left to finish it.

Afterwards nobody may commit, or copy the WAL, through the connections that are open: another hub may have started on
the files that lie there now.
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
"""How long to wait before making a new file: a folder is deleted after its files, and a new one would keep it."""
_DESCRIPTORS: Final = Path("/proc/self/fd")


def rescue(log: Log, gone: StorageGone) -> StorageGone:
    """Save what is not on disk, over the log's connection.

    Args:
        log: the log, in no transaction; it must not be written to after this.
        gone: what was noticed.

    Returns:
        The same error, which now also says what was done, and whether the log is whole under its path.
    """
    try:
        kept, done = _save(log)
    except (ArcError, apsw.Error, OSError) as error:
        kept, done = False, f"the newest events could not be saved ({error})"
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
    """Save the log when the database is no longer under its path; whatever lies there now is left alone."""
    files, head = log.files, log.head()
    companions = [(_beside(files.database, "-wal"), files.wal), (_beside(files.database, "-shm"), files.shm)]
    ours = [path for path, identity in companions if find_identity(path) == identity]
    if not ours and _has(files.path, head):
        return True, "the file that lies there now has everything acknowledged"
    elsewhere = _find_name(files)
    moved = elsewhere is not None and find_identity(_beside(elsewhere, "-wal")) == files.wal
    if moved and not files.is_cut(elsewhere):
        return False, f"it lies at {elsewhere} now, with everything acknowledged"
    folder, wait_until = files.path.parent, time.monotonic() + _FOLDER_GOES_WITHIN_SEC
    while folder.is_dir() and time.monotonic() < wait_until:
        time.sleep(0.01)
    place = files.path if folder.is_dir() else elsewhere
    if place is None:
        return False, "the newest events could not be saved, because the folder is gone too"
    copy = _copy(log, place)
    for path in ours:  # SQLite would take them for those of what lies there now, or of what is put there next
        path.unlink()
    return False, f"everything acknowledged was saved as {copy}"


def _write_again(descriptor: int, wal: Path) -> bool:
    """Write the content of an open WAL under its name; false when another process has written to the file there."""
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

    The file's name ends as that of `path` does, so that a rule that protects one from `git clean` protects both.
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
    """Put the copy in the place of the storage. The files beside it belong to the old one, and are deleted first."""
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
    """The name that the open database has now, if the system tells; None when it has no name any more."""
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
