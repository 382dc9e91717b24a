"""What a window was told of a hub that is away: once for each outage, and again when there is a new one.

A file for each window, `.arc.away.SESSION` beside the storage, is there from when the window was told until the hub
answers one of its hooks. So it needs no hub to know.
"""

from __future__ import annotations

import hashlib
import os
import time

PREFIX = ".arc.away."
KEPT_SEC = 86_400.0
"""How long the file of a window stays that never calls again."""


def is_news(folder: str | None, session: str) -> bool:
    """Whether a window has not been told of this outage yet; it counts as told from now on.

    Args:
        folder: where the storage is; None where there is none, so that nothing can be remembered.
        session: the window's session.
    """
    path = _path_for(folder, session)
    if path is None:
        return True
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    except OSError:  # a folder that cannot be written: rather once more than never
        return True
    _sweep(os.path.dirname(path))
    return True


def forget(folder: str | None, session: str) -> None:
    """The hub has answered a window: what comes is another outage."""
    path = _path_for(folder, session)
    if path is not None:
        try:
            os.unlink(path)
        except OSError:
            return


def _path_for(folder: str | None, session: str) -> str | None:
    if folder is None or not session:
        return None
    return os.path.join(folder, PREFIX + hashlib.sha256(session.encode(errors="surrogateescape")).hexdigest()[:16])


def _sweep(folder: str) -> None:
    """Take away what windows left that never called again."""
    try:
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if name.startswith(PREFIX) and time.time() - os.stat(path).st_mtime > KEPT_SEC:
                os.unlink(path)
    except OSError:
        return
