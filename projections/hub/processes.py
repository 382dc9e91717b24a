"""Processes of this machine: whether one that somebody named is there still.

A number alone does not say, since it is given again; with the time of its start and the boot of the machine it does.
Where the system does not tell (it is not Linux), nothing is known of any process.
"""

import os
import sys
from pathlib import Path

from arclog.events.processes import Process
from arclog.machine_time import MachineTime


def find_own() -> Process | None:
    """This process; None where the system does not tell."""
    started = _find_start(os.getpid())
    return None if started is None else Process(os.getpid(), started, MachineTime().boot_id(), _find_namespace())


def is_alive(process: Process) -> bool:
    """Whether a process is there still, as far as this machine can tell: not when it is another machine's."""
    return process.boot_id == MachineTime().boot_id() and _find_start(process.pid) == process.started


def is_dead(process: Process) -> bool:
    """Whether a process is known to be gone: nothing is known of those of another machine, or another container."""
    own = _find_namespace()
    is_near = process.boot_id == MachineTime().boot_id() and own is not None and process.namespace == own
    return is_near and _is_gone(process)


def _is_gone(process: Process) -> bool:
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # another user's, of which the system may tell nothing
        return _find_start(process.pid) not in {None, process.started}
    return _find_start(process.pid) != process.started


if sys.platform == "linux":

    def _find_namespace() -> int | None:
        """Whose numbers processes have here."""
        try:
            return Path("/proc/self/ns/pid").stat().st_ino
        except OSError:
            return None

    def _find_start(pid: int) -> int | None:
        """When a process was started, in ticks since the boot; None when it has ended, or nobody tells."""
        try:
            # The state stands after the name, which may hold anything, even spaces and brackets.
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            return None if fields[0] == "Z" else int(fields[19])
        except (OSError, IndexError, ValueError):
            return None

else:

    def _find_namespace() -> int | None:
        """None: nobody tells."""
        return None

    def _find_start(pid: int) -> int | None:
        """None: nobody tells."""
        return None
