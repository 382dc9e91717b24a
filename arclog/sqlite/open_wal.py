"""The WAL, held open beside SQLite: what was committed last is in it, even when its name is gone.

On Windows a file that others hold open can be deleted only if each of them allows it, and SQLite deletes its WAL when
the last connection is closed. So it is opened there in a way that allows it.
"""

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import ctypes
    import msvcrt
    import threading
    from ctypes import wintypes
    from typing import Final

    _GENERIC_READ: Final = 0x8000_0000
    _SHARE_ALL: Final = 0x1 | 0x2 | 0x4
    _OPEN_EXISTING: Final = 3

    _create_file: Final = ctypes.WinDLL("kernel32", use_last_error=True).CreateFileW
    _create_file.restype = wintypes.HANDLE
    _create_file.argtypes = [
        *(wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, wintypes.LPVOID),
        *(wintypes.DWORD, wintypes.DWORD, wintypes.HANDLE),
    ]
    _position: Final = threading.Lock()
    """A read at a place is two calls here."""

    def open_wal(path: str | Path) -> int:
        """A descriptor to read with, which keeps nobody from writing or deleting.

        Raises:
            OSError: there is none.
        """
        handle = _create_file(str(path), _GENERIC_READ, _SHARE_ALL, None, _OPEN_EXISTING, 0, None)
        if handle == wintypes.HANDLE(-1).value:
            raise ctypes.WinError(ctypes.get_last_error())
        return msvcrt.open_osfhandle(handle, os.O_RDONLY | os.O_BINARY)

    def read_at(descriptor: int, size: int, place: int) -> bytes:
        """At most this many bytes from a place on; none at the end."""
        with _position:
            os.lseek(descriptor, place, os.SEEK_SET)
            return os.read(descriptor, size)

else:

    def open_wal(path: str | Path) -> int:
        """A descriptor to read with.

        Raises:
            OSError: there is none.
        """
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    read_at = os.pread


if sys.platform == "linux":

    def find_hole(descriptor: int) -> int | None:
        """Where the first stretch begins that was never written; None where the filesystem does not tell."""
        try:
            return os.lseek(descriptor, 0, os.SEEK_HOLE)
        except OSError:
            return None

else:

    def find_hole(descriptor: int) -> int | None:
        """Where the first stretch begins that was never written: other systems do not tell."""
        return None
