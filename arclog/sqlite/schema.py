"""A storage's beginning: made once, recognised ever after, and never mistaken for somebody else's file."""

import os
import sys
import time
from pathlib import Path
from typing import Final, Literal
from uuid import uuid4

import apsw

from arclog.codec import decode_metadata
from arclog.errors import NotAnArcStorage, OldDatabase, StorageError
from arclog.keys import hash_key, key_owner
from arclog.limits import BUSY_SEC
from arclog.sqlite.connection import (
    APPLICATION_ID,
    FORMAT,
    NEWEST_FORMAT,
    OLDEST_FORMAT,
    create_file,
    open_connection,
    storage_errors,
)
from arclog.sqlite.holders import PATIENCE_SEC, check_whole
from arclog.sqlite.queries import Queries

EVENTS: Final = Queries("arclog.sqlite", "events.sql")

Kind = Literal["storage", "tables", "arc_011", "foreign", "empty"]
"""What a database may hold: a log and what follows from it, only tables that a replay made, a database of
Arc 0.1.1, somebody else's data, or nothing."""

_TABLES_011: Final = frozenset({"messages", "sessions", "claims", "locks"})


def open_storage(path: Path, *, busy_sec: float = BUSY_SEC, patience_sec: float = PATIENCE_SEC) -> apsw.Connection:
    """Open the storage at `path` for writing, making it when there is no such file.

    Args:
        path: the storage's file.
        busy_sec: how long the connection waits for another process that holds the write lock.
        patience_sec: how long to wait for others to open or close all of its files.

    Raises:
        NotAnArcStorage: the file holds something else, such as a database of Arc 0.1.1, which is left untouched.
        StorageBusy: a process has it open with other companions; see `arclog.sqlite.holders`.
        StorageError: it cannot be opened or made.
    """
    if not create_file(path):
        check_whole(path, patience_sec)
    connection = open_connection(path, busy_sec=busy_sec)
    try:
        with storage_errors(path):
            # Closing the last connection would move a WAL into its file, even if the file turns out to be another's.
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            _recognise(connection, path)
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
            mode = _switch_to_wal(connection, busy_sec)
            if mode != "wal":
                raise StorageError(f"the filesystem of {path} does not support WAL: put the storage on a local disk")
            # The checkpointer empties the WAL beside the writer; see `arclog.sqlite.wal`.
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute("BEGIN IMMEDIATE")
            if not _is_made(connection):
                _make(connection)
            elif connection.pragma("user_version") < FORMAT:
                _bring_up(connection)
            connection.execute("COMMIT")
    except BaseException:
        # This also undoes the transaction, if SQLite has not done so itself.
        connection.close()
        raise
    return connection


def open_existing(path: Path) -> apsw.Connection:
    """Open the storage at `path` for reading, as `open_to_read` does; it must be there.

    Raises:
        StorageError: there is no such file, or it cannot be read.
        NotAnArcStorage: the file holds something else.
    """
    if not path.is_file():
        raise StorageError(f"there is no storage at {path}")
    connection = open_to_read(path)
    try:
        with storage_errors(path):
            _recognise(connection, path)
            if not _is_made(connection):
                raise NotAnArcStorage(f"{path} is empty: it is not an Arc storage yet")
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: Path) -> apsw.Connection:
    """Open any existing database through a connection that changes nothing and leaves no files.

    To read a database, SQLite makes files beside it, and removes them when the last connection that may write is
    closed. So the connection is opened for writing, and its statements are forbidden to write. If a WAL was left there,
    the connection is opened read-only instead, because closing it would move the WAL into the database, and evidence
    must stay as it is. Where the folder cannot be written and no hub can have the database open, it is read without
    those files.

    Raises:
        StorageError: it cannot be read.
    """
    connection = open_connection(
        path, read_only=not _is_at_rest(path), immutable=_lies_untouchable(path), guarded=False
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def kind_of(connection: apsw.Connection) -> Kind:
    """What a database is; it is only read."""
    application_id = connection.pragma("application_id")
    if application_id == APPLICATION_ID:
        return "storage"
    tables = {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "checkpoints" in tables and tables >= _TABLES_011:
        return "tables"
    if tables >= _TABLES_011:
        return "arc_011"
    return "foreign" if application_id or tables else "empty"


def only_tables(path: Path) -> NotAnArcStorage:
    """What to say where a log is needed and there are only tables."""
    return NotAnArcStorage(
        f"{path} has tables that were made from a log, for SQL, and no log: name the storage that they were made from"
    )


def find_setting(connection: apsw.Connection, name: str) -> str | None:
    """A fact about the storage itself, such as its `instance_id`."""
    value = connection.execute(EVENTS["find_setting"], (name,)).get
    return None if value is None else str(value)


def set_setting(connection: apsw.Connection, name: str, value: str) -> None:
    """Keep a fact about the storage itself."""
    connection.execute(EVENTS["set_setting"], (name, value))


def get_instance_id(connection: apsw.Connection) -> str:
    """The id of the coordination state: the same for every hub on this storage, new after a reset or a restore."""
    instance_id = find_setting(connection, "instance_id")
    if instance_id is None:
        raise NotAnArcStorage("the storage has no instance id")
    return instance_id


def get_origin(connection: apsw.Connection) -> str:
    """The instance id of the storage in which this log began: its own, unless it was restored, forked or imported."""
    return find_setting(connection, "origin") or get_instance_id(connection)


def new_instance_id() -> str:
    """An id that no other storage has."""
    return uuid4().hex


def _lies_untouchable(path: Path) -> bool:
    """Whether a storage lies alone in a folder that cannot be written.

    Raises:
        StorageError: what was recorded last is in a WAL, which cannot be read there.
    """
    if os.access(path.parent, os.W_OK) or _beside(path, "-shm").exists():
        return False
    wal = _beside(path, "-wal")
    if _holds_anything(wal):
        raise StorageError(
            f"the WAL of {path} cannot be read, because its folder cannot be written: copy the storage together with "
            f"{wal.name} to a folder that you can write"
        )
    return True


def _is_at_rest(path: Path) -> bool:
    """Whether nothing lies beside a database that belongs into it: no WAL, and no journal of one that is not ours."""
    return not _holds_anything(_beside(path, "-wal")) and not _holds_anything(_beside(path, "-journal"))


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _holds_anything(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def _is_made(connection: apsw.Connection) -> bool:
    return bool(connection.pragma("application_id") == APPLICATION_ID)


def _make(connection: apsw.Connection) -> None:
    connection.execute(EVENTS["schema"])
    set_setting(connection, "instance_id", new_instance_id())
    connection.pragma("application_id", APPLICATION_ID)
    connection.pragma("user_version", FORMAT)


def _bring_up(connection: apsw.Connection) -> None:
    """Bring a storage of format 1 to the present one: its index of idempotency keys is rebuilt from the log."""
    rebuild_keys(connection)
    connection.pragma("user_version", FORMAT)


def rebuild_keys(connection: apsw.Connection) -> None:
    """Make the index of idempotency keys again from the log, inside a transaction."""
    connection.execute(EVENTS["drop_keys"])
    connection.execute(EVENTS["schema_of_keys"])
    keys = connection.cursor()
    for event_id, event_type, actor, stored in connection.execute(EVENTS["read_metadata"], (sys.maxsize,)):
        metadata = decode_metadata(stored)
        if metadata.key is not None:
            owner = key_owner(event_type, actor, metadata)
            keys.execute(EVENTS["keep_key"], (hash_key(owner, metadata.key), event_id))


def _recognise(connection: apsw.Connection, path: Path) -> None:
    """Refuse a file that is not ours. One transaction: another hub may be making the storage at this moment."""
    connection.execute("BEGIN")
    try:
        _check_header(connection, path)
    finally:
        connection.execute("ROLLBACK")


def _switch_to_wal(connection: apsw.Connection, busy_sec: float) -> str:
    """The journal mode that the file is in afterwards. SQLite does not wait for others here, so this does."""
    give_up_at = time.monotonic() + busy_sec
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").get)
        except apsw.BusyError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.005)


def _check_header(connection: apsw.Connection, path: Path) -> None:
    match kind_of(connection):
        case "storage":
            version = connection.pragma("user_version")
            if not OLDEST_FORMAT <= version <= NEWEST_FORMAT:
                raise NotAnArcStorage(
                    f"the storage {path} has format {version}, this Arc reads formats {OLDEST_FORMAT} to "
                    f"{NEWEST_FORMAT}: use the Arc that wrote it"
                )
        case "tables":
            raise only_tables(path)
        case "arc_011":
            raise OldDatabase(str(path))
        case "foreign":
            raise NotAnArcStorage(f"{path} is another program's database: choose another file")
        case "empty":
            pass
