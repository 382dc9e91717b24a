"""Patterns: what they cover, and when two of them meet."""

import itertools
from random import Random

import pytest

from arclog.patterns import contains, covers, find_witness, is_pattern, names_meet, overlap
from tests.support.covering import all_paths, covered_by

WORLD = all_paths(("a", "b", "aa", "ab", "ba", "bb"), 4)
"""Two patterns of at most two segments with at most two letters each, and any number of `**`, meet here or nowhere."""


def segment(random: Random) -> str:
    return "".join(random.choice("aabb*?") for _ in range(random.choice((1, 2))))


def pattern(random: Random) -> str:
    names = [
        "".join(random.choice("aabb*?") for _ in range(random.choice((1, 2)))) for _ in range(random.choice((1, 2)))
    ]
    segments = ["**" if name == "**" else name for name in names]
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        segments.insert(random.randrange(len(segments) + 1), "**")
    return "/".join(segments)


def check_pairs(seed: int, pairs: int, patterns: int = 300) -> None:
    random = Random(seed)  # noqa: S311
    pool = [pattern(random) for _ in range(patterns)]
    for _ in range(pairs):
        one, other = random.choice(pool), random.choice(pool)
        both = covered_by(one, WORLD) & covered_by(other, WORLD)
        assert overlap(one, other) == bool(both), (one, other)
        witness = find_witness(one, other)
        assert (witness is None) == (not both), (one, other)
        if witness is not None:
            named = (witness,)
            assert covered_by(one, named) and covered_by(other, named), (one, other, witness)  # noqa: PT018


@pytest.mark.parametrize("seed", range(2))
def test_two_patterns_overlap_exactly_when_brute_force_finds_a_path_that_both_cover(seed: int) -> None:
    check_pairs(seed, 5_000)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 20))
def test_of_a_hundred_thousand_pairs_none_is_judged_otherwise_than_by_brute_force(seed: int) -> None:
    check_pairs(seed, 20_000, 600)


def words(letters: str, longest: int) -> set[str]:
    return {"".join(word) for length in range(1, longest + 1) for word in itertools.product(letters, repeat=length)}


def test_two_segments_meet_exactly_when_some_name_fits_both_and_dots_alone_are_no_names() -> None:
    names = {"".join(n) for length in (1, 2, 3, 4, 5) for n in itertools.product("a.b", repeat=length)} - {".", ".."}
    segments = sorted(
        {"".join(s) for length in (1, 2, 3) for s in itertools.product("a.*?", repeat=length)} - {".", ".."}
    )
    fitting = {segment: {n for n in names if covered_by(segment, (n,))} for segment in segments}
    for one, other in itertools.combinations(segments, 2):
        if "**" not in one and "**" not in other:
            assert names_meet(one, other) == bool(fitting[one] & fitting[other]), (one, other)


@pytest.mark.parametrize("seed", range(2))
def test_a_pattern_covers_what_it_matches_and_everything_below_that(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    for one in (pattern(random) for _ in range(60)):
        covered = covered_by(one, WORLD)
        for path in random.sample(WORLD, 60):
            assert covers(one, path) == (path in covered), (one, path)


def test_what_a_pattern_is_said_to_contain_is_contained() -> None:
    random = Random(1)  # noqa: S311
    pool = [pattern(random) for _ in range(120)]
    for outer, inner in itertools.product(pool, pool):
        inside = covered_by(inner, WORLD) <= covered_by(outer, WORLD)
        if contains(outer, inner):
            assert inside, (outer, inner)
        elif not is_pattern(inner):
            assert not inside, (outer, inner)


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("src/**", "src/a.py"),
        ("src", "src/*.py"),
        ("**", "*/c.py"),
        ("src/*", "src/a/**"),
        ("a?", "ab"),
        ("**/b", "a/b/c"),
    ],
)
def test_a_wider_pattern_contains_a_narrower_one(outer: str, inner: str) -> None:
    assert contains(outer, inner)
    assert not contains(inner, outer)


@pytest.mark.parametrize(
    ("one", "other", "witness"),
    [
        ("src/*/a.py", "src/x/**", "src/x/a.py"),
        ("src", "src/a.py", "src/a.py"),
        ("**/a.py", "src/**/a.py", "src/a.py"),
        ("src/*.py", "src/a*", "src/a.py"),
        ("**", "**", "x"),
        ("app/[id]/page.tsx", "app/*/page.tsx", "app/[id]/page.tsx"),
        ("app/{a,b}", "app/{a,b}", "app/{a,b}"),
        ("**/a.py", "b.py", "b.py/a.py"),  # a name with a dot may be a folder's
    ],
)
def test_a_witness_is_a_path_that_a_person_would_think_of(one: str, other: str, witness: str) -> None:
    assert find_witness(one, other) == witness


@pytest.mark.parametrize(
    ("one", "other"),
    [("app/[id]/page.tsx", "app/i/page.tsx"), ("app/{a,b}", "app/a"), ("src/?", "src/ab"), ("a*", "b*")],
)
def test_only_three_wildcards_are_any(one: str, other: str) -> None:
    assert not overlap(one, other)
    assert find_witness(one, other) is None


def test_patterns_made_to_be_slow_are_judged_at_once() -> None:
    one, other = "*a" * 127 + "*", "*b" * 127 + "*c"
    assert overlap(f"src/{one}", f"src/{other}")
    assert not overlap("a" * 4096, "*" + "a?" * 100 + "b")
