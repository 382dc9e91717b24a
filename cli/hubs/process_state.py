"""Processes: when one has ended."""

import os
import sys
import time
from pathlib import Path
from typing import Final

from arc.finding.processes import read_state

LOOK_SEC: Final = 0.01


def wait_for_end(pid: int, within_sec: float) -> bool:
    """Wait until a process has ended, at most `within_sec`; whether it has."""
    give_up_at = time.monotonic() + within_sec
    while is_running(pid):
        if time.monotonic() > give_up_at:
            return False
        time.sleep(LOOK_SEC)
    return True


if sys.platform == "win32":
    from arc.windows import is_running as is_running  # noqa: PLC0414 - it is part of this module

else:

    def is_running(pid: int) -> bool:
        """Whether a process is there and has not ended; one that nobody has waited for yet has ended."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        state = read_state(pid)
        return state != "Z" if state else not Path("/proc/self").exists() or Path(f"/proc/{pid}").exists()
