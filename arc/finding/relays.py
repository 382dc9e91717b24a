"""The relay's folder that a folder means, and whether a relay serves it."""

from __future__ import annotations

import os

from arc.defaults import SPOOL_DIR
from arc.finding.notes import read_notes
from arc.finding.sign_of_life import is_served
from arc.finding.which_hub import VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from arc.finding.storage import Project


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
    return next((place for place in places if is_served(place)), None)
