"""Checkpoints: moving what was committed from the WAL into the database file, off the writer's path.

A commit appends to the WAL and flushes that alone. Once the WAL has grown by `PASSIVE_PAGES`, a thread with a
connection of its own copies its pages into the database, beside the writer and the readers. Under a constant load that
never quite ends, since new pages come in meanwhile, and only a WAL that is copied whole starts again at its beginning.
So when the WAL has grown to `LIMIT_PAGES`, the writer copies the few pages that are left itself, between two
transactions.
"""

import contextlib
import threading
from pathlib import Path
from typing import Final

import apsw

from arclog.errors import StorageError
from arclog.sqlite.connection import open_connection

PASSIVE_PAGES: Final = 1_000
"""4 MB: the WAL's size at which the thread begins to copy."""
LIMIT_PAGES: Final = 4_000
"""16 MB: the WAL's size at which the writer finishes the copy."""


class Checkpointer:
    """Empties the WAL of one storage, told of its size by the writer's connection.

    Args:
        path: the storage's file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pages = 0
        self._copied = 0
        """How much of the WAL was copied last time."""
        self._grown = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="arc-checkpointer", daemon=True)

    def watch(self, connection: apsw.Connection) -> None:
        """Follow the size of the WAL through the writer's connection."""
        connection.set_wal_hook(self._committed)

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
        return self._pages >= LIMIT_PAGES

    def finish_copy(self, connection: apsw.Connection) -> None:
        """Finish it over the writer's connection, between two transactions."""
        self._pages = self._copied = 0
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _committed(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        if pages < self._pages:
            self._copied = 0  # the WAL has begun anew
        self._pages = pages
        if self._has_grown() and not self._grown.is_set():
            self._grown.set()
        return apsw.SQLITE_OK

    def _has_grown(self) -> bool:
        """Whether there is enough to copy.

        More may be noted as copied than there is: when the WAL began anew while the thread was at it.
        """
        return not self._copied <= self._pages < self._copied + PASSIVE_PAGES and self._pages >= PASSIVE_PAGES

    def _run(self) -> None:
        connection: apsw.Connection | None = None
        while True:
            self._grown.wait()
            self._grown.clear()
            if self._stopping:
                break
            if not self._has_grown():
                continue
            # A checkpoint that fails is no loss: the pages stay in the WAL, and the next one tries again.
            with contextlib.suppress(apsw.Error, StorageError):
                connection = connection or open_connection(self._path)
                _size, self._copied = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        if connection is not None:
            connection.close()
