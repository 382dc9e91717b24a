"""The git repository that a folder belongs to, found by its files: starting `git` would take longer than a call."""

from __future__ import annotations

import os
import stat

MAX_LINK_BYTES = 4096
STICKY_FOR_ALL = stat.S_ISVTX | stat.S_IWOTH
"""What `/tmp` has: everybody may make files there, so what lies there is nobody's project."""


class Repository:
    """A repository, as one of its working trees sees it.

    Attributes:
        top: the top folder of this working tree.
        shared: the folder that all working trees share (git's common directory).
        main: the top folder of the main working tree; None where there is none, as beside a bare repository.
    """

    __slots__ = ("main", "shared", "top")

    def __init__(self, top: str, shared: str, main: str | None) -> None:
        self.top = top
        self.shared = shared
        self.main = main


def find_repository(folder: str) -> Repository | None:
    """The repository that `folder` belongs to."""
    for top in folders_upward(folder):
        if not is_everybodys(top) or top == folder:
            found = _repository_at(top)
            if found is not None:
                return found
    return None


def folders_upward(folder: str) -> list[str]:
    """A folder and all above it, the nearest first."""
    folders = [folder]
    while (above := os.path.dirname(folder)) != folder:
        folders.append(folder := above)
    return folders


def is_everybodys(folder: str) -> bool:
    """Whether everybody may make files in this folder, as in `/tmp`."""
    try:
        return os.stat(folder).st_mode & STICKY_FOR_ALL == STICKY_FOR_ALL
    except OSError:
        return False


def is_mine(status: os.stat_result) -> bool:
    """Whether a file belongs to this user; where the system has no users, it does."""
    own = getattr(os, "getuid", None)
    return own is None or status.st_uid == own()


def _repository_at(top: str) -> Repository | None:
    entry = os.path.join(top, ".git")
    try:
        status = os.stat(entry)
    except OSError:
        return None
    if not is_mine(status) and getattr(os, "getuid", int)() != 0:  # root works in the repositories of others
        return None
    if stat.S_ISDIR(status.st_mode):
        return Repository(top, entry, top) if _is_git_folder(entry) else None
    linked = _read_link(entry, "gitdir: ", top)
    if linked is None or not _is_git_folder(linked):
        return None
    shared = _read_link(os.path.join(linked, "commondir"), "", linked)
    if shared is None:  # a submodule, or a `.git` that was moved elsewhere: a repository of its own
        return Repository(top, linked, top)
    above, name = os.path.split(shared)
    return Repository(top, shared, above if name == ".git" else None)


def _is_git_folder(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "HEAD"))


def _read_link(file: str, prefix: str, start: str) -> str | None:
    """The folder that a file of git names, relative to `start` or absolute."""
    try:
        with open(file, encoding="utf-8", errors="surrogateescape") as link:
            text = link.read(MAX_LINK_BYTES)
    except OSError:
        return None
    if not text.startswith(prefix):
        return None
    return os.path.normpath(os.path.join(start, text[len(prefix) :].strip()))
