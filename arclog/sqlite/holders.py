"""Which processes have a storage open, and do they use the same files? A second hub must not start on half a storage.

A process that has the database open holds a lock on it all the time, and another lock on the `-shm` that it uses. A
process that locks the database but not the `-shm` that lies there uses other files: the `-wal` and the `-shm` were
removed while it ran, or it opened the database under another name, such as a mount of this one file. What it recorded
cannot be seen from here. A hub that started now would give out the same event ids and grant the same locks again.
"""

import os
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import apsw

from arclog.errors import StorageBusy, StorageDamaged
from arclog.sqlite.in_place import find_identity, find_size, second_name
from arclog.sqlite.removal import COMPANIONS

PATIENCE_SEC: Final = 5.0
"""Longer than another process takes between opening the database and its companions, on a machine that is busy too."""
_LOOK_SEC: Final = 0.02
LOCKS: Final = Path("/proc/locks")
"""Where Linux lists the locks that processes hold on files."""


def check_whole(path: Path, patience_sec: float = PATIENCE_SEC, locks: Path = LOCKS) -> None:
    """Before a storage is opened, make sure that every process that has it open uses the files that lie there.

    Args:
        path: the storage's file.
        patience_sec: how long to wait for a process that is opening or closing them.
        locks: where the system lists the locks that processes hold.

    Raises:
        StorageBusy: somebody uses others.
        StorageDamaged: nothing is left of it but what was recorded last.
        StorageError: other names lead to it.
    """
    if path.is_dir():
        return
    if not find_size(path):
        wal = path.with_name(path.name + COMPANIONS[0])
        if find_size(wal):  # which SQLite would delete
            raise StorageDamaged(
                f"the storage {path} is empty, but {wal.name} is not: it was cut short. Restore a backup"
            )
        return
    names = path.stat().st_nlink
    if names > 1:
        raise second_name(path, names)
    give_up_at = time.monotonic() + patience_sec
    while (holder := _find_stranger(path, locks)) is not None:
        if time.monotonic() > give_up_at:
            raise StorageBusy(
                f"{holder} has the storage {path} open, but not all of its files that lie here: some of them were "
                "removed or replaced while it ran, or it opened the storage under another name. End that process first"
            )
        time.sleep(_LOOK_SEC)


if sys.platform == "linux":

    def find_holders(path: Path, locks: Path = LOCKS) -> set[int]:
        """The processes that hold a lock on a file, as far as the system tells."""
        identity = find_identity(path)
        if identity is None:
            return set()
        device, inode = identity
        place = f"{os.major(device):02x}:{os.minor(device):02x}:{inode}"
        try:
            lines = locks.read_text().splitlines()
        except OSError:
            return set()
        return {int(fields[-4]) for line in lines if (fields := line.split())[-3] == place}

else:

    def find_holders(path: Path, locks: Path = LOCKS) -> set[int]:
        """No processes: the system does not tell."""
        return set()


def _find_stranger(path: Path, locks: Path) -> str | None:
    """A process that has the database open but not the companions that lie beside it, or the other way round."""
    database = path.resolve()
    companions = [database.with_name(database.name + end) for end in COMPANIONS]
    strangers = find_holders(database, locks) ^ find_holders(companions[-1], locks)
    if strangers:
        return "process " + ", ".join(map(str, sorted(strangers)))
    # Locks of other containers and other systems are not listed: but they can be felt.
    if all(companion.exists() for companion in companions) or not _is_open(database):
        return None
    return "another process"


def _is_open(database: Path) -> bool:
    """Whether any process has a database open; SQLite is asked, because no other descriptor may be opened on it."""
    with suppress(apsw.Error), closing(apsw.Connection(str(database), apsw.SQLITE_OPEN_READWRITE)) as connection:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        # Before anything is read: then the first access fails if anybody else has the file open, and makes no WAL.
        connection.pragma("locking_mode", "EXCLUSIVE")
        try:
            connection.execute("BEGIN EXCLUSIVE; ROLLBACK")
        except apsw.BusyError:
            return True
    return False
