"""Where a storage lies: its folder, and filesystems on which SQLite's locks cannot be relied on."""

import os
from pathlib import Path
from typing import Final

from cli.errors import CommandFailed

UNSAFE: Final = frozenset(
    {"9p", "afs", "cifs", "davfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "nfs", "nfs4", "prl_fs", "smb3", "smbfs"}
    | {"vboxsf", "virtiofs", "vmhgfs", "fuse.vmhgfs-fuse"}
)
"""Shared between machines, so that neither locks nor the shared memory of a WAL hold what they promise."""

ADVICE: Final = "check its permissions, or choose another place with --storage"
"""What to do about a folder that cannot be used."""

MOUNTS: Final = Path("/proc/self/mounts")
SMALL_BYTES: Final = 65_536
FOLDER, KIND = 1, 2
"""Which fields of a line there say where, and of which type."""
OCTAL: Final = frozenset("01234567")


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
    try:
        owner = file.owner()
    except (OSError, KeyError):  # it is gone, or its owner has no name
        owner = "another user"
    return f"it belongs to {owner}; run arc as {owner}, or {ADVICE}"


def is_full(folder: Path) -> bool:
    """Whether there is no room left for even a small file."""
    try:
        room = os.statvfs(folder)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < SMALL_BYTES


def find_unsafe_filesystem(path: Path) -> str | None:
    """The type of the filesystem that `path` lies on if two processes cannot safely share a database there.

    None also where the system does not say.
    """
    try:
        lines = MOUNTS.read_text(errors="surrogateescape").split("\n")
    except OSError:
        return None
    place = os.path.realpath(path)
    nearest, kind = "", ""
    for line in lines:
        fields = line.split(" ")  # each may be empty, the source above all
        if len(fields) <= KIND:
            continue
        folder = _unescaped(fields[FOLDER])
        within = place == folder or place.startswith(folder.rstrip("/") + "/")
        if within and len(folder) >= len(nearest):
            nearest, kind = folder, fields[KIND]
    return kind if kind in UNSAFE else None


def _unescaped(text: str) -> str:
    """A mount point as it is: the system writes space, tab, line feed, `#` and backslash as three octal digits."""
    first, *rest = text.split("\\")
    return first + "".join(
        chr(int(part[:3], 8)) + part[3:] if OCTAL.issuperset(part[:3]) and len(part) >= len("040") else f"\\{part}"
        for part in rest
    )
