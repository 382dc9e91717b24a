"""The storage that a folder means, whether or not its hub runs.

In a git repository it is the nearest one from the folder up to the top of the working tree, else the one of the main
working tree, else the one in git's own folder (`.git/arc/`), where nothing that cleans a working tree finds it. So all
folders and all working trees of a repository share one. Elsewhere it is the nearest one from the folder upward, as far
as the folders belong to this user and are not everybody's, as `/tmp` is.

A storage is there when its file is, or when a hub has left a note about it.
"""

from __future__ import annotations

import os

from arc.finding.notes import read_notes
from arc.finding.repository import Repository, find_repository, folders_upward, is_everybodys, is_mine

DEFAULT_NAME = "arc.sqlite3"
IN_GIT = "arc"
"""The folder in git's own folder."""


class Project:
    """A folder, with all that it shares a storage with.

    Attributes:
        folder: the folder.
        repository: the git repository that it belongs to, if any.
        folders: where its storage may lie, the nearest first.
    """

    __slots__ = ("folder", "folders", "repository")

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.repository = find_repository(folder)
        self.folders = _of_repository(folder, self.repository) if self.repository else _upward(folder)

    def find_storage(self, name: str = DEFAULT_NAME) -> str | None:
        """The storage of that name that the folder means, absolute; None when there is none yet."""
        for folder in self.folders:
            storage = os.path.join(folder, name)
            if os.path.isfile(storage):
                return storage
            if any(note.is_about(storage) and note.is_true() is not False for note in read_notes(folder)):
                return storage
        return None

    def place_for_new(self, name: str = DEFAULT_NAME) -> str:
        """Where a new storage lies: at the top of the repository's main working tree, else in the folder itself."""
        repository = self.repository
        if repository is None:
            return os.path.join(self.folder, name)
        return os.path.join(repository.main or _in_git(repository), name)


def working_directory() -> str:
    """The working directory; `/` when it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return "/"


def is_same_file(one: str, other: str) -> bool:
    """Whether two paths lead to the same file, whether or not it is there yet."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))


def _of_repository(folder: str, repository: Repository) -> list[str]:
    upward = folders_upward(folder)
    folders = upward[: upward.index(repository.top) + 1]
    if repository.main is not None and repository.main not in folders:
        folders.append(repository.main)
    return [*folders, _in_git(repository)]


def _in_git(repository: Repository) -> str:
    return os.path.join(repository.shared, IN_GIT)


def _upward(folder: str) -> list[str]:
    folders = [folder]
    for above in folders_upward(folder)[1:]:
        try:
            mine = is_mine(os.stat(above))
        except OSError:
            break
        if not mine or is_everybodys(above):
            break
        folders.append(above)
    return folders
