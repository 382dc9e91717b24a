"""Filesystems that machines share, on which SQLite's locks cannot be relied on."""

import os
import sys
from pathlib import Path
from typing import Final

UNSAFE: Final = frozenset(
    {"9p", "afs", "cifs", "davfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "nfs", "nfs4", "prl_fs", "smb3", "smbfs"}
    | {"vboxsf", "virtiofs", "vmhgfs", "fuse.vmhgfs-fuse"}
)
"""Shared between machines, so that neither locks nor the shared memory of a WAL hold what they promise."""

MOUNTS: Final = Path("/proc/self/mounts")
FOLDER, KIND = 1, 2
"""Which fields of a line there say where, and of which type."""
OCTAL: Final = frozenset("01234567")

if sys.platform == "win32":
    import ctypes

    NETWORK_DRIVE: Final = 4

    def find_unsafe_filesystem(path: Path, mounts: Path = MOUNTS) -> str | None:
        """What `path` lies on if two processes cannot safely share a database there, such as a network drive."""
        drive = os.path.splitdrive(os.path.realpath(path))[0]
        is_far = drive.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(f"{drive}\\") == NETWORK_DRIVE
        return "network drive" if is_far else None

else:

    def find_unsafe_filesystem(path: Path, mounts: Path = MOUNTS) -> str | None:
        """The type of the filesystem that `path` lies on if two processes cannot safely share a database there.

        None also where the system does not say.
        """
        try:
            lines = mounts.read_text(errors="surrogateescape").split("\n")
        except OSError:
            return None
        place = os.path.realpath(path)
        nearest, kind = "", ""
        for line in lines:
            fields = line.split(" ")  # any of them may be empty, the source most of all
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
