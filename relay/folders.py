"""Folders that are held open, and what is done in them by name: nothing here follows a link.

A folder is an integer that stands for it until `close`, and a file is a name in it: whatever is swapped in meanwhile
leads nowhere else. What that takes is different on Windows (`relay.folders_on_windows`), which knows no names relative
to an open folder.
"""

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = [
    "close",
    "enter",
    "look_at",
    "make",
    "open_file",
    "open_new_file",
    "open_root",
    "rename",
    "restrict",
    "restrict_file",
    "scan",
    "touch",
    "unlink",
]

if sys.platform == "win32":
    from relay.folders_on_windows import (
        close,
        enter,
        look_at,
        make,
        open_file,
        open_new_file,
        open_root,
        rename,
        restrict,
        restrict_file,
        scan,
        touch,
        unlink,
    )
else:
    _FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    _READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    """Opening a pipe with this never waits for its other end."""
    _WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

    close = os.close
    scan = os.scandir

    def open_root(path: Path) -> int:
        """A folder of the operator's, which may be a link.

        Raises:
            OSError: there is none.
        """
        return os.open(path, _FOLDER)

    def enter(folder: int, name: str) -> int:
        """A folder that lies in another and is no link.

        Raises:
            OSError: there is none.
        """
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)

    def make(folder: int, name: str, mode: int) -> None:
        """Make a folder in another, unless it is there.

        Raises:
            OSError: it cannot be made.
        """
        with suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=folder)

    def restrict(folder: int, mode: int) -> None:
        """Give a folder of ours its mode, which the process's umask may have narrowed."""
        status = os.fstat(folder)
        if stat.S_IMODE(status.st_mode) != mode and status.st_uid == os.geteuid():
            with suppress(OSError):  # a mount may know no modes
                os.fchmod(folder, mode)

    def restrict_file(file: int, mode: int) -> None:
        """The same for a file that was opened."""
        os.fchmod(file, mode)

    def look_at(folder: int, name: str) -> os.stat_result:
        """What has a name.

        Raises:
            FileNotFoundError: nothing has it.
        """
        return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def open_file(folder: int, name: str) -> int:
        """A file, opened to be read.

        Raises:
            OSError: there is none, it is a link, or it may not be read.
        """
        return os.open(name, _READ, dir_fd=folder)

    def open_new_file(folder: int, name: str, mode: int) -> int:
        """A file that was not there, opened to be written.

        Raises:
            OSError: it cannot be made.
        """
        return os.open(name, _WRITE, mode, dir_fd=folder)

    def rename(folder: int, name: str, new_name: str) -> None:
        """Give a file another name, in the place of whatever has it.

        Raises:
            OSError: it cannot be done.
        """
        os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=folder)

    def touch(folder: int, name: str) -> None:
        """Say that a file has changed now.

        Raises:
            OSError: there is none, or it cannot be said.
        """
        os.utime(name, dir_fd=folder, follow_symlinks=False)

    def unlink(folder: int, name: str) -> None:
        """Delete a file.

        Raises:
            OSError: it cannot be done.
        """
        os.unlink(name, dir_fd=folder)
