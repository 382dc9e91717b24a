r"""`relay.folders` on Windows: a folder that is held open there can be neither renamed nor deleted.

So paths below it lead where they led when it was opened, and only the last name has to be looked at: whether it is a
link. Paths begin with `\\?\`, which keeps names such as `NUL.json` from being devices.

Anyone who looks at a file, such as a client at its response or a virus scanner, keeps it from being renamed or deleted
for a moment; so both are tried again for `PATIENCE_SEC`.
"""

import ctypes
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ctypes import wintypes
from pathlib import Path
from typing import Final

assert sys.platform == "win32"

PATIENCE_SEC: Final = 0.2
LOOK_SEC: Final = 0.005

_LIST: Final = 0x1
_SHARE_TO_READ_AND_WRITE: Final = 0x1 | 0x2
"""Without the right to delete it, which renaming needs too."""
_OPEN_EXISTING: Final = 3
_FOLDERS_TOO: Final = 0x0200_0000
_LINKS_THEMSELVES: Final = 0x0020_0000
_READ: Final = os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_BINARY | os.O_NOINHERIT

_kernel32: Final = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel32.CreateFileW.restype = wintypes.HANDLE
_kernel32.CreateFileW.argtypes = [
    *(wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, wintypes.LPVOID),
    *(wintypes.DWORD, wintypes.DWORD, wintypes.HANDLE),
]
_kernel32.CloseHandle.argtypes = [wintypes.HANDLE]

_paths: Final[dict[int, str]] = {}
"""Where the folders are that are held open."""


def open_root(path: Path) -> int:
    """A folder of the operator's, which may be a link.

    Raises:
        OSError: there is none.
    """
    absolute = os.path.abspath(path)
    unc = absolute.startswith("\\\\")
    return _hold(f"\\\\?\\UNC{absolute[1:]}" if unc else f"\\\\?\\{absolute}", _FOLDERS_TOO)


def enter(folder: int, name: str) -> int:
    """A folder that lies in another and is no link.

    Raises:
        OSError: there is none.
    """
    path = _path(folder, name)
    held = _hold(path, _FOLDERS_TOO | _LINKS_THEMSELVES)
    try:
        status = os.lstat(path)
        if _is_link(status) or not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(f"{path} is no folder")
    except OSError:
        close(held)
        raise
    return held


def close(folder: int) -> None:
    """Let a folder go."""
    del _paths[folder]
    _kernel32.CloseHandle(folder)


@contextmanager
def scan(folder: int) -> "Iterator[Iterator[os.DirEntry[str]]]":
    """What lies in a folder."""
    with os.scandir(_paths[folder]) as entries:
        yield entries


def make(folder: int, name: str, mode: int) -> None:
    """Make a folder in another, unless it is there.

    Raises:
        OSError: it cannot be made.
    """
    with suppress(FileExistsError):
        os.mkdir(_path(folder, name), mode)


def restrict(folder: int, mode: int) -> None:
    """Nothing: who may use a folder follows from the one that it lies in."""


def restrict_file(file: int, mode: int) -> None:
    """The same for a file."""


def look_at(folder: int, name: str) -> os.stat_result:
    """What has a name.

    Raises:
        FileNotFoundError: nothing has it.
    """
    return os.lstat(_path(folder, name))


def open_file(folder: int, name: str) -> int:
    """A file, opened to be read.

    Raises:
        OSError: there is none, it is a link, or it may not be read.
    """
    path = _path(folder, name)
    before = os.lstat(path)
    if _is_link(before):
        raise OSError(f"{path} is a link")
    file = os.open(path, _READ)
    if os.fstat(file).st_ino != before.st_ino:
        os.close(file)
        raise OSError(f"{path} was replaced")
    return file


def open_new_file(folder: int, name: str, mode: int) -> int:
    """A file that was not there, opened to be written.

    Raises:
        OSError: it cannot be made.
    """
    return os.open(_path(folder, name), _WRITE, mode)


def rename(folder: int, name: str, new_name: str) -> None:
    """Give a file another name, in the place of whatever has it.

    Raises:
        OSError: it cannot be done.
    """
    _patiently(lambda: os.replace(_path(folder, name), _path(folder, new_name)))


def touch(folder: int, name: str) -> None:
    """Say that a file has changed now.

    Raises:
        OSError: there is none, it is a link, or it cannot be said.
    """
    path = _path(folder, name)
    if _is_link(os.lstat(path)):
        raise OSError(f"{path} is a link")
    os.utime(path)


def unlink(folder: int, name: str) -> None:
    """Delete a file.

    Raises:
        OSError: it cannot be done.
    """
    _patiently(lambda: os.unlink(_path(folder, name)))


def _path(folder: int, name: str) -> str:
    return f"{_paths[folder]}\\{name}"


def _is_link(status: os.stat_result) -> bool:
    return bool(status.st_file_attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT)


def _hold(path: str, flags: int) -> int:
    handle = _kernel32.CreateFileW(path, _LIST, _SHARE_TO_READ_AND_WRITE, None, _OPEN_EXISTING, flags, None)
    if handle == wintypes.HANDLE(-1).value:
        raise ctypes.WinError(ctypes.get_last_error())
    held = int(handle)
    _paths[held] = path
    return held


def _patiently(change: Callable[[], None]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SEC
    while True:
        try:
            change()
        except PermissionError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(LOOK_SEC)
        else:
            return
