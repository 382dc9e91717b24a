"""The writing side of a storage: its one writing connection, what hangs on it, and how it comes back after a fault.

Undoing a transaction is enough when a rule or the hub itself failed, when the disk was full or another hub held the
lock. It is not when the disk failed: the kernel may have dropped the pages that it could not write, and a second flush
would find nothing left to complain of. So the connection is closed without another word, and a new one recovers from
the file, before anything else is answered. Where that fails too, the next transaction tries it again.
"""

import contextlib
from contextlib import AbstractContextManager
from pathlib import Path

import apsw

from arclog.clock import LogClock
from arclog.errors import StorageError
from arclog.sqlite.connection import storage_errors
from arclog.sqlite.log import Log
from arclog.sqlite.schema import open_storage
from arclog.sqlite.wal import Checkpointer
from projections.live_writer import LiveWriter


class WritingSide:
    """The connection of one hub that writes, and what is opened with it; used by one thread at a time.

    Args:
        path: the storage's file.
        clock: the log's clock.

    Attributes:
        log: where events are appended.
        writer: where the rows of the tables go.
        connection: what both write through.

    Raises:
        StorageError: the storage cannot be opened.
    """

    def __init__(self, path: Path, clock: LogClock) -> None:
        self._path = path
        self._clock = clock
        self._checkpointer = Checkpointer(path)
        self.is_lost = False
        """Whether the connection was closed after a fault of the disk, and could not be opened again yet."""
        self._open()

    def start(self) -> None:
        """Empty the WAL from now on."""
        self._checkpointer.start()

    def close(self) -> None:
        """Close the connection."""
        self._checkpointer.stop()
        self.connection.close()

    def errors(self) -> AbstractContextManager[None]:
        """Turn what goes wrong with the storage meanwhile into `StorageError`s."""
        return storage_errors(self._path)

    def begin(self, wait: bool) -> bool:
        """Start a transaction at the log's head, unless that was done already.

        Args:
            wait: whether to wait when another process holds the write lock.

        Returns:
            Whether another process wrote since the last transaction.

        Raises:
            StorageError: it cannot be; nothing is held.
        """
        if self.is_lost:
            self._reopen()
        try:
            with self.errors():
                return self.log.begin(wait)
        except StorageError as error:
            self.undo(error)
            raise

    @property
    def copies_much(self) -> bool:
        """Whether much of the WAL is copied into the database after the next commit."""
        return self._checkpointer.is_due

    def commit(self) -> None:
        """Put the transaction on disk.

        Raises:
            StorageError: it is not there; `undo` must follow.
        """
        copies = self._checkpointer.is_due
        self.log.commit()
        if copies:
            with contextlib.suppress(apsw.Error):
                self._checkpointer.finish_copy(self.connection)

    def undo(self, error: Exception) -> None:
        """Leave nothing of a transaction that came to nothing; after a fault of the disk, on a new connection.

        Args:
            error: why it did.
        """
        if self.is_lost:
            return
        failed = isinstance(error.__cause__ if isinstance(error, StorageError) else error, apsw.IOError)
        try:
            self.log.rollback()
        except apsw.Error:
            failed = True
        if failed:
            self.is_lost = True
            with contextlib.suppress(apsw.Error):
                self.connection.close(True)
            with contextlib.suppress(StorageError):
                self._reopen()

    def _open(self) -> None:
        self.connection = open_storage(self._path)
        self._checkpointer.watch(self.connection)
        self.writer = LiveWriter(self.connection)
        self.log = Log(self.connection, self._path, self._clock)

    def _reopen(self) -> None:
        """Recover from the file, which must be the one that was open."""
        self.log.check_in_place()
        with self.errors():
            self._open()
        self.is_lost = False
