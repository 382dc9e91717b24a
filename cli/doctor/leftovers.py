"""What hubs that are gone have left behind, and what of a hub git would take for somebody's work."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from arc.files import remove
from arc.finding.notes import Note, read_notes
from arc.finding.storage import Project
from cli.doctor.results import CheckResult
from cli.hubs.git_exclude import is_in_sight, keep_out_of_sight


def find_leftovers(project: Project) -> Iterator[CheckResult]:
    """Notes of hubs that are gone, which nobody would find a hub by."""
    for folder in project.folders:
        for note in read_notes(folder):
            if note.is_true() is False:
                said = f"note: {note.path} says that process {note.pid} listens at {note.url}, which it does not"
                yield CheckResult(None, said, mend=partial(_take_away, note))


def look_from_git(storage: Path, spool: Path) -> Iterator[CheckResult]:
    """Whether git passes over the files of a hub."""
    if is_in_sight(storage, spool):
        yield CheckResult(
            False, "git: it sees the files of the hub, so they may be committed", mend=partial(_hide, storage, spool)
        )


def _take_away(note: Note) -> None:
    """Remove a note, unless a hub has begun to listen there since."""
    if note.is_true() is False:
        remove(note.path)


def _hide(storage: Path, spool: Path) -> None:
    if not keep_out_of_sight(storage, spool):
        raise OSError("what git passes over cannot be written (.git/info/exclude)")
