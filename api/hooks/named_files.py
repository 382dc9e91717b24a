"""The files that a hook names: which of them are the hub's, and under which key.

A tool names a file by an absolute path, or by one from the folder that it works in. Each is looked up once, and its key
goes along with it.
"""

import os
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from arclog.errors import InvalidInput
from arclog.paths import parse_key
from projections.hub.roots import Roots


class NamedFile(Struct, frozen=True):
    """A file, or a folder, that belongs to the hub.

    Attributes:
        path: where it is, absolute, as it was named.
        key: its key, in its working tree alone.
        shown: as people write it: relative to the hub's root, where it lies in that working tree.
    """

    path: str
    key: str
    shown: str


class NamedFiles:
    """What is named at one hub.

    Args:
        roots: the hub's.
    """

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self._top: Final = roots.own.folder
        self._start: Final = f"{os.path.normcase(self._top).rstrip(os.sep)}{os.sep}"

    def is_here(self, folder: str) -> bool:
        """Whether a folder belongs to this hub."""
        return bool(folder) and self.find_key(os.path.join(folder, "x")) is not None  # noqa: PTH118

    def is_top(self, folder: str, path: str) -> bool:
        """Whether a path, from a folder, is the hub's root itself."""
        return os.path.normcase(os.path.normpath(os.path.join(folder, path))) == os.path.normcase(self._top)  # noqa: PTH118

    def list_known(self, folder: str, paths: Iterable[str]) -> list[NamedFile]:
        """Those of some paths that belong to this hub, each once.

        Args:
            folder: what relative ones are relative to.
            paths: as they were named.
        """
        whole = dict.fromkeys(os.path.normpath(os.path.join(folder, path)) for path in paths)  # noqa: PTH118
        return [found for path in whole if (found := self.find(path)) is not None]

    def find(self, path: str) -> NamedFile | None:
        """The file at an absolute path; None where it is no concern of this hub."""
        key = self.find_key(path)
        if key is None:
            return None
        inside = f"{os.path.normcase(path)}{os.sep}".startswith(self._start) and parse_key(key).tree == self._top
        return NamedFile(path, key, path[len(self._start) :].replace(os.sep, "/") or "." if inside else path)

    def find_key(self, path: str) -> str | None:
        """The key of the file at an absolute path; None where it is no concern of this hub."""
        try:
            return self._roots.key_of("path", path, tree=True)
        except InvalidInput:
            return None
