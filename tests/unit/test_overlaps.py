"""Overlaps: of many keys, those that meet another one."""

import time
from collections.abc import Callable
from random import Random

import pytest

from arclog.overlaps import Overlaps, SameKeys
from arclog.patterns import overlap


def segment(random: Random) -> str:
    return "**" if random.random() < 0.15 else "".join(random.choice("aabb*?") for _ in range(random.choice((1, 2, 3))))


def pattern(random: Random) -> str:
    return "/".join(segment(random) for _ in range(random.choice((1, 2, 3, 4))))


@pytest.mark.parametrize("seed", range(20))
def test_it_finds_what_looking_at_each_finds_whatever_was_added_and_removed(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    patterns = [pattern(random) for _ in range(120)]
    index: Overlaps[int] = Overlaps()
    for number, one in enumerate(patterns):
        index.add(one, f"agent-{number % 5}", number)
    gone = set(random.sample(range(120), 50))
    for number in gone:
        index.remove(patterns[number], f"agent-{number % 5}", number)
    for asked in patterns[:40]:
        meeting = {n for n, one in enumerate(patterns) if n not in gone and overlap(one, asked)}
        assert {n for n, _key in index.find(asked, "agent-1")} == {n for n in meeting if n % 5 != 1}
        assert {n for n, _key in index.find_own(asked, "agent-1")} == {n for n in meeting if n % 5 == 1}
    assert len(index) == 70


def test_nothing_is_left_of_what_was_removed() -> None:
    index: Overlaps[int] = Overlaps()
    for key in ("src/a.py", "src/**", "/r/.git//src/*.py", "///tree//x"):
        index.add(key, "a", 1)
        index.remove(key, "a", 1)
    assert len(index) == 0
    assert not list(index.find("**", "b"))
    with pytest.raises(KeyError):
        index.remove("src/a.py", "a", 1)


def test_repositories_never_collide_and_working_trees_only_with_the_whole_repository() -> None:
    index: Overlaps[int] = Overlaps()
    for number, key in enumerate(("src/a.py", "///one//src/a.py", "///two//src/a.py", "/r/.git//src/a.py")):
        index.add(key, "a", number)
    found = {key: {n for n, _ in index.find(key, "b")} for key in ("src/**", "///one//**", "/r/.git//src/a.py")}
    assert found == {"src/**": {0, 1, 2}, "///one//**": {0, 1}, "/r/.git//src/a.py": {3}}


def test_keys_that_are_no_paths_meet_when_they_are_equal() -> None:
    index: SameKeys[int] = SameKeys()
    index.add("task/1", "a", 1)
    assert [n for n, _ in index.find("task/1", "b")] == [1]
    assert not list(index.find("task", "b"))
    assert not list(index.find("task/*", "b"))
    assert not list(index.find("task/1", "a"))
    assert [n for n, _ in index.find_own("task/1", "a")] == [1]
    index.remove("task/1", "a", 1)
    assert not list(index.find("task/1", "b"))


def literal_heads(number: int) -> str:
    return f"src/mod{number % 500}/part{number}/**"


def same_tail(number: int) -> str:
    return f"**/name_{number}.py"


def one_folder(number: int) -> str:
    return f"src/PREFIX*_{number}"


def visited(make: Callable[[int], str], count: int, asked: str, asker: str) -> float:
    """The best of some times of a question, in seconds."""
    index: Overlaps[int] = Overlaps()
    for number in range(count):
        index.add(make(number), "holder", number)
    took = []
    for _ in range(20):
        began = time.perf_counter()
        next(index.find(asked, asker), None)
        took.append(time.perf_counter() - began)
    return min(took)


@pytest.mark.parametrize(
    ("make", "asked", "asker"),
    [
        (literal_heads, "src/mod7/part9/x.py", "other"),
        (literal_heads, "docs/x.md", "other"),
        (literal_heads, "src/**", "holder"),
        (same_tail, "**/name_x.py", "holder"),
        (same_tail, "src/x.py", "other"),
        (one_folder, "src/PREFIXx_7", "other"),
    ],
)
def test_a_question_costs_no_more_among_many_than_among_few(make: Callable[[int], str], asked: str, asker: str) -> None:
    few, many = visited(make, 100, asked, asker), visited(make, 20_000, asked, asker)
    assert many < 4 * few + 20e-6, (few, many)
