"""A storage that is opened once, to be read by one step after the other: verified, replayed, compared."""

from pathlib import Path
from types import TracebackType
from typing import Self

import apsw

from arclog.sqlite.schema import open_existing


class OpenedStorage:
    """One connection on a storage that is only read; a context manager that closes it.

    It is opened when it is first asked for, and again after `let_go`.

    Args:
        path: the storage's file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: apsw.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.let_go()

    @property
    def connection(self) -> apsw.Connection:
        """The connection.

        Raises:
            StorageError: there is no such storage, or it cannot be read.
            NotAnArcStorage: the file holds something else.
        """
        if self._connection is None:
            self._connection = open_existing(self.path)
        return self._connection

    def let_go(self) -> None:
        """Close the connection for now, as must be before this process is copied."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
