"""Whether a relay serves a spool: it sets the time of the file `alive` there every five seconds."""

from __future__ import annotations

import os
import time

ALIVE = "alive"
ALIVE_WITHIN_SEC = 15.0


def is_served(spool: str) -> bool:
    """Whether a relay serves a spool now.

    Args:
        spool: its folder, absolute.
    """
    try:
        return abs(time.time() - os.stat(os.path.join(spool, ALIVE)).st_mtime) < ALIVE_WITHIN_SEC
    except OSError:
        return False
