"""The tree of paths: of many paths and patterns, those that meet another one.

The heads of the patterns (`arclog.patterns`) form a tree of segments. A question walks down it, for each of its own
segments along those that meet it: names by name, segments with wildcards by their two ends, which are the letters
before the first wildcard and those after the last. Whatever ends on the way overlaps, and where the question itself
ends, so does all that stands below.

Each holding belongs to somebody, and nobody is in his own way: a branch where everything is the asker's is not walked
into. So it costs an agent nothing to hold a hundred thousand paths of a folder and ask for one more.
"""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Generic, TypeVar

from arclog.paths import parse_key
from arclog.patterns import head_of, is_pattern, names_meet

T = TypeVar("T")


class PathTree(Generic[T]):
    """Things by the key that they are on."""

    def __init__(self) -> None:
        self._roots: dict[str, _Node[T]] = {}

    def add(self, key: str, owner: str, thing: T) -> None:
        """Put `owner`'s thing on a key."""
        repository, tree, segments = way_of(key)
        node = self._roots.get(repository)
        if node is None:
            node = self._roots[repository] = _Node()
        owners = node.owners
        owners[owner] = owners.get(owner, 0) + 1
        for segment in segments:
            node = node.descend(segment)
            owners = node.owners
            owners[owner] = owners.get(owner, 0) + 1
        if node.things is None:
            node.things = {}
        node.things[thing, key] = owner, tree

    def remove(self, key: str, owner: str, thing: T) -> None:
        """Take it off again.

        Raises:
            KeyError: it is not there.
        """
        repository, _tree, segments = way_of(key)
        node = self._roots[repository]
        way = [node]
        for segment in segments:
            node = node.get(segment)
            way.append(node)
        if node.things is None:
            raise KeyError(key)
        del node.things[thing, key]
        empty = 0
        for node in way:
            owners = node.owners
            if owners[owner] > 1:
                owners[owner] -= 1
            else:
                del owners[owner]
                empty += not owners
        if not way[0].owners:
            del self._roots[repository]
        elif empty:  # the last ones on the way; what hangs on the first of them goes with it
            way[-empty - 1].drop(segments[-empty])

    def walk(self, key: str, agent: str, *, own: bool) -> Iterator[tuple[T, str]]:
        """What overlaps `key` and is the agent's own, or is that of others; each thing with the key that it is on."""
        repository, tree, segments = way_of(key)
        root = self._roots.get(repository)
        last = len(segments)
        waiting = [] if root is None else [(root, 0)]
        while waiting:
            node, depth = waiting.pop()
            if agent in node.owners:
                if not own and len(node.owners) == 1:
                    continue
            elif own:
                continue
            if node.things is not None:
                for (thing, held), (owner, held_in) in node.things.items():
                    if (owner == agent) is own and (not tree or not held_in or tree == held_in):
                        yield thing, held
            if depth == last:
                waiting += [(child, depth) for child in node.children()]
            elif node.wild is None and node.names is not None and not is_pattern(segments[depth]):  # as nearly always
                child = node.names.get(segments[depth])
                if child is not None:
                    waiting.append((child, depth + 1))
            else:
                waiting += [(child, depth + 1) for child in node.meeting(segments[depth])]


class _Node(Generic[T]):
    """One segment of some heads: what ends here, what goes on, and who has how much of both."""

    __slots__ = ("names", "owners", "things", "wild")

    def __init__(self) -> None:
        self.owners: dict[str, int] = {}
        self.things: dict[tuple[T, str], tuple[str, str]] | None = None
        self.names: dict[str, _Node[T]] | None = None
        self.wild: _Wild[T] | None = None

    def get(self, segment: str) -> "_Node[T]":
        node = None if self.names is None else self.names.get(segment)
        return node or self.wild.nodes[segment]  # type: ignore[union-attr]  # it is there, or nothing is

    def descend(self, segment: str) -> "_Node[T]":
        node = None if self.names is None else self.names.get(segment)
        if node is not None:
            return node
        if is_pattern(segment):
            if self.wild is None:
                self.wild = _Wild()
            return self.wild.descend(segment)
        if self.names is None:
            self.names = {}
        node = self.names[segment] = _Node()
        return node

    def drop(self, segment: str) -> None:
        if not is_pattern(segment):
            assert self.names is not None
            del self.names[segment]
            return
        assert self.wild is not None
        self.wild.drop(segment)
        if not self.wild.nodes:
            self.wild = None

    def children(self) -> "Iterator[_Node[T]]":
        if self.names is not None:
            yield from self.names.values()
        if self.wild is not None:
            yield from self.wild.nodes.values()

    def meeting(self, segment: str) -> "Iterator[_Node[T]]":
        if self.names is not None:
            if not is_pattern(segment):
                node = self.names.get(segment)
                if node is not None:
                    yield node
            else:
                before, after = ends_of(segment)
                for name, node in self.names.items():
                    if name.startswith(before) and name.endswith(after) and names_meet(segment, name):
                        yield node
        if self.wild is not None:
            yield from self.wild.meeting(segment)


class _Wild(Generic[T]):
    """The segments with wildcards that follow one segment, by their two ends."""

    __slots__ = ("by_ends", "lengths", "nodes")

    def __init__(self) -> None:
        self.nodes: dict[str, _Node[T]] = {}
        self.by_ends: dict[tuple[str, str], dict[str, _Node[T]]] = {}
        self.lengths: Counter[tuple[int, int]] = Counter()
        """How long the two ends are, and of how many."""

    def descend(self, segment: str) -> _Node[T]:
        node = self.nodes.get(segment)
        if node is None:
            node = self.nodes[segment] = _Node()
            ends = ends_of(segment)
            same = self.by_ends.setdefault(ends, {})
            if not same:
                self.lengths[len(ends[0]), len(ends[1])] += 1
            same[segment] = node
        return node

    def drop(self, segment: str) -> None:
        del self.nodes[segment]
        ends = ends_of(segment)
        del self.by_ends[ends][segment]
        if not self.by_ends[ends]:
            del self.by_ends[ends]
            lengths = len(ends[0]), len(ends[1])
            self.lengths[lengths] -= 1
            if not self.lengths[lengths]:
                del self.lengths[lengths]

    def meeting(self, segment: str) -> Iterator[_Node[T]]:
        """The nodes of the segments that meet another: those whose ends are ends of it, or the other way round."""
        before, after = (segment, segment) if not is_pattern(segment) else ends_of(segment)
        longer = [pair for pair in self.lengths if pair[0] > len(before) or pair[1] > len(after)]
        for first, last in self.lengths:
            if first <= len(before) and last <= len(after):
                same = self.by_ends.get((before[:first], after[len(after) - last :]))
                if same is not None:
                    yield from (node for other, node in same.items() if names_meet(segment, other))
        if longer and is_pattern(segment):  # a name is no shorter than the ends that it fits
            for (start, end), same in self.by_ends.items():
                if (len(start) > len(before) or len(end) > len(after)) and _agree(before, after, start, end):
                    yield from (node for other, node in same.items() if names_meet(segment, other))


_WILDCARDS: Final = ("*", "?")


@lru_cache(16_384)
def way_of(key: str) -> tuple[str, str, tuple[str, ...]]:
    """The repository of a key, its working tree, and the segments that lead to it."""
    repository, tree, path = parse_key(key)
    return repository, tree, head_of(path)


def ends_of(segment: str) -> tuple[str, str]:
    """What stands before the first wildcard of a segment, and what after the last."""
    first = min(place for wildcard in _WILDCARDS if (place := segment.find(wildcard)) >= 0)
    last = max(segment.rfind(wildcard) for wildcard in _WILDCARDS)
    return segment[:first], segment[last + 1 :]


def _agree(before: str, after: str, start: str, end: str) -> bool:
    return (start.startswith(before) or before.startswith(start)) and (end.endswith(after) or after.endswith(end))
