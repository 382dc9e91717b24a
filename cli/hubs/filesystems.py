"""Where a storage lies: its folder, and whether this user may use it."""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from cli.errors import CommandFailed

ADVICE: Final = "check its permissions, or choose another place with --storage"
"""What to do about a folder that cannot be used."""

SMALL_BYTES: Final = 65_536


def make_folder_of(storage: Path) -> None:
    """Make the folder that a storage is to lie in, if it is missing.

    Raises:
        CommandFailed: it cannot be made.
    """
    try:
        storage.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(f"the folder {storage.parent} cannot be made: {error.strerror}; {ADVICE}") from error


def check_access(storage: Path, *, writing: bool) -> None:
    """Make sure that this user may use the files of a storage, as far as they are there.

    Args:
        storage: the database.
        writing: whether it is to be written.

    Raises:
        CommandFailed: one of them belongs to somebody else, who keeps it for himself.
    """
    for file in (storage, storage.with_name(f"{storage.name}-wal"), storage.with_name(f"{storage.name}-shm")):
        if file.exists() and not os.access(file, os.R_OK | os.W_OK if writing else os.R_OK):
            raise CommandFailed(f"{file} cannot be {'written' if writing else 'read'}: {told_owner(file)}")


def told_owner(file: Path) -> str:
    """Whose a file is that this user may not use, and what to do."""
    owner = _find_owner(file) or "another user"
    return f"it belongs to {owner}; run arc as {owner}, or {ADVICE}"


def is_full(folder: Path) -> bool:
    """Whether there is no room left for even a small file."""
    try:
        return shutil.disk_usage(folder).free < SMALL_BYTES
    except OSError:
        return False


if sys.platform == "win32":

    def _find_owner(file: Path) -> str | None:
        """None: it is not asked there."""
        return None

else:

    def _find_owner(file: Path) -> str | None:
        """The name of a file's owner; None when the file is gone, or its owner has no name."""
        try:
            return file.owner()
        except (OSError, KeyError):
            return None
