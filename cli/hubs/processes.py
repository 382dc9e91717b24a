"""Processes: whether one really is what listens on a port, and when it has ended."""

import os
import time
from pathlib import Path
from typing import Final

LOOK_SEC: Final = 0.01
_TABLES: Final = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
_LISTENS: Final = "0A"


def listens(pid: int, port: int) -> bool | None:
    """Whether process `pid` listens on the TCP port; None where the system does not tell."""
    sockets = _listeners(port)
    if sockets is None:
        return None
    try:
        with os.scandir(f"/proc/{pid}/fd") as handles:
            return any(_target(handle) in sockets for handle in handles)
    except PermissionError:
        return None
    except OSError:
        return False


def wait_for_end(pid: int, within_sec: float) -> bool:
    """Wait until a process has ended, at most `within_sec`; whether it has."""
    give_up_at = time.monotonic() + within_sec
    while is_running(pid):
        if time.monotonic() > give_up_at:
            return False
        time.sleep(LOOK_SEC)
    return True


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended; one that nobody has waited for yet has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # The state stands after the name, which may hold anything, even spaces and brackets.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return not Path("/proc/self").exists() or Path(f"/proc/{pid}").exists()


def _listeners(port: int) -> set[str] | None:
    """The sockets that listen on a port, as links in /proc name them."""
    found: set[str] = set()
    readable = False
    for table in _TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        readable = True
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found if readable else None


def _target(handle: "os.DirEntry[str]") -> str:
    try:
        return os.readlink(handle.path)  # noqa: PTH115 - there may be thousands
    except OSError:
        return ""
