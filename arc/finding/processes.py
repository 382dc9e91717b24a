"""What the system tells of a process: whether it stands still, and whether it is in this network."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":

    def read_state(pid: int) -> str:
        """Nothing is told here."""
        return ""

    def read_network(pid: int | str = "self") -> str:
        """Nothing is told here."""
        return ""

else:

    def read_state(pid: int) -> str:
        """The letter that Linux has for what a process does; empty where nothing is told."""
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                # It stands after the name, which may hold anything, even spaces and brackets.
                return file.read().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return ""

    def read_network(pid: int | str = "self") -> str:
        """What names the network of a process, as long as somebody is in it; empty where nothing is told."""
        try:
            return os.readlink(f"/proc/{pid}/ns/net")
        except OSError:
            return ""


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped (Ctrl-Z, SIGSTOP, a debugger) and has not been told to go on."""
    return read_state(pid) in {"T", "t"}


def is_another_network(network: str) -> bool:
    """Whether that is another network than this process has, as outside of a sandbox; False where nothing is told."""
    own = read_network()
    return bool(network and own) and network != own


def how_to_go_on(pid: int) -> str:
    """What to say of a process that is stopped."""
    return f"is stopped, as by Ctrl-Z: kill -CONT {pid} lets it go on, kill -KILL {pid} ends it"
