"""Snapshots: what a storage holds at one moment, for those who may ask but not look inside.

Queries are functions of the log and the tables, and take a connection as their first argument. Above the tables nobody
has one: the hub, the API and the commands pass queries, with their arguments, to something that runs them. So which
engine keeps the log, and that the tables are in SQLite, can be seen in no line above them.

    hub.read(find_lock, path, at)            one query
    snapshot.read(find_lock, path, at)       one of several that see the same moment
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from arclog.sqlite.connection import open_connection, storage_errors
from arclog.sqlite.schema import open_existing

P = ParamSpec("P")
T = TypeVar("T")

Query = Callable[Concatenate[apsw.Connection, P], T]
"""A query of the log or the tables: `Query[P, T]` takes the arguments `P` and gives a `T`."""


class Snapshot:
    """Runs queries on one connection.

    Args:
        connection: the connection; whether the queries see one moment is up to the code that began its transaction.
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def read(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What a query gives."""
        return query(self._connection, *args, **kwargs)

    def version(self) -> int:
        """A number that changes when another connection has committed something."""
        return int(self._connection.pragma("data_version"))


def together(work: Callable[Concatenate[Snapshot, P], T]) -> Query[P, T]:
    """Make one query of several: `work` gets a snapshot to ask, and what it asks sees one moment if it is run so."""

    def query(connection: apsw.Connection, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return work(Snapshot(connection), *args, **kwargs)

    return query


@contextmanager
def reading(path: Path) -> Iterator[Snapshot]:
    """Read an existing storage; each query sees the present. Nothing is changed, and no files are left.

    Raises:
        StorageError: there is no storage at `path`, or it cannot be read, now or later.
        NotAnArcStorage: the file holds something else.
    """
    with closing(open_existing(path)) as connection, storage_errors(path):
        yield Snapshot(connection)


@contextmanager
def reading_one_moment(path: Path) -> Iterator[Snapshot]:
    """Like `reading`, but all queries see the same moment."""
    with closing(open_existing(path)) as connection, storage_errors(path):
        connection.execute("BEGIN")
        yield Snapshot(connection)
        connection.execute("COMMIT")


@contextmanager
def reading_beside(path: Path, cache_kb: int) -> Iterator[Snapshot]:
    """Read a storage that this process serves, without any check of what it is.

    Args:
        path: the storage.
        cache_kb: memory for its pages.

    Raises:
        StorageError: it cannot be read, now or later.
    """
    with closing(open_connection(path, read_only=True, guarded=False)) as connection, storage_errors(path):
        connection.pragma("cache_size", -cache_kb)
        yield Snapshot(connection)
