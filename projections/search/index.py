"""The index of words: one FTS5 table in a file of its own beside the storage.

The file says which storage it is of and to which event it was filled, with that event's digest. When either is not what
the log says (another storage, a restored one, another version of this module, damage), it is emptied and filled again.
It is never flushed for safety: what a power cut takes is filled again.
"""

import contextlib
import functools
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final

import apsw
from msgspec import Struct

from arclog.digest import GENESIS
from arclog.sqlite.queries import Queries

VERSION: Final = 1
"""Raised when texts or marks are made otherwise; an index of another version is made again."""
SUFFIX: Final = "-search"
MARKS: Final = 4_096
"""Marks that are remembered: who speaks, and where, is nearly always somebody who did so before."""

SQL: Final = Queries("projections.search", "index.sql")


class Entry(Struct, frozen=True):
    """A message as the index has it: its id, what may be looked for, and its marks."""

    message_id: int
    said: str
    marks: str


def path_of(storage: Path) -> Path:
    """Where the index of a storage is."""
    return storage.with_name(storage.name + SUFFIX)


@functools.lru_cache(maxsize=MARKS)
def mark(name: str, value: str) -> str:
    """The word that stands for `name = value` in the index, whatever characters the value has."""
    return name + blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Index:
    """The index of one storage, over one connection.

    Args:
        path: its file; made where there is none.
        storage: the instance id of the storage that it is of.
    """

    def __init__(self, path: Path, storage: str) -> None:
        self._path = path
        self._storage = storage
        self._connection = self._open()

    def close(self) -> None:
        """End with the file."""
        self._connection.close()

    def filled_to(self) -> tuple[int, bytes]:
        """The last event whose messages are in, and its digest."""
        row = self._connection.execute(SQL["read_about"]).fetchone()
        return (0, GENESIS) if row is None else (int(row[2]), bytes(row[3]))

    def empty(self) -> None:
        """Forget everything, the file included."""
        self._connection.close()
        _remove(self._path)
        self._connection = self._open()

    @contextlib.contextmanager
    def filling(self) -> Iterator[None]:
        """A transaction in which nobody else fills."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:  # after some faults SQLite has rolled back by itself
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def add(self, entries: Iterable[Entry]) -> None:
        """Put in what was said, inside `filling`."""
        self._connection.executemany(SQL["add"], ((one.message_id, one.said, one.marks) for one in entries))

    def advance(self, event_id: int, digest: bytes) -> None:
        """All that was said up to `event_id` is in."""
        self._connection.execute(SQL["advance"], (event_id, digest))

    def remove(self, message_id: int) -> None:
        """Take a message out."""
        self._connection.execute(SQL["remove"], (message_id,))

    def count(self) -> int:
        """How many messages are in."""
        return int(self._connection.execute(SQL["count"]).get)

    def overwrite(self) -> None:
        """Have nothing left in the file of messages that were taken out: the index is merged again, without them."""
        self._connection.execute(SQL["add_segment"])
        self._connection.execute(SQL["merge"])
        self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def find(self, match: str, after: int, before: int, limit: int) -> list[int]:
        """The ids of messages that match, newest first, between `after` and `before` exclusively."""
        bindings = {"match": match, "after": after, "before": before, "limit": limit}
        return [int(row[0]) for row in self._connection.execute(SQL["find"], bindings)]

    def _open(self) -> apsw.Connection:
        """The file as it is if it is this storage's and of this version, else a new one."""
        for _ in range(2):
            connection = _connect(self._path)
            try:
                row = self._begin(connection)
            except (apsw.NotADBError, apsw.CorruptError):
                row = None
            if row == (VERSION, self._storage):
                return connection
            connection.close()
            _remove(self._path)
        raise apsw.CantOpenError(f"{self._path} is made by others again and again")

    def _begin(self, connection: apsw.Connection) -> tuple[int, str]:
        """What the file says that it is; a new file becomes an empty index."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            if connection.execute(SQL["is_new"]).get:
                self._path.chmod(0o600)
                connection.execute(SQL["schema"])
                connection.execute(SQL["begin_filling"], (VERSION, self._storage, GENESIS))
            version, storage = connection.execute(SQL["read_about"]).get[:2]
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return int(version), str(storage)


def _connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(10_000)
    with contextlib.suppress(apsw.Error):  # that it is not a database shows when it is read
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "off")
        connection.pragma("secure_delete", True)
        connection.pragma("journal_size_limit", 1_000_000)
    return connection


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
