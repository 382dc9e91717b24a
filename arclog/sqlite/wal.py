"""Checkpoints: moving what was committed from the WAL into the database file, off the writer's path.

A commit appends to the WAL and flushes that alone. Once the WAL has grown by `PASSIVE_PAGES`, a thread with a
connection of its own copies its pages into the database, beside the writer and the readers. Under a constant load that
never quite ends, since new pages come in meanwhile, and only a WAL that is copied whole starts again at its beginning.
So when the WAL has grown to `LIMIT_PAGES`, the writer copies the few pages that are left itself, between two
transactions.

A reader that stays, such as a shell that was left in a transaction, keeps the WAL from starting again, and it grows for
as long. Nobody waits for that reader. When it has left, the WAL shrinks: to `LARGEST_PAGES` with the next
commit, and to nothing as soon as there is little to do.
"""

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from arclog.errors import StorageError
from arclog.sqlite.connection import open_connection
from arclog.sqlite.in_place import find_size

PASSIVE_PAGES: Final = 1_000
"""4 MB: the WAL's size at which the thread begins to copy, and to which it may stay while there is nothing to do."""
LIMIT_PAGES: Final = 4_000
"""16 MB: the WAL's size at which the writer finishes the copy."""
LARGEST_PAGES: Final = 2 * LIMIT_PAGES
"""The file's size that is kept for the next round under load; to grow it again each time would cost more."""
PAGE_BYTES: Final = 4_096
CALM_SEC: Final = 1.0
CALM_COMMITS: Final = 10
"""With at most this many commits in that time, emptying the WAL is in nobody's way."""


class Checkpointer:
    """Empties the WAL of one storage, told of its size by the writer's connection.

    Args:
        path: the storage's file.
        is_in_place: whether the files that are open are those that lie there; no page of any others is copied.
    """

    def __init__(self, path: Path, is_in_place: Callable[[], bool] = lambda: True) -> None:
        self._path = path
        self._wal = Path(f"{path.resolve()}-wal")
        self._is_in_place = is_in_place
        self._pages = 0
        self._copied = 0
        """How much of the WAL was copied last time."""
        self._finish_at = LIMIT_PAGES
        """At which size the writer finishes the copy; beyond `LIMIT_PAGES` when a reader keeps it from being whole."""
        self._commits = 0
        self._grown = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="arc-checkpointer", daemon=True)

    def watch(self, connection: apsw.Connection) -> None:
        """Follow the size of the WAL through the writer's connection."""
        connection.set_wal_hook(self._committed)
        connection.pragma("journal_size_limit", LARGEST_PAGES * PAGE_BYTES)

    def start(self) -> None:
        """Begin to copy when the WAL has grown."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what is in the WAL stays there, and is no less safe."""
        self._stopping = True
        self._grown.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def is_due(self) -> bool:
        """Whether the writer is to finish a copy that the thread cannot: after its next transaction."""
        return self._pages >= self._finish_at

    def finish_copy(self, connection: apsw.Connection) -> None:
        """Finish it over the writer's connection, between two transactions."""
        self._finish_at = self._pages + PASSIVE_PAGES
        self._pages = self._copied = 0
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _committed(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        if pages < self._pages:
            self._copied = 0  # the WAL has begun again
        if pages < LIMIT_PAGES:
            self._finish_at = LIMIT_PAGES
        self._pages = pages
        self._commits += 1
        if self._has_grown() and not self._grown.is_set():
            self._grown.set()
        return apsw.SQLITE_OK

    def _has_grown(self) -> bool:
        """Whether there is enough to copy.

        More may be noted as copied than there is: when the WAL began again while the thread was at it.
        """
        return not self._copied <= self._pages < self._copied + PASSIVE_PAGES and self._pages >= PASSIVE_PAGES

    def _run(self) -> None:
        connection: apsw.Connection | None = None
        large, commits = False, 0
        while True:
            grown = self._grown.wait(CALM_SEC if large else None)
            self._grown.clear()
            if self._stopping:
                break
            calm, commits = not grown and self._commits - commits <= CALM_COMMITS, self._commits
            if not calm and not self._has_grown():
                continue
            # A checkpoint that fails is no loss: the pages stay in the WAL, and the next one tries again.
            with contextlib.suppress(apsw.Error, StorageError):
                connection = connection or self._connect()
                if self._is_in_place():
                    _size, self._copied = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                    if calm:
                        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            large = (find_size(self._wal) or 0) > PASSIVE_PAGES * PAGE_BYTES
        if connection is not None:
            connection.close()

    def _connect(self) -> apsw.Connection:
        connection = open_connection(self._path)
        connection.set_busy_handler(None)  # whoever reads or writes goes first
        return connection
