"""Paths: one key for one file, however its path is spelled.

A key is a root and a path below it. Text is brought to one form (NFC, `/` between segments, no empty ones, no `.`, `..`
undone as it is written, letters folded where the root's filesystem folds them), and an absolute path below a known root
becomes relative to it. Looking through symbolic links needs a disk and is done before (`projections.hub.roots`).

The hub's own root has no name, so that the key of `src/a.py` is `src/a.py`. Any other is named before `//`, which
stands in no path; and so is a working tree, where only that one is meant:

    src/a.py                            a file of the hub's own repository, in whichever working tree
    ///home/ada/arc-fix//src/a.py       the same file, in one working tree only
    /home/ada/web/.git//src/a.py        a file of another repository
    /home/ada/web/.git///home/ada/web-fix//src/a.py
"""

import re
import unicodedata
from typing import Final, NamedTuple

from msgspec import Struct

from arclog.deciders.fields import file_path
from arclog.errors import InvalidInput, OutsideRoot
from arclog.patterns import ANY_SEGMENTS, contains, is_pattern

MAX_PATTERN_CHARS: Final = 255
"""Characters in a segment that holds a wildcard: as many as a file's name can have."""
_BETWEEN: Final = "//"

is_plain = re.compile(r"(?:[A-Za-z0-9_\-][\w.\-]*/)*[A-Za-z0-9_\-][\w.\-]*", re.ASCII).fullmatch
"""What nearly all paths look like; these are keys already."""
_find_drive = re.compile(r"[A-Za-z]:/").match


class Key(NamedTuple):
    """A key in its parts.

    Attributes:
        repository: the repository's name, empty for the hub's own.
        tree: the one working tree that is meant, empty for all of them.
        path: the path or pattern below the root.
    """

    repository: str
    tree: str
    path: str

    def __str__(self) -> str:
        if self.tree:
            return _BETWEEN.join(self)
        return f"{self.repository}{_BETWEEN}{self.path}" if self.repository else self.path

    def may_meet(self, other: "Key") -> bool:
        """Whether both are of one repository, and of one working tree where both name one."""
        return self.repository == other.repository and (not self.tree or not other.tree or self.tree == other.tree)


class Root(Struct, frozen=True):
    """A folder that paths are relative to.

    Attributes:
        folder: its absolute path, `/` between segments and none at the end.
        repository: the name of the repository that it is a working tree of, empty for the hub's own.
        folds_case: whether its filesystem takes `A` and `a` for one name.
    """

    folder: str
    repository: str = ""
    folds_case: bool = False


def parse_key(text: str) -> Key:
    """The parts of a key."""
    repository, end, rest = text.partition(_BETWEEN)
    if not end:
        return Key("", "", text)
    tree, end, path = rest.partition(_BETWEEN)
    return Key(repository, tree, path) if end else Key(repository, "", rest)


def key_contains(outer: str, inner: str) -> bool:
    """Whether all that one key covers is surely covered by another."""
    wide, narrow = parse_key(outer), parse_key(inner)
    if wide.repository != narrow.repository or wide.tree not in {"", narrow.tree}:
        return False
    return contains(wide.path, narrow.path)


def make_key(
    field: str, path: str, root: Root, known: tuple[Root, ...] = (), *, windows: bool = False, tree: bool = False
) -> str:
    r"""The key of a path or pattern that a caller sent.

    Args:
        field: what the caller calls it.
        path: what it sent.
        root: what relative paths are relative to.
        known: other roots, below which an absolute path may lie; the innermost counts.
        windows: whether `\` stands between segments too, and a path may begin with a drive.
        tree: whether only the working tree is meant that the path lies in.

    Raises:
        InvalidInput: it is blank, too long, or holds control characters.
        OutsideRoot: it leads out of the root, or lies below none.
    """
    path = file_path(field, path)
    if not tree and not root.repository and not root.folds_case and is_plain(path):
        return path
    path = unicodedata.normalize("NFC", path)
    if windows:
        path = path.replace("\\", "/")
        path = path[1:] if path.startswith("/") and _find_drive(path, 1) else path  # as in a URI
    if path.startswith("/") or (windows and _find_drive(path)):
        root, path = _relative(field, path, (root, *known))
    segments = _resolve(field, path, root)
    if root.folds_case:
        segments = [unicodedata.normalize("NFC", segment.casefold()) for segment in segments]
    for segment in segments:
        if len(segment) > MAX_PATTERN_CHARS and is_pattern(segment):
            raise InvalidInput(field, f"must have at most {MAX_PATTERN_CHARS} characters between two / with a wildcard")
    return str(Key(root.repository, root.folder if tree else "", "/".join(segments) or ANY_SEGMENTS))


def _relative(field: str, path: str, roots: tuple[Root, ...]) -> tuple[Root, str]:
    """The innermost root that an absolute path lies below, and the path from there."""
    segments = _resolve(field, path, None)
    found: tuple[int, Root] | None = None
    for root in roots:
        folder = [name for name in root.folder.split("/") if name]
        above = segments[: len(folder)]
        if root.folds_case:
            folder, above = [name.casefold() for name in folder], [name.casefold() for name in above]
        if above == folder and (found is None or len(folder) > found[0]):
            found = len(folder), root
    if found is None:
        raise OutsideRoot(field, path, roots[0].folder)
    return found[1], "/".join(segments[found[0] :])


def _resolve(field: str, path: str, root: Root | None) -> list[str]:
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if segments:
                segments.pop()
            elif root is not None:
                raise OutsideRoot(field, path, root.folder)
        elif segment not in {"", "."} and not (segment == ANY_SEGMENTS and segments[-1:] == [ANY_SEGMENTS]):
            segments.append(segment)
    return segments
