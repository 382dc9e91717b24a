"""One agent's two folders, held open: what is done with the files of its requests and responses."""

import heapq
import os
import secrets
import stat
from contextlib import suppress
from typing import Final, Self

from msgspec import Struct

PRIVATE: Final = 0o600
TAKEN: Final = ".work"
WAITING: Final = ".json"

MAX_PENDING: Final = 1000
"""Requests of one agent that are looked at in one go; the next look finds the next ones."""
MAX_LEFT: Final = 100_000
"""Requests of one agent that are taken up again when a relay starts; the next start finds the next ones."""

KEEP_ALWAYS: Final = 100
KEEP_AT_MOST: Final = 1000
KEEP_SEC: Final = 86_400.0
KEEP_AT_LEAST_SEC: Final = 60.0
"""Of an agent's answered requests the newest 100 stay, those of the last minute too; what is beyond the newest 1,000
or older than a day goes."""

_UNFINISHED: Final = ".relay-"
"""How the names of files begin that are being written."""

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Opening a pipe with this never waits for its other end."""
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


Mark = tuple[int, int, int]


class NotAFile(Exception):
    """What lies where a file should be cannot be read as one; the message says why."""


class Found(Struct, frozen=True):
    """A file that was read, and what it was then.

    Attributes:
        content: all of it.
        mark: changes when the file does.
    """

    content: bytes
    mark: Mark


class Mailbox:
    """The folders of one agent; a context manager that closes them.

    Args:
        requests: a handle of the folder of requests, to be closed here.
        responses: a handle of the folder of responses, to be closed here.
        file_mode: the permissions of files that are written.
    """

    def __init__(self, requests: int, responses: int, file_mode: int = PRIVATE) -> None:
        self._requests = requests
        self._responses = responses
        self._file_mode = file_mode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._requests)
        os.close(self._responses)

    def list_unanswered(self) -> list[str]:
        """The names of the requests that were taken and have no response, in their order."""
        with os.scandir(self._responses) as entries:
            # An empty file is no response: see withdraw.
            answered = {stem_of(entry.name) for entry in entries if entry.stat(follow_symlinks=False).st_size}
        left = (dated for dated in _dated(self._requests, TAKEN) if stem_of(dated[1]) not in answered)
        return [name for _, name in heapq.nsmallest(MAX_LEFT, left)]

    def read_request(self, name: str, max_bytes: int) -> Found:
        """Read a request.

        Raises:
            NotAFile: it is none, or larger than `max_bytes`, and was not read.
            FileNotFoundError: it is gone.
        """
        return _read(self._requests, name, max_bytes)

    def mark_request(self, name: str) -> Mark:
        """What changes when the request's file does.

        Raises:
            FileNotFoundError: it is gone.
        """
        return _mark(os.stat(name, dir_fd=self._requests, follow_symlinks=False))

    def read_response(self, stem: str, max_bytes: int) -> bytes:
        """The response to a request; empty when something lies in its place that is none.

        Raises:
            FileNotFoundError: there is none.
        """
        try:
            return _read(self._responses, stem + WAITING, max_bytes).content
        except NotAFile:
            return b""

    def take(self, name: str, found: Found | None, max_bytes: int) -> Found | None:
        """Take a request, so that no other relay serves it too.

        Args:
            name: its name, as `list_waiting` gave it.
            found: what was read of it before; None when it could not be read.
            max_bytes: the size up to which it is read again if it was replaced since.

        Returns:
            What was taken, which is `found` unless it was replaced.

        Raises:
            FileNotFoundError: somebody else has taken it.
            OSError: it cannot be taken.
        """
        taken = stem_of(name) + TAKEN
        os.rename(name, taken, src_dir_fd=self._requests, dst_dir_fd=self._requests)
        if found is None or found.mark == self.mark_request(taken):
            return found
        return self.read_request(taken, max_bytes)

    def answer(self, stem: str, content: bytes) -> None:
        """Write a response, which appears whole or not at all.

        Raises:
            OSError: it cannot be written; nothing of it is left.
        """
        unfinished = f"{_UNFINISHED}{secrets.token_hex(8)}"
        try:
            handle = os.open(unfinished, _WRITE, self._file_mode, dir_fd=self._responses)
            try:
                _write_all(handle, content)
                if self._file_mode != PRIVATE:  # which the process's umask may have narrowed
                    os.fchmod(handle, self._file_mode)
            finally:
                os.close(handle)
            os.rename(unfinished, stem + WAITING, src_dir_fd=self._responses, dst_dir_fd=self._responses)
        except OSError:
            with suppress(OSError):
                os.unlink(unfinished, dir_fd=self._responses)
            raise

    def withdraw(self, stem: str) -> None:
        """Take back the response to an earlier request of this id, so that the next one counts as unanswered.

        Where nothing can be deleted an empty file takes its place, which no client takes for a response.

        Raises:
            OSError: not even that is possible, so there can be no response.
        """
        try:
            os.unlink(stem + WAITING, dir_fd=self._responses)
        except FileNotFoundError:
            return
        except OSError:
            self.answer(stem, b"")

    def prune(self, now: float) -> None:
        """Delete what was answered long ago, as far as the mount allows it.

        A request goes before its response: what dies between the two must not look like an unanswered request.

        Args:
            now: seconds since 1970, by the clock that dates the files.
        """
        answers = sorted(_dated(self._responses, ""), reverse=True)
        kept = 0
        with suppress(OSError):
            for changed_at, name in answers:
                age_sec = now - changed_at / 1e9
                kept += 1
                too_many = kept > KEEP_AT_MOST and age_sec > KEEP_AT_LEAST_SEC
                if too_many or (kept > KEEP_ALWAYS and age_sec > KEEP_SEC):
                    if name.endswith(WAITING):
                        _delete(self._requests, stem_of(name) + TAKEN)
                    _delete(self._responses, name)


def list_waiting(requests: int) -> list[str]:
    """The names of the requests in a folder that nobody has taken, in their order.

    The order is that of their last change, and of their names where that is the same.

    Args:
        requests: a handle of the folder.
    """
    seen = _dated(requests, WAITING)
    if not seen:
        return []
    # A folder is not read in one moment: a file may be seen where one that came before it was missed. Whatever came
    # before it is there when the folder is read once more.
    last = max(seen)
    before = (dated for dated in _dated(requests, WAITING) if dated <= last)
    return [name for _, name in heapq.nsmallest(MAX_PENDING, before)]


def stem_of(name: str) -> str:
    """A file's name without the suffix that says how far it is."""
    return name.rpartition(".")[0]


def _dated(folder: int, suffix: str) -> list[tuple[int, str]]:
    """The names with this suffix, each after the time of its last change in nanoseconds."""
    dated: list[tuple[int, str]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(suffix) and (not suffix or not entry.name.startswith(".")):
                with suppress(FileNotFoundError):
                    dated.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name))
    return dated


def _read(folder: int, name: str, max_bytes: int) -> Found:
    try:
        handle = os.open(name, _READ, dir_fd=folder)
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
        return Found(b"".join(parts), _mark(status))
    finally:
        os.close(handle)


def _mark(status: os.stat_result) -> Mark:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _write_all(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _delete(folder: int, name: str) -> None:
    with suppress(FileNotFoundError, IsADirectoryError):
        os.unlink(name, dir_fd=folder)
