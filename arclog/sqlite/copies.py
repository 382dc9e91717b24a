"""A storage that is a hub's copy of a log elsewhere: it notes which log, and is never served without it.

A copy that is taken for the log would be written to alone, and the hubs of the log would never hear of it. So the note
stands in the file itself and goes wherever the file is copied. A storage that was a log of its own becomes a copy only
of a log that has the same events.
"""

from pathlib import Path
from typing import Final

import apsw

from arclog.engine import LogName
from arclog.errors import CopyAlone, StorageError
from arclog.sqlite.connection import storage_errors
from arclog.sqlite.schema import find_setting, set_setting

_LOG_ID: Final = "follows"
_WHERE: Final = "follows_at"


def find_followed(connection: apsw.Connection) -> tuple[str, str] | None:
    """The id of the log that a storage is a copy of, and where that is; None where the storage is the log itself."""
    log_id = find_setting(connection, _LOG_ID)
    return None if log_id is None else (log_id, find_setting(connection, _WHERE) or "")


def find_log_name(connection: apsw.Connection) -> LogName | None:
    """The log that a storage is a copy of; None where the storage is the log itself."""
    followed = find_followed(connection)
    return None if followed is None else LogName(followed[0], find_setting(connection, "origin") or followed[0])


def refuse_alone(connection: apsw.Connection, path: Path) -> None:
    """Make sure that a storage may be written without any other log.

    Raises:
        CopyAlone: it is a copy of one.
    """
    followed = find_followed(connection)
    if followed is not None:
        raise CopyAlone(str(path), followed[1])


def follow_log(connection: apsw.Connection, path: Path, name: LogName, where: str) -> None:
    """Note that a storage is a copy of a log; whether it has the same events is checked by the one who takes the lock.

    Raises:
        StorageError: it is a copy of another one.
    """
    followed = find_followed(connection)
    if followed is not None and followed[0] != name.log_id:
        raise StorageError(
            f"{path} is a copy of another log, the one that was at {followed[1]}, not of the one at {where}",
            advice="new_storage",
        )
    if followed == (name.log_id, where):
        return
    with storage_errors(path), connection:
        set_setting(connection, _LOG_ID, name.log_id)
        set_setting(connection, _WHERE, where)
        set_setting(connection, "instance_id", name.log_id)
        set_setting(connection, "origin", name.origin)


def flush_rarely(connection: apsw.Connection) -> None:
    """Write a copy without a flush for each batch: what it loses in a power cut, the log still has."""
    connection.execute("PRAGMA synchronous = NORMAL")
