"""`.arc.lock`: the right to start or to remove the hub of a storage, held by one process at a time.

It is a file of its own beside the storage. The database itself is not opened for this: closing it again would drop the
locks that SQLite holds.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cli.errors import CommandFailed
from cli.hubs.filesystems import ADVICE, make_folder_of, told_owner

NAME: Final = ".arc.lock"
LOOK_SEC: Final = 0.01


@contextmanager
def holding(storage: Path, give_up_at: float) -> Iterator[None]:
    """Hold the lock of `storage`, waiting for it until `give_up_at` of the monotonic clock.

    Raises:
        CommandFailed: another process held it all the time, or the folder cannot be made or written.
    """
    make_folder_of(storage)
    file = storage.parent / NAME
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        if file.exists():
            raise CommandFailed(f"{file} cannot be written: {told_owner(file)}") from error
        raise CommandFailed(f"the folder {storage.parent} cannot be written: {error.strerror}; {ADVICE}") from error
    try:
        while not _take(descriptor):
            if time.monotonic() > give_up_at:
                raise CommandFailed(f"another process has been starting or removing the hub of {storage} for too long")
            time.sleep(LOOK_SEC)
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:  # whatever it says: the lock itself is tried here, and nothing else
            return False
        return True

else:
    import fcntl

    def _take(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
