"""The relay's folder that a folder means, and whether a relay serves it."""

from __future__ import annotations

import os
import time

from arc.defaults import SPOOL_DIR
from arc.finding.notes import read_notes
from arc.finding.which_hub import VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from arc.finding.storage import Project

ALIVE = "alive"
"""The file in a spool whose time its relay sets every five seconds."""
ALIVE_WITHIN_SEC = 15.0


def find_spool(project: Project, url: str | None = None) -> str:
    """The relay's folder, as far as a note of the project tells.

    Args:
        project: the folder that is asked from.
        url: the hub; by default whichever left a note, which may be one that cannot be reached from here.
    """
    notes = [note for folder in project.folders for note in read_notes(folder) if url in {None, note.url}]
    told = notes[0].options.get("spool_dir") if notes else None
    return told if isinstance(told, str) else SPOOL_DIR


def find_relay(project: Project) -> str | None:
    """The spool of a project's hub, absolute, if a relay serves it; None where none does.

    Args:
        project: the folder that is asked from.
    """
    url = os.environ.get(VARIABLE)
    told = find_spool(project, url)
    places = [told] if os.path.isabs(told) else []
    if not url:  # else it is a hub that may not be this folder's
        places += [os.path.join(folder, SPOOL_DIR) for folder in project.folders]
    return next((place for place in places if _is_alive(place)), None)


def _is_alive(spool: str) -> bool:
    try:
        return abs(time.time() - os.stat(os.path.join(spool, ALIVE)).st_mtime) < ALIVE_WITHIN_SEC
    except OSError:
        return False
