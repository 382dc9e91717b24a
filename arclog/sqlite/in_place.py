"""The files of an open storage: are those that are open still the ones under its path?

When somebody removes, replaces or cuts the files of a storage (`git clean`, `rm`, a backup copied over it), SQLite goes
on writing to the files that it has open: every commit succeeds, and is lost when the process ends. All three files
matter: the database; its `-wal`, which holds the newest commits; and its `-shm`, through which the processes on the
storage agree. Without a common `-shm`, two processes give out the same event id.

So a hub looks at the files before and after each commit. A look costs three calls of `stat`: little compared with a
flush, but much compared with the rest of a batch. A hub under load therefore trusts a look for a few milliseconds.
A look opens nothing but the `-wal`, which carries no locks: closing a second descriptor of the database or of its
`-shm` would drop the locks that SQLite holds.

A `-shm` that was cut short is noticed too, unless a connection touches the missing part first: then the system ends the
process with SIGBUS. Nothing is lost by that, because the `-shm` holds no data.

`arclog.sqlite.rescue` says what is done when a file is not in its place.
"""

import os
import time
import weakref
from pathlib import Path
from typing import Final

import apsw

from arclog.errors import StorageError, StorageGone
from arclog.sqlite.connection import SHARED_MEMORY_BYTES, storage_errors
from arclog.sqlite.open_wal import find_hole, open_wal, read_at
from arclog.sqlite.removal import COMPANIONS

Identity = tuple[int, int]
"""Device and inode: what a file is, under whatever name."""

WAL_HEADER_BYTES: Final = 32
FRAME_HEADER_BYTES: Final = 24
"""The WAL's layout: https://sqlite.org/fileformat2.html#the_write_ahead_log."""
_WAL_MAGIC: Final = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
COUNTS_SEC: Final = 0.01
"""How long a hub trusts a look: what it acknowledges is never older than that."""
_CONFIRMATIONS: Final = 3
"""How often a file that seems cut is looked at: between two steps of one look, another hub may rightly shorten it."""


class OpenFiles:
    """The files of one storage that is open for writing.

    Attributes:
        database: the database, with the links in its path followed, as SQLite does; the other files lie beside it.
        main, wal, shm: device and inode of each file when the storage was opened.
        names: how many names (hard links) the database has.

    Args:
        connection: the writing connection; in no transaction.
        path: the database's path as it was given; a link that leads elsewhere later is noticed too.
        counts_sec: how long a look is trusted; 0 for a look before and after each commit.

    Raises:
        StorageError: a file cannot be looked at.
    """

    def __init__(self, connection: apsw.Connection, path: Path, counts_sec: float = 0.0) -> None:
        self._connection = connection
        self._counts_sec = counts_sec
        self._counts_until = 0.0
        """Until when the last look is trusted, by the monotonic clock."""
        self.path = path.absolute()
        self.database = Path(connection.filename)
        self.names = 1
        self._names = (str(self.path), *(connection.filename + end for end in COMPANIONS))
        try:
            self.wal_descriptor = open_wal(self._names[1])
            weakref.finalize(self, os.close, self.wal_descriptor)
            self.main, self.wal, self.shm = (identity_of(os.stat(name)) for name in self._names)  # noqa: PTH116
            self._main_bytes = self.path.stat().st_size
            self._shm_bytes = Path(self._names[2]).stat().st_size
        except OSError as error:
            raise StorageError(f"the files of the storage {self.path} cannot be used: {error}") from error
        self._page_bytes = int(connection.pragma("page_size"))
        self._least_wal_bytes = 0

    def attach(self, connection: apsw.Connection) -> None:
        """Go on with another connection on the same files."""
        self._connection = connection

    @property
    def were_seen(self) -> bool:
        """Whether the last look is still trusted."""
        return time.monotonic() < self._counts_until

    def check(self) -> None:
        """Look closely; only outside a transaction.

        Raises:
            StorageGone: a file was removed, replaced or cut short.
            StorageError: the files cannot be looked at now.
        """
        frames = self._count_frames()
        if frames is not None:
            self.remember(frames)
        if not self.look() and self.is_cut():
            raise StorageGone("a file was cut short")

    def remember(self, frames: int) -> None:
        """Remember how many pages the WAL holds: cut in the middle, it is as long again a few commits later."""
        self._least_wal_bytes = self._bytes_of(frames)

    def look(self) -> bool:
        """Look at little cost; possible in a transaction and on any thread.

        Returns:
            Whether all is as it should be; if not, `check` finds out what is wrong.

        Raises:
            StorageGone: a file was removed or replaced.
            StorageError: the files cannot be looked at now.
        """
        main_name, wal_name, shm_name = self._names
        self._counts_until = 0.0
        try:
            # Path.stat costs twice as much, and this is on the path of every commit.
            main, wal, shm = os.stat(main_name), os.stat(wal_name), os.stat(shm_name)  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            raise StorageGone(self._what_happened()) from None
        except OSError as error:
            raise StorageError(f"the storage {self.path} cannot be looked at: {error.strerror}") from error
        if identity_of(main) != self.main or identity_of(wal) != self.wal or identity_of(shm) != self.shm:
            raise StorageGone(self._what_happened())
        if shm.st_size < self._shm_bytes:
            raise StorageGone(f"{Path(shm_name).name} was cut short")
        self.names = main.st_nlink
        self._main_bytes = max(self._main_bytes, main.st_size)
        as_they_were = main.st_size == self._main_bytes and self._holds(wal.st_size, self._least_wal_bytes)
        if as_they_were and self.names == 1:
            self._counts_until = time.monotonic() + self._counts_sec
        return as_they_were

    def is_cut(self, database: Path | None = None) -> bool:
        """Whether the database or its WAL is shorter than what the connection knows to be in it.

        Args:
            database: where the database is, if it was moved away.

        Another hub may rightly shorten the WAL, and another program the database: then both files still hold as much
        as they must.
        """
        for _ in range(_CONFIRMATIONS):
            frames = self._count_frames()
            if frames is None:
                return False
            wal_bytes = os.fstat(self.wal_descriptor).st_size
            if frames == self._count_frames() and not self._holds(wal_bytes, self._bytes_of(frames)):
                return True
        main_bytes = (database or self.path).stat().st_size
        if main_bytes == 0 or main_bytes < min(self._main_bytes, self._count_database_bytes()):
            return True
        self._main_bytes = main_bytes
        return False

    def _holds(self, wal_bytes: int, least_bytes: int) -> bool:
        """Whether the WAL holds that much without a gap; a gap shows that it was cut and then written to again."""
        if wal_bytes < least_bytes:
            return False
        if wal_bytes and read_at(self.wal_descriptor, len(_WAL_MAGIC[0]), 0) not in _WAL_MAGIC:
            return False
        return not self._has_gap(least_bytes)

    def _has_gap(self, least_bytes: int) -> bool:
        """Whether a frame before this place is missing: each begins with the number of its page, which is never 0."""
        hole = find_hole(self.wal_descriptor)
        if hole is None or hole >= least_bytes:
            return False
        frame = -((WAL_HEADER_BYTES - hole) // (self._page_bytes + FRAME_HEADER_BYTES))
        place = WAL_HEADER_BYTES + frame * (self._page_bytes + FRAME_HEADER_BYTES)
        return place < least_bytes and read_at(self.wal_descriptor, 4, place) == bytes(4)

    def _bytes_of(self, frames: int) -> int:
        return WAL_HEADER_BYTES + frames * (self._page_bytes + FRAME_HEADER_BYTES) if frames else 0

    def _count_frames(self) -> int | None:
        """How many pages the WAL holds, as the processes on this storage see it; None when that cannot be read now."""
        try:
            return int(self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)[0])
        except (apsw.LockedError, apsw.BusyError):
            return None

    def _count_database_bytes(self) -> int:
        with storage_errors(self.path):
            return int(self._connection.pragma("page_count")) * self._page_bytes

    def _what_happened(self) -> str:
        for name, before in zip(self._names, (self.main, self.wal, self.shm), strict=True):
            now = find_identity(Path(name))
            if now != before:
                return f"{Path(name).name} was {'removed or moved away' if now is None else 'replaced'}"
        return f"{self.path.name} was removed for a moment"


def identity_of(status: os.stat_result) -> Identity:
    """What a file is."""
    return status.st_dev, status.st_ino


def find_identity(path: Path) -> Identity | None:
    """What lies at `path`, None when nothing does."""
    try:
        return identity_of(path.stat())
    except OSError:
        return None


def find_size(path: Path) -> int | None:
    """How many bytes the file at `path` has, None when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def is_memory_cut(database: Path) -> bool:
    """Whether the `-shm` of an open database is shorter than any that SQLite uses."""
    return (find_size(Path(f"{database.resolve()}-shm")) or 0) < SHARED_MEMORY_BYTES


def second_name(path: Path, names: int) -> StorageError:
    """The error about a storage that has several names: SQLite would keep a separate `-wal` for each."""
    return StorageError(
        f"the storage {path} has {names} names (hard links), and a process that opens it under another name does not "
        "see what is written under this one: delete the other names, or replace them by copies"
    )
