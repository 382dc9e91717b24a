"""What paths cover, by brute force: every path of a small world, tried against a regular expression."""

import re
from functools import cache
from itertools import product

Covered = frozenset[str]


def all_paths(names: tuple[str, ...], depth: int) -> tuple[str, ...]:
    """Every path of up to `depth` names."""
    return tuple("/".join(some) for length in range(1, depth + 1) for some in product(names, repeat=length))


@cache
def covered_by(pattern: str, world: tuple[str, ...]) -> Covered:
    """The paths of `world` that a pattern covers: what it matches, and everything below that."""
    expression = "".join(map(_segment, pattern.split("/")))
    fits = re.compile(f"{expression}(?:[^/]+/)*", re.DOTALL).fullmatch
    return frozenset(path for path in world if fits(f"{path}/"))


def _segment(segment: str) -> str:
    if segment == "**":
        return "(?:[^/]+/)*"
    letters = {"*": "[^/]*", "?": "[^/]"}
    return f"(?=[^/]){''.join(letters.get(letter, re.escape(letter)) for letter in segment)}/"
