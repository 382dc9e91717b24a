"""The storage that a command about hubs or the log means."""

import os
from pathlib import Path

from arc.finding.repository import find_repository
from arc.finding.storage import IN_GIT, Project
from cli.paths import path_of, working_directory


def storage_of(named: str | None) -> Path:
    """The storage that is meant, whether or not it is there yet.

    Args:
        named: what was given with `--storage`: a path, or a bare name, which is looked for in the folders above too.
            Without it, it is the storage of the folder, or the place of a new one.
    """
    project = Project(str(working_directory()))
    if named is None:
        return Path(project.find_storage() or project.place_for_new())
    storage = path_of(named)
    if os.path.basename(named) == named and not storage.exists():  # noqa: PTH119 - a text, not yet a path
        return Path(project.find_storage(named) or storage)
    # Where a link leads, its hub's notes and SQLite's other files are: a process that comes by another name finds them
    # there.
    return storage.resolve() if storage.is_symlink() else storage


def spool_beside(storage: Path) -> Path:
    """The folder that the relay's folder of a storage is in: the storage's own, but never git's."""
    repository = find_repository(str(storage.parent))
    if repository is not None and storage.parent == Path(repository.shared, IN_GIT):
        return Path(repository.main or repository.top)
    return storage.parent
