"""Files in an open folder, without following a link: read, written whole, listed in their order.

A folder is held open, and a file is a name in it: see `relay.folders`.
"""

import heapq
import os
import secrets
import stat
from contextlib import suppress
from typing import Final

from msgspec import Struct

from relay import folders

PRIVATE: Final = 0o600
TAKEN: Final = ".work"
WAITING: Final = ".json"

MAX_PENDING: Final = 1000
"""Requests of one agent that are looked at in one go; the next look finds the next ones."""

_UNFINISHED: Final = ".relay-"
"""How the names of files begin that are being written."""


Mark = tuple[int, int, int]


class NotAFile(Exception):
    """What lies where a file should be cannot be read as one; the message says why."""


class ReadFile(Struct, frozen=True):
    """A file that was read, and what it was then.

    Attributes:
        content: all of it.
        mark: changes when the file does.
    """

    content: bytes
    mark: Mark


def list_waiting(requests: int, most: int = MAX_PENDING) -> list[str]:
    """The names of the requests in a folder that nobody has taken, in their order.

    The order is that of their last change, and of their names where that is the same.

    Args:
        requests: a handle of the folder.
        most: how many names at most.
    """
    seen = list_dated(requests, WAITING)
    if not seen:
        return []
    # A folder is not read in one moment: a file may be seen where one that came before it was missed. Whatever came
    # before it is there when the folder is read once more.
    last = max(seen)
    before = (dated for dated in list_dated(requests, WAITING) if dated <= last)
    return [name for _, name in heapq.nsmallest(most, before)]


def stem_of(name: str) -> str:
    """A file's name without the suffix that says how far it is."""
    return name.rpartition(".")[0]


def list_dated(folder: int, suffix: str) -> list[tuple[int, str]]:
    """The names with this suffix, each after the time of its last change in nanoseconds."""
    dated: list[tuple[int, str]] = []
    with folders.scan(folder) as entries:
        for entry in entries:
            if entry.name.endswith(suffix) and (not suffix or not entry.name.startswith(".")):
                with suppress(FileNotFoundError):
                    dated.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name))
    return dated


def read_file(folder: int, name: str, max_bytes: int) -> ReadFile:
    """Read a file.

    Raises:
        NotAFile: it is none, or larger than `max_bytes`, and was not read.
        FileNotFoundError: there is none.
    """
    try:
        handle = folders.open_file(folder, name)
    except FileNotFoundError:
        raise
    except OSError as error:  # a link (ELOOP), a socket (ENXIO), or a file that we may not read
        raise NotAFile(f"it cannot be read as a file: {os.strerror(error.errno or 0)}") from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise NotAFile("it is not a regular file")
        if status.st_size > max_bytes:
            raise NotAFile(f"it has {status.st_size} bytes, and at most {max_bytes} are read")
        parts = []
        missing = max_bytes
        while missing and (part := os.read(handle, min(missing, 1 << 20))):
            parts.append(part)
            missing -= len(part)
        return ReadFile(b"".join(parts), mark_of(status))
    finally:
        os.close(handle)


def mark_of(status: os.stat_result) -> Mark:
    """What changes when a file does."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def write_file(folder: int, name: str, content: bytes, mode: int = PRIVATE) -> None:
    """Write a file, which appears whole or not at all, in the place of whatever file has the name.

    Raises:
        OSError: it cannot be written; nothing of it is left.
    """
    unfinished = f"{_UNFINISHED}{secrets.token_hex(8)}"
    try:
        handle = folders.open_new_file(folder, unfinished, mode)
        try:
            _write_all(handle, content)
            if mode != PRIVATE:  # which the process's umask may have narrowed
                folders.restrict_file(handle, mode)
        finally:
            os.close(handle)
        folders.rename(folder, unfinished, name)
    except OSError:
        with suppress(OSError):
            folders.unlink(folder, unfinished)
        raise


def _write_all(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def delete_file(folder: int, name: str) -> None:
    """Delete a file, if there is one.

    Raises:
        OSError: it cannot be deleted.
    """
    with suppress(FileNotFoundError, IsADirectoryError):
        folders.unlink(folder, name)
