"""Hubs and agents in a simulation: whatever a seed makes of them, what they are told follows from the log."""

import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.simulation.planted import FAULTS, Fault, planted
from tests.simulation.run import Failed, Played, play

IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - what is written there is gone at once
GROUPS = 12
IN_A_GROUP = 25
SEARCHED = 250
SOAK_SEEDS = 10_000


def play_here(seed: int, *, is_large: bool = False) -> Played:
    with TemporaryDirectory(prefix="arc-simulation-", dir=IN_MEMORY) as folder:
        return play(seed, Path(folder), is_large=is_large)


@pytest.mark.parametrize("group", range(GROUPS))
def test_what_agents_are_told_follows_from_the_log(group: int) -> None:
    answered = sum(play_here(seed).answered for seed in range(group * IN_A_GROUP, (group + 1) * IN_A_GROUP))
    assert answered > 10 * IN_A_GROUP


@pytest.mark.parametrize("seed", [102705, 105212])
def test_a_refusal_that_is_told_again_under_its_key_is_no_new_request(seed: int) -> None:
    """In these runs an agent asks again when somebody else has the key by then, and is told of the first one."""
    play_here(seed, is_large=True)


def trace_of(seed: int, hash_seed: str, size: str) -> bytes:
    """The trace of a seed, as another process has it."""
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation.trace", str(seed), size],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    ).stdout


@pytest.mark.parametrize(("seed", "size"), [(7, ""), (16, ""), (23, ""), (103918, "large")])
def test_the_same_seed_gives_the_same_trace_byte_for_byte(seed: int, size: str) -> None:
    one, other = trace_of(seed, "1", size), trace_of(seed, "2", size)
    assert one == other
    assert len(one.splitlines()) > 10


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_line_that_is_wrong_is_found(fault: Fault) -> None:
    """By the seed that is named; once the code around it has changed, by another of the first ones."""
    with planted(fault):
        assert any(fails(seed) for seed in (fault.seed, *range(SEARCHED)))
    assert not fails(fault.seed)


def fails(seed: int) -> bool:
    try:
        play_here(seed)
    except Failed:
        return True
    return False


def search(seeds: range) -> tuple[int, int, Counter[str], list[str]]:
    """Play large runs; how many events and answers there were, what went wrong by intent, and what nobody intended."""
    events, answered, wrong = 0, 0, []
    seen: Counter[str] = Counter()
    for seed in seeds:
        try:
            played = play_here(seed, is_large=True)
        except Failed as error:
            wrong.append(str(error))
            continue
        events, answered = events + len(played.events), answered + played.answered
        seen.update(played.seen)
    return events, answered, seen, wrong


@pytest.mark.soak
def test_ten_thousand_seeds_with_up_to_five_hubs_and_fifty_agents() -> None:
    began_at, events, answered = time.monotonic(), 0, 0
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    groups = [range(first, first + IN_A_GROUP) for first in range(100_000, 100_000 + SOAK_SEEDS, IN_A_GROUP)]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for more_events, more_answered, more_seen, more_wrong in pool.map(search, groups):
            events, answered = events + more_events, answered + more_answered
            seen.update(more_seen)
            wrong += more_wrong
            print(*more_wrong or ".", sep="\n", end="", flush=True)  # noqa: T201 - a run of an hour tells at once
    spent = time.monotonic() - began_at
    told = f"{SOAK_SEEDS} seeds in {spent:.0f} s: {events} events, {answered} answers, {len(wrong)} wrong; {dict(seen)}"
    print(f"\n{told}")  # noqa: T201 - the figure is what this is for
    assert not wrong, wrong[0]
