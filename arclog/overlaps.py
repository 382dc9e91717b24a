"""Overlaps: what of all that is held meets a path or a pattern.

Most requests are for one plain path, far from all others, and held for a moment. That nothing overlaps it is known
without a search: neither it nor a folder above it is held, nothing is held below it, and nobody holds a pattern. So
what was added last is put into the tree (`arclog.path_tree`) only when a question needs that, or when it is no longer
one of the last few.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Generic, TypeVar

from arclog.path_tree import PathTree, way_of
from arclog.patterns import is_pattern

T = TypeVar("T")

MOST_NEWEST: Final = 64
"""How many things are kept out of the tree at a time: as many as one question may put in without being felt."""
LEAST_FOLDERS: Final = 4_096
"""How many folders are remembered before it is looked which of them still matter."""
MAX_PLAIN_CHARS: Final = 256
"""Longer paths go into the tree at once: all folders above one may take a thousand times as many characters."""


class Overlaps(Generic[T]):
    """Things by the key that they are on; a thing may be on many keys, but only once on each."""

    def __init__(self) -> None:
        self._tree: PathTree[T] = PathTree()
        self._newest: dict[tuple[T, str], str] = {}
        """What is not in the tree yet, with whose it is; plain paths only, in their order."""
        self._plain: dict[str, int] = {}
        """How many things are on each plain path."""
        self._folders: set[str] = set()
        """Folders below which plain paths are held, or were."""
        self._most_folders = LEAST_FOLDERS
        self._others = 0
        """How many things are on patterns, on long paths, or within one working tree."""

    def __len__(self) -> int:
        return sum(self._plain.values()) + self._others

    def add(self, key: str, owner: str, thing: T) -> None:
        """Put `owner`'s thing on a key."""
        above = _folders_above(key)
        if above is None:
            self._others += 1
            self._tree.add(key, owner, thing)
        else:
            self._plain[key] = self._plain.get(key, 0) + 1
            self._folders.update(above)
            self._newest[thing, key] = owner
            if len(self._newest) > MOST_NEWEST:
                self._plant_oldest()
            if len(self._folders) > self._most_folders:
                self._find_folders()

    def remove(self, key: str, owner: str, thing: T) -> None:
        """Take it off again.

        Raises:
            KeyError: it is not there.
        """
        if self._newest.pop((thing, key), None) is None:
            self._tree.remove(key, owner, thing)
        count = self._plain.get(key)
        if count is None:
            self._others -= 1
        elif count > 1:
            self._plain[key] = count - 1
        else:
            del self._plain[key]

    def is_clear(self, key: str) -> bool:
        """Whether surely nothing overlaps a key, whoever it may be of; where not, `find` tells."""
        plain = self._plain
        if self._others:
            return False
        if not plain:
            return True
        above = _folders_above(key)
        return above is not None and key not in plain and key not in self._folders and plain.keys().isdisjoint(above)

    def find(self, key: str, but: str) -> Iterator[tuple[T, str]]:
        """What overlaps `key` and is not of the agent `but`: each thing with the key that it is on.

        Nothing may be added or removed meanwhile.
        """
        if self.is_clear(key):
            return iter(())
        self._plant_newest()
        return self._tree.walk(key, but, own=False)

    def find_own(self, key: str, owner: str) -> Iterator[tuple[T, str]]:
        """What overlaps `key` and is of the agent `owner`."""
        if self.is_clear(key):
            return iter(())
        self._plant_newest()
        return self._tree.walk(key, owner, own=True)

    def _find_folders(self) -> None:
        """Forget the folders below which nothing is held any more."""
        self._folders = {folder for key in self._plain for folder in _folders_above(key) or ()}
        self._most_folders = max(LEAST_FOLDERS, 2 * len(self._folders))

    def _plant_newest(self) -> None:
        while self._newest:
            self._plant_oldest()

    def _plant_oldest(self) -> None:
        thing, key = place = next(iter(self._newest))
        self._tree.add(key, self._newest.pop(place), thing)


class SameKeys(Generic[T]):
    """The same for keys that are no paths: they meet when they are equal."""

    def __init__(self) -> None:
        self._things: dict[str, dict[T, str]] = {}

    def add(self, key: str, owner: str, thing: T) -> None:
        """Put `owner`'s thing on a key."""
        self._things.setdefault(key, {})[thing] = owner

    def remove(self, key: str, owner: str, thing: T) -> None:
        """Take it off again.

        Raises:
            KeyError: it is not there.
        """
        things = self._things[key]
        del things[thing]
        if not things:
            del self._things[key]

    def is_clear(self, key: str) -> bool:
        """Whether nothing is on `key`."""
        return key not in self._things

    def find(self, key: str, but: str) -> Iterator[tuple[T, str]]:
        """What is on `key` and not of the agent `but`."""
        things = self._things.get(key)
        return iter([(thing, key) for thing, owner in things.items() if owner != but] if things else ())

    def find_own(self, key: str, owner: str) -> Iterator[tuple[T, str]]:
        """What is on `key` and of the agent `owner`."""
        things = self._things.get(key)
        return iter([(thing, key) for thing, one in things.items() if one == owner] if things else ())


@lru_cache(16_384)
def _folders_above(key: str) -> tuple[str, ...] | None:
    """The keys of the folders above a plain path; None for a pattern, a long path, and what only one tree means."""
    repository, tree, _segments = way_of(key)
    if tree or len(key) > MAX_PLAIN_CHARS or is_pattern(key):
        return None
    start = len(repository) + 2 if repository else 0
    ends = [place for place in range(start, len(key)) if key[place] == "/"]
    return tuple(key[:end] for end in ends)
