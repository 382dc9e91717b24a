"""Readers: connections of their own, in WAL mode, so that no read ever waits for the writer."""

import threading
from pathlib import Path
from typing import ParamSpec, TypeVar

import apsw

from arclog.errors import StorageGone
from arclog.sqlite.connection import open_connection, storage_errors
from arclog.sqlite.snapshot import Query

P = ParamSpec("P")
T = TypeVar("T")


class Readers:
    """Reading connections on one storage, one for each thread that reads.

    Attributes:
        count: how many reads of one statement there were.
    """

    def __init__(self, path: Path) -> None:
        self.count = 0
        self._path = path
        self._local = threading.local()
        self._open: list[apsw.Connection] = []
        self._lock = threading.Lock()
        self._gone: StorageGone | None = None

    def read(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one query that is one statement, and so sees one state of the log.

        Raises:
            StorageError: the storage cannot be read.
        """
        connection = self._connection()
        self.count += 1
        try:
            return query(connection, *args, **kwargs)
        except apsw.Error:
            with storage_errors(self._path):
                raise

    def read_whole(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query of several statements that must see one state of the log.

        Raises:
            StorageError: the storage cannot be read.
        """
        connection = self._connection()
        with storage_errors(self._path):
            connection.execute("BEGIN")
            try:
                return query(connection, *args, **kwargs)
            finally:
                connection.execute("COMMIT")

    def refuse(self, gone: StorageGone) -> None:
        """From now on, nobody reads: what is open is not the storage any more."""
        self._gone = gone

    def close(self) -> None:
        """Close all connections; the threads must be done with them."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()

    def _connection(self) -> apsw.Connection:
        """This thread's connection."""
        if self._gone is not None:
            raise self._gone.again()
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = open_connection(self._path, read_only=True, guarded=False)
            self._local.connection = connection
            with self._lock:
                self._open.append(connection)
        return connection
