"""Patterns: which paths a path or a pattern covers, and whether two of them meet.

There are three wildcards: `*` is any run inside one segment, `?` is one character, and `**` as a whole segment is any
number of segments. All else is ordinary: `app/[id]/page.tsx` is a file.

A path covers itself and everything below it, and a pattern covers what it matches and everything below that. Two of
them overlap when some path is covered by both. Whatever stands below a path that is covered is covered too, so what
counts is the *head*, the segments before the first `**`: two patterns overlap exactly when their heads meet, segment
by segment, for as long as both go on. From there on, one path can first be led to where the one is satisfied, and then
further down to where the other is.

Paths here are keys (`arclog.paths`): in NFC, without empty segments, `.` and `..`.
"""

from collections import deque
from functools import lru_cache
from typing import Final

ANY_SEGMENTS: Final = "**"
_WILDCARDS: Final = ("*", "?")
_ANY: Final = "x"
"""What a witness has where any name will do."""
_NO_NAMES: Final = (".", "..")
"""What no file can be called."""


def is_pattern(path: str) -> bool:
    """Whether `path` holds a wildcard."""
    return "*" in path or "?" in path


@lru_cache(16_384)
def head_of(path: str) -> tuple[str, ...]:
    """The segments before the first `**`."""
    segments = path.split("/")
    if ANY_SEGMENTS in segments:
        del segments[segments.index(ANY_SEGMENTS) :]
    return tuple(segments)


def overlap(one: str, other: str) -> bool:
    """Whether some path is covered by both."""
    return all(map(names_meet, head_of(one), head_of(other)))


def covers(pattern: str, path: str) -> bool:
    """Whether a pattern covers a path, which holds no wildcards: whether it matches the path or a folder above it."""
    segments = pattern.split("/")
    places = _skip(segments, {0})
    for name in path.split("/"):
        if len(segments) in places:
            return True
        places = _skip(segments, set(_step(segments, places, name)))
    return len(segments) in places


def contains(outer: str, inner: str) -> bool:
    """Whether everything that `inner` covers is surely covered by `outer`.

    Exact when `inner` holds no wildcards. Of two patterns it says yes only where that can be seen segment by segment.
    """
    if not is_pattern(inner):
        return covers(outer, inner)
    head, rest = head_of(outer), outer.split("/")
    if any(segment != ANY_SEGMENTS for segment in rest[len(head) :]):
        return outer == inner
    names = head_of(inner)
    return len(head) <= len(names) and all(map(_takes_in, head, names))


def find_witness(one: str, other: str) -> str | None:
    """A path that both cover, None when there is none: the shortest of some that a person would think of."""
    heads = head_of(one), head_of(other)
    shared: list[str] = []
    for left, right in zip(*heads, strict=False):
        name = find_name(left, right)
        if name is None:
            return None
        shared.append(name)
    longer = max(heads, key=len)
    shared += map(_example, longer[len(shared) :])
    tails = [[_example(s) for s in path.split("/") if s != ANY_SEGMENTS] for path in (one, other)]
    tails = [tail[len(head) :] for tail, head in zip(tails, heads, strict=True)]
    for more in ([], *sorted(tails, key=len), tails[0] + tails[1]):
        path = "/".join(shared + more)
        if path and covers(one, path) and covers(other, path):
            return path
    return _ANY if not shared else "/".join(shared + tails[0] + tails[1])


# One segment ----------------------------------------------------------------------------------------------------------


def names_meet(one: str, other: str) -> bool:
    """Whether one name fits two segments, neither of which is `**`."""
    if one == other:
        return True
    if not is_pattern(one):
        return is_pattern(other) and fits(other, one)
    if not is_pattern(other):
        return fits(one, other)
    return _patterns_meet(one, other)


@lru_cache(65_536)
def fits(segment: str, name: str) -> bool:
    """Whether a name fits a segment."""
    return name not in _NO_NAMES and _run(segment, name)


@lru_cache(65_536)
def _patterns_meet(one: str, other: str) -> bool:
    if not _run(one, other):
        return False
    # All that both fit might be `.` and `..`, which are no names: rare enough to be looked at closely.
    if any(_run(one, name) and _run(other, name) for name in _NO_NAMES):
        return find_name(one, other) is not None
    return True


def _run(one: str, other: str) -> bool:
    """Whether one string fits two segments: all places in `other` that `one` may have led to, as bits of a number."""
    stars, matching, full = _masks(other)
    places = 1 | (stars & 1) << 1
    for character in one:
        if character == "*":
            places = full & -(places & -places)  # any run: every place from the first on
        elif character == "?":
            places = (places & stars) | (places & ~stars) << 1
        else:
            places = (places & stars) | (places & matching.get(character, matching["?"])) << 1
        places &= full
        if not places:
            return False
        places |= (places & stars) << 1
    return places & full > full >> 1


@lru_cache(16_384)
def _masks(segment: str) -> tuple[int, dict[str, int], int]:
    """Where a segment has a star, where it takes which character, and all its places, its end included."""
    segment = _squeeze(segment)
    stars = anything = 0
    own: dict[str, int] = {}
    for place, character in enumerate(segment):
        if character == "*":
            stars |= 1 << place
        elif character == "?":
            anything |= 1 << place
        else:
            own[character] = own.get(character, 0) | 1 << place
    matching = {character: places | anything for character, places in own.items()}
    return stars, matching | {"?": anything}, (1 << len(segment) + 1) - 1


@lru_cache(4_096)
def find_name(one: str, other: str) -> str | None:
    """The shortest name that fits both segments, None when there is none."""
    for name, segment in ((one, other), (other, one)):
        if not is_pattern(name):
            return name if names_meet(name, segment) else None
    left, right = _squeeze(one), _squeeze(other)
    # A state is a place in each, and how many dots there are as long as there are only dots: `.` and `..` are no names.
    start = (0, 0, 0)
    came: dict[tuple[int, int, int], tuple[tuple[int, int, int], str] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        i, j, dots = state
        if i == len(left) and j == len(right) and dots > 2:  # noqa: PLR2004 - more than the two dots of `..`
            return _spell(came, state)
        for after_left, after_right, character in _moves(left, right, i, j):
            after = dots if not character else min(dots + 1, 3) if character == "." and dots < 3 else 3  # noqa: PLR2004
            following = (after_left, after_right, after)
            if following not in came:
                came[following] = (state, character)
                (waiting.append if character else waiting.appendleft)(following)
    return None


def _moves(left: str, right: str, i: int, j: int) -> list[tuple[int, int, str]]:
    """From two places, where one character leads, or none where a star ends."""
    a, b = left[i : i + 1], right[j : j + 1]
    moves = []
    if a == "*":
        moves.append((i + 1, j, ""))
    if b == "*":
        moves.append((i, j + 1, ""))
    if a and b and (a == b or a in _WILDCARDS or b in _WILDCARDS):
        character = b if a in _WILDCARDS else a
        character = _ANY if character in _WILDCARDS else character
        moves.append((i + (a != "*"), j + (b != "*"), character))
    return moves


def _spell(
    came: dict[tuple[int, int, int], tuple[tuple[int, int, int], str] | None], state: tuple[int, int, int]
) -> str:
    letters: list[str] = []
    while (step := came[state]) is not None:
        state, character = step
        letters.append(character)
    return "".join(reversed(letters))


def _example(segment: str) -> str:
    """A name that fits a segment."""
    return segment if not is_pattern(segment) else find_name(segment, "*") or _ANY


def _takes_in(outer: str, inner: str) -> bool:
    return outer in {"*", inner} or (not is_pattern(inner) and is_pattern(outer) and fits(outer, inner))


def _squeeze(segment: str) -> str:
    while "**" in segment:
        segment = segment.replace("**", "*")
    return segment


# Many segments --------------------------------------------------------------------------------------------------------


def _step(segments: list[str], places: set[int], name: str) -> list[int]:
    return [
        place if segments[place] == ANY_SEGMENTS else place + 1
        for place in places
        if place < len(segments) and (segments[place] == ANY_SEGMENTS or names_meet(segments[place], name))
    ]


def _skip(segments: list[str], places: set[int]) -> set[int]:
    """With each `**` that may stand for nothing at all, the place after it."""
    for place in sorted(places):
        after = place
        while after < len(segments) and segments[after] == ANY_SEGMENTS:
            after += 1
            places.add(after)
    return places
