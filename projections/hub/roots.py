"""Roots: the folders that paths are relative to, and what the disk says of a path.

A hub has a root of its own, all working trees of whose repository are one; a session may name another. Whatever names a
path gets its key here, so that one file has one key no matter who asks: through symbolic links of what exists, from an
editor's URI, and with case folded where the filesystem folds it. What is below (`arclog.paths`) knows no disk.
"""

import os
import re
import stat
import sys
from collections.abc import Callable
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from arclog.paths import Key, Root, is_plain, make_key
from arclog.patterns import is_pattern

_WINDOWS: Final = sys.platform == "win32"
NOTHING: Final = 0
"""The mode of what is not there."""
MAX_KNOWN_WAYS: Final = 1_024
"""Paths that are known to be plain; the same few come with nearly every call."""
MAX_WAY_CHARS: Final = 256
"""Longer paths are not among them: all places on the way to one may take a thousand times as many characters."""
_find_file_uri = re.compile(r"\s*file:(?://(?:localhost)?)?(/(?!/).*)", re.IGNORECASE | re.DOTALL).match


class Tree(Struct, frozen=True):
    """A working tree: its top folder, and the folder that all trees of its repository share."""

    top: str
    shared: str


FindTree = Callable[[str], Tree | None]
"""Finds the working tree that a folder is in."""


def find_no_tree(folder: str) -> Tree | None:
    """Where nobody knows of repositories, each folder stands for itself."""
    return None


class Modes(dict[str, int]):
    """What the disk says of paths, each asked for once: the mode of what is there, not followed where it is a link.

    What is sent after something was put on the disk must find it there. So this lasts no longer than a batch, whose
    calls have all been sent before the first of them is looked at.
    """

    def __missing__(self, path: str) -> int:
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            mode = NOTHING
        self[path] = mode
        return mode


class Roots:
    """The roots that a hub knows.

    Args:
        folder: what relative paths are relative to.
        find_tree: finds working trees.
    """

    def __init__(self, folder: Path, find_tree: FindTree = find_no_tree) -> None:
        own = os.path.realpath(folder)
        tree = find_tree(own)
        self.own: Final = Root(_slashed(own), folds_case=folds_case(own))
        self._start: Final = f"{self.own.folder}/"
        self._shared = None if tree is None or os.path.realpath(tree.top) != own else tree.shared
        self._find_tree = find_tree
        self._named: dict[str, Root] = {}

    def key_of(
        self,
        field: str,
        path: str,
        session_root: str | None = None,
        *,
        tree: bool = False,
        modes: Modes | None = None,
    ) -> str:
        """The key of a path or pattern.

        Args:
            field: what the caller calls it.
            path: as it was sent.
            session_root: the folder that the caller's session named, if it did.
            tree: whether only the working tree is meant that it lies in.
            modes: what has been asked of the disk since the caller sent it.

        Raises:
            InvalidInput: it is blank, too long, or holds control characters.
            OutsideRoot: it leads out of the root, or lies below none.
        """
        inside = None if session_root is not None else self._find_plain(path, Modes() if modes is None else modes)
        if inside is not None:
            return str(Key("", self.own.folder, inside)) if tree else inside
        path = path_of_uri(path)
        root = self.own if session_root is None else self.root_of(session_root)
        real = self._follow_links(root, path)
        return make_key(field, real, root, self._others(real), windows=_WINDOWS, tree=tree)

    def _find_plain(self, path: str, modes: Modes) -> str | None:
        """Where a file lies below the own root, when its path says so as it stands, as nearly all do; else None."""
        way = None if self.own.folds_case or len(path) > MAX_WAY_CHARS else _plain_way(self._start, path)
        if way is None:
            return None
        inside, places = way
        is_absolute = len(inside) != len(path)
        if is_absolute and any(root.folder.startswith(self._start) for root in self._named.values()):
            return None
        for place in places:
            mode = modes[place]
            if mode == NOTHING:
                break
            if stat.S_ISLNK(mode) or (is_absolute and stat.S_ISDIR(mode) and os.access(f"{place}/.git", os.F_OK)):
                return None
        return inside

    def root_of(self, folder: str) -> Root:
        """The root that a folder stands for: its repository's, so that it is the hub's own in all its working trees."""
        root = self._named.get(folder)
        if root is None:
            real = os.path.realpath(folder)
            tree = self._find_tree(real)
            top = real if tree is None else os.path.realpath(tree.top)
            shared = top if tree is None else tree.shared
            own = top == self.own.folder or (self._shared is not None and shared == self._shared)
            root = Root(_slashed(top), "" if own else _slashed(shared), folds_case(top))
            self._named[folder] = root
        return root

    def _others(self, path: str) -> tuple[Root, ...]:
        """What an absolute path may lie below besides: the other working trees, and the roots of sessions."""
        if not os.path.isabs(path):
            return ()
        trees = () if self._shared is None else tuple(map(self.root_of, _list_trees(self._shared)))
        return (*trees, *self._named.values())

    def _follow_links(self, root: Root, path: str) -> str:
        """The path with the links of what exists of it followed; as it is, where they lead out of all roots."""
        start = "" if os.path.isabs(path) else root.folder
        segments = os.path.normpath(path).split("/")[0 if start else 1 :]
        literal = [*takewhile(lambda one: not is_pattern(one), segments)] if is_pattern(path) else segments
        walked = start
        for segment in literal:
            walked = f"{walked}/{segment}"
            try:
                mode = os.lstat(walked).st_mode
            except (OSError, ValueError):
                return path
            if stat.S_ISLNK(mode):
                real = "/".join([os.path.realpath("/".join([start, *literal])), *segments[len(literal) :]])
                return real if self._is_known(real) else path
        return path

    def _is_known(self, path: str) -> bool:
        roots = (self.own, *self._others(path))
        return any(path == root.folder or path.startswith(f"{root.folder}/") for root in roots)


@lru_cache(MAX_KNOWN_WAYS)
def _plain_way(start: str, path: str) -> tuple[str, tuple[str, ...]] | None:
    """Of a path that needs no other form: what stands below `start`, and all on the way there; None of any other."""
    inside = path.removeprefix(start)
    if not is_plain(inside):
        return None
    ends = [*(place for place, character in enumerate(inside) if character == "/"), len(inside)]
    return inside, tuple(start + inside[:end] for end in ends)


def path_of_uri(text: str) -> str:
    """The path that a `file:` URI of this machine names, as editors write it; any other text as it is.

    See RFC 8089, section 2 and appendix B: `file:///x/a`, `file://localhost/x/a`, `file:/x/a`.
    """
    found = _find_file_uri(text)
    return text if found is None else unquote(found[1])


def folds_case(folder: str) -> bool:
    """Whether a folder's filesystem takes `A` and `a` for one name."""
    above, name = os.path.split(folder)
    if name.swapcase() == name:
        return False
    try:
        return os.path.samefile(folder, os.path.join(above, name.swapcase()))
    except OSError:
        return False


def _list_trees(shared: str) -> list[str]:
    """The tops of all working trees of a repository; git notes each of the linked ones in a file."""
    found = [os.path.dirname(shared)] if os.path.basename(shared) == ".git" else []
    try:
        with os.scandir(os.path.join(shared, "worktrees")) as entries:
            for entry in entries:
                text = Path(entry.path, "gitdir").read_text(errors="surrogateescape")
                found.append(os.path.dirname(text.strip()))
    except OSError:
        pass
    return found


def _slashed(folder: str) -> str:
    return folder.replace("\\", "/") if _WINDOWS else folder
