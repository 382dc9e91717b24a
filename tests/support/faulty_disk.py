"""A disk that fails when the test says so: an APSW VFS in front of the real one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import apsw

NAME = "faulty-disk"

Fault = Literal["write", "sync", "full", "short", "truncate", "read"]
"""What fails: a write, a flush, a truncation or a read with EIO; a write with ENOSPC; a write after its first half."""


class FaultyDisk(apsw.VFS):
    """Counts what SQLite asks of the disk, and fails one call, or every call from there on.

    Attributes:
        calls: how often what can fail was asked for since `fail` was called.
        fired: how many calls failed.
        on_fire: called at each failure.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.fired = 0
        self.on_fire: Callable[[], None] = _nothing
        self._fault: Fault | None = None
        self._at = 0
        self._lasting = False
        self._lock = threading.Lock()
        self.base = apsw.vfs_names()[0]
        super().__init__(NAME, self.base, makedefault=True)

    def fail(self, fault: Fault, at: int = 1, *, lasting: bool = False) -> None:
        """From now on, fail the `at`-th call of that kind; if `lasting`, all the following ones too."""
        with self._lock:
            self.calls = self.fired = 0
            self._fault, self._at, self._lasting = fault, at, lasting

    def heal(self) -> None:
        """From now on, nothing fails."""
        self._fault = None

    def strikes(self, *kinds: Fault) -> bool:
        """Whether a call that could fail in one of these ways is to fail now."""
        with self._lock:
            if self._fault not in kinds:
                return False
            self.calls += 1
            if self.calls != self._at and not (self._lasting and self.calls > self._at):
                return False
            self.fired += 1
        self.on_fire()
        return True

    @property
    def fault(self) -> Fault | None:
        return self._fault

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "FaultyFile":  # noqa: N802 - SQLite's name
        return FaultyFile(self, name, flags)


class FaultyFile(apsw.VFSFile):
    """A file on such a disk."""

    def __init__(self, disk: FaultyDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        super().__init__(disk.base, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        if self._disk.strikes("write", "full", "short"):
            if self._disk.fault == "full":
                raise apsw.FullError
            if self._disk.fault == "short":
                super().xWrite(data[: len(data) // 2], offset)
            raise io_error(apsw.SQLITE_IOERR_WRITE)
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        if self._disk.strikes("sync"):
            raise io_error(apsw.SQLITE_IOERR_FSYNC)
        super().xSync(flags)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's name
        if self._disk.strikes("truncate"):
            raise io_error(apsw.SQLITE_IOERR_TRUNCATE)
        super().xTruncate(newsize)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's name
        if self._disk.strikes("read"):
            raise io_error(apsw.SQLITE_IOERR_READ)
        return super().xRead(amount, offset)


def _nothing() -> None:
    """Nobody asked to be told."""


def io_error(code: int) -> apsw.IOError:
    error = apsw.IOError()
    setattr(error, "extendedresult", code)  # noqa: B010 - the stubs of APSW do not know it
    return error


@contextmanager
def faulty_disk() -> Iterator[FaultyDisk]:
    """All connections that are opened meanwhile are on such a disk."""
    disk = FaultyDisk()
    try:
        yield disk
    finally:
        disk.heal()
        apsw.set_default_vfs(disk.base)
        disk.unregister()
