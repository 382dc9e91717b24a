"""The storage that an `arc log` command is about."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.lookup import working_directory
from cli.options import StorageOptions

if TYPE_CHECKING:
    from arclog.connection import Connection


def storage_of(options: StorageOptions) -> Path:
    """The path of the storage."""
    return working_directory() / options.storage


@contextmanager
def reading(options: StorageOptions) -> Iterator["Connection"]:
    """A connection that only reads the storage.

    Raises:
        StorageError: it is not there, is no storage of Arc, or cannot be read.
    """
    from arclog.connection import storage_errors
    from arclog.schema import open_existing

    path = storage_of(options)
    with closing(open_existing(path)) as connection, storage_errors(path):
        yield connection


def find_named(connection: "Connection", text: str, name: str) -> int:
    """The event that `text`, given as `name`, means: an event id, or a time.

    Raises:
        InvalidInput: it means none, or none that is there.
    """
    from projections.moments import find_event_of, find_moment

    event_id = find_event_of(connection, text, name)
    find_moment(connection, event_id, name)
    return event_id


@contextmanager
def snapshot(options: StorageOptions) -> Iterator["Connection"]:
    """The same, in a transaction: everything that is read is of one moment.

    Raises:
        StorageError: it is not there, is no storage of Arc, or cannot be read.
        CommandFailed: no hub has served it yet, or one of another version has, so that there are no tables to read.
    """
    from cli.errors import CommandFailed
    from projections.checkpoints import find_stale

    with reading(options) as connection:
        connection.execute("BEGIN")
        if find_stale(connection):
            raise CommandFailed(f"the tables of {storage_of(options)} are not made yet: start a hub on it once")
        yield connection
        connection.execute("COMMIT")
