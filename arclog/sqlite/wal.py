"""Checkpoints: moving what was committed from the WAL into the database file, off the writer's path.

A commit appends to the WAL and flushes that alone. Once the WAL has grown by `passive_pages`, a thread with a
connection of its own copies its pages into the database, beside the writer and the readers. Under a constant load that
never quite ends, since new pages come in meanwhile, and only a WAL that is copied whole starts again at its beginning.
So when the WAL has grown to `limit_pages`, the writer copies the few pages that are left itself, between two
transactions.

A reader that stays, such as a shell that was left in a transaction, keeps the WAL from starting again, and it grows for
as long. Nobody waits for that reader. When it has left, the WAL shrinks: to `largest_pages` with the next
commit, and to nothing as soon as there is little to do.
"""

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw
from msgspec import Struct

from arclog.errors import StorageError
from arclog.sqlite.connection import open_connection
from arclog.sqlite.in_place import find_size

PAGE_BYTES: Final = 4_096
CALM_COMMITS: Final = 10
"""With at most this many commits in `calm_sec`, emptying the WAL is in nobody's way."""


class WalSizes(Struct, frozen=True, kw_only=True):
    """At which sizes of the WAL something is done.

    Attributes:
        passive_pages: where the thread begins to copy, and to which the WAL may stay while there is nothing to do:
            4 MB.
        limit_pages: where the writer finishes the copy: 16 MB.
        largest_pages: the file's size that is kept for the next round under load; to grow it again each time would cost
            more.
        calm_sec: how long few commits must have come before the WAL is emptied.
    """

    passive_pages: int = 1_000
    limit_pages: int = 4_000
    largest_pages: int = 8_000
    calm_sec: float = 1.0


class Checkpointer:
    """Empties the WAL of one storage, told of its size by the writer's connection.

    Args:
        path: the storage's file.
        is_in_place: whether the files that are open are those that lie there; no page of any others is copied.
        sizes: at which sizes of the WAL it copies.
    """

    def __init__(
        self, path: Path, is_in_place: Callable[[], bool] = lambda: True, sizes: WalSizes | None = None
    ) -> None:
        self._path = path
        self._sizes = sizes or WalSizes()
        self._wal = Path(f"{path.resolve()}-wal")
        self._is_in_place = is_in_place
        self._pages = 0
        self._copied = 0
        """How much of the WAL was copied last time."""
        self._finish_at = self._sizes.limit_pages
        """At which size the writer finishes the copy; beyond `limit_pages` when a reader keeps it from being whole."""
        self._commits = 0
        self._told: Callable[[int], None]
        self._grown = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="arc-checkpointer", daemon=True)

    def watch(self, connection: apsw.Connection, told: Callable[[int], None]) -> None:
        """Follow the size of the WAL through the writer's connection.

        Args:
            connection: the connection.
            told: told of each commit how many pages the WAL holds then.
        """
        self._told = told
        connection.set_wal_hook(self._committed)
        connection.pragma("journal_size_limit", self._sizes.largest_pages * PAGE_BYTES)

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
        self._finish_at = self._pages + self._sizes.passive_pages
        self._pages = self._copied = 0
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _committed(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        if pages < self._pages:
            self._copied = 0  # the WAL has begun again
        if pages < self._sizes.limit_pages:
            self._finish_at = self._sizes.limit_pages
        self._pages = pages
        self._commits += 1
        self._told(pages)
        if self._has_grown() and not self._grown.is_set():
            self._grown.set()
        return apsw.SQLITE_OK

    def _has_grown(self) -> bool:
        """Whether there is enough to copy.

        More may be noted as copied than there is: when the WAL began again while the thread was at it.
        """
        step = self._sizes.passive_pages
        return not self._copied <= self._pages < self._copied + step and self._pages >= step

    def _run(self) -> None:
        connection: apsw.Connection | None = None
        large, commits = False, 0
        while True:
            grown = self._grown.wait(self._sizes.calm_sec if large else None)
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
            large = (find_size(self._wal) or 0) > self._sizes.passive_pages * PAGE_BYTES
        if connection is not None:
            connection.close()

    def _connect(self) -> apsw.Connection:
        connection = open_connection(self._path)
        connection.set_busy_handler(None)  # readers and writers go first
        return connection
