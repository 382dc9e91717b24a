"""What a process of Linux has used and has open, by `/proc`."""

import os
from pathlib import Path


def processor_sec(pid: int) -> float:
    """The processor time of a process so far, in seconds; what its children took is not in it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """The memory of a process that is in memory now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_handles(pid: int) -> int:
    """How many files, sockets and the like a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
