"""Whether a process is what listens on a port."""

from __future__ import annotations

import os
import sys

TABLES = ("tcp", "tcp6")
LISTENS = "0A"


if sys.platform == "win32":
    from arc.windows import is_running

    def listens(pid: int, port: int) -> bool | None:
        """False when process `pid` has ended; else None: whether it listens on the TCP port is not asked here."""
        return None if is_running(pid) else False

else:

    def listens(pid: int, port: int, proc: str = "/proc") -> bool | None:
        """Whether process `pid` listens on the TCP port; None where the system does not tell.

        What counts is the network that the process has: in a sandbox that is not the caller's, and a hub outside is
        none that has gone.

        Args:
            pid: the process.
            port: the port.
            proc: where the system tells of processes; macOS does so nowhere.
        """
        if not os.path.exists(f"{proc}/self/net"):
            return None
        try:
            handles = os.listdir(f"{proc}/{pid}/fd")
        except PermissionError:
            return None
        except OSError:
            return False
        if not handles:  # it has ended, and its parent has not taken note
            return False
        sockets = _listeners(f"{proc}/{pid}/net", port)
        return None if sockets is None else any(_target(f"{proc}/{pid}/fd/{one}") in sockets for one in handles)


def _listeners(net: str, port: int) -> set[str] | None:
    """The sockets that listen on a port in a network, as links in /proc name them."""
    found: set[str] = set()
    readable = False
    wanted = f":{port:04X}"
    for table in TABLES:
        try:
            with open(f"{net}/{table}", encoding="ascii") as file:
                lines = file.readlines()[1:]
        except OSError:
            continue
        readable = True
        for line in lines:
            fields = line.split()
            if fields[3] == LISTENS and fields[1].endswith(wanted):
                found.add(f"socket:[{fields[9]}]")
    return found if readable else None


def _target(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
