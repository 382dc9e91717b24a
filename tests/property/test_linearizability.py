"""What clients are told who ask at once, over HTTP, the relay and MCP, could be told to them one after the other."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any

import pytest

from arclog.deciders import handover, held_locks, leases
from arclog.events import LockLeft
from arclog.overlaps import Overlaps
from projections import standing_changes
from projections.hub import lease_memory
from relay.remote import HttpSend
from tests.support.lease_clients import make_history
from tests.support.lease_histories import NotLinearizable, Told, judge
from tests.support.linearizability import Step, find_violation
from tests.support.relay_thread import serving
from tests.support.served_hub import served_hub

AT_ONCE = 4


@contextmanager
def hubs(home: Path) -> Iterator[list[str]]:
    """Two hubs on one storage, one of them with a relay."""
    with served_hub(home) as one, served_hub(home) as two, serving(home / "spool", HttpSend(one.url)):
        yield [one.url, two.url]


def play(home: Path, seeds: range) -> Counter[tuple[str, str]]:
    """Make histories, some at a time, and judge each."""
    came: Counter[tuple[str, str]] = Counter()

    def make(seed: int) -> list[Told]:
        told = make_history(urls, home / "spool", f"h{seed}", seed)
        judge(told)
        return told

    with hubs(home) as urls, ThreadPoolExecutor(AT_ONCE) as pool:
        for told in pool.map(make, seeds):
            came.update((one.act, one.got) for one in told)
    return came


def test_what_clients_are_told_at_once_could_be_told_one_after_the_other(tmp_path: Path) -> None:
    came = play(tmp_path, range(24))
    acts = [("ask", "acquired"), ("ask", "waiting"), ("ask", "refused"), ("release", "done"), ("hand_over", "done")]
    assert min(came[act] for act in acts) > 0, came


@pytest.mark.soak
def test_two_hundred_histories_are_linearizable(tmp_path: Path) -> None:
    came = play(tmp_path, range(1_000, 1_200))
    print(f"\n200 histories, {came.total()} calls, 0 violations: {dict(came)}")  # noqa: T201 - the figure is what this is for


def _miss_an_overlap(patch: pytest.MonkeyPatch) -> None:
    find = Overlaps.find

    def same_keys(self: Any, key: str, agent_id: str) -> Iterator[Any]:
        return (one for one in find(self, key, agent_id) if one[1] == key)

    patch.setattr(Overlaps, "find", same_keys)


def _overtake(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(leases, "_passed", lambda standing, *_request: frozenset(standing.waiting))


def _forget_who_left(patch: pytest.MonkeyPatch) -> None:
    learn = standing_changes.learn

    def forgetful(what: Any, event: Any) -> None:
        if not isinstance(event.data, LockLeft):
            learn(what, event)

    patch.setattr(lease_memory, "learn", forgetful)


def _grant_twice_at_a_handover(patch: pytest.MonkeyPatch) -> None:
    check = handover.check_handover

    def serve_nobody(*asked: Any) -> tuple[int, ...]:
        check(*asked)
        return ()

    patch.setattr(held_locks, "check_handover", serve_nobody)


@pytest.mark.parametrize("plant", [_miss_an_overlap, _overtake, _forget_who_left, _grant_twice_at_a_handover])
def test_a_hub_that_breaks_the_protocol_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Any) -> None:
    plant(monkeypatch)
    with pytest.raises(NotLinearizable):
        play(tmp_path, range(2_000, 2_040))


# The checker itself, on a register --------------------------------------------------------------------------------


def write(value: int, begun_at: float, ended_at: float, *, is_sure: bool = True) -> Step[int]:
    return Step(begun_at, ended_at, lambda _state: value, (), is_sure, f"write {value}")


def read(value: int, begun_at: float, ended_at: float) -> Step[int]:
    return Step(begun_at, ended_at, lambda state: state if state == value else None, (), True, f"read {value}")


def test_a_read_beside_a_write_may_see_either() -> None:
    for value in (0, 1):
        assert find_violation([write(1, 0, 10), read(value, 2, 3)], 0, int) is None


def test_a_read_after_a_write_must_see_it() -> None:
    assert find_violation([write(1, 0, 1), read(0, 2, 3)], 0, int) == ["read 0"]


def test_what_was_seen_cannot_be_unseen() -> None:
    assert find_violation([write(1, 0, 10), read(1, 2, 3), read(0, 4, 5)], 0, int) is not None


def test_a_write_without_an_answer_may_have_happened_or_not_or_late() -> None:
    for value in (0, 1):
        assert find_violation([write(1, 0, inf, is_sure=False), read(value, 2, 3)], 0, int) is None
    assert find_violation([write(1, 0, inf, is_sure=False), read(0, 2, 3), read(1, 4, 5)], 0, int) is None


def test_a_step_that_follows_another_is_not_before_it() -> None:
    wait = Step[int](0, 10, lambda state: state if state == 1 else None, (0,), True, "granted")
    assert find_violation([read(0, 0, 10), wait, write(1, 0, 10)], 0, int) is None
    assert find_violation([write(2, 5, 10), wait, write(1, 0, 1)], 0, int) == ["granted"]


@pytest.mark.parametrize("is_given", [True, False])
def test_a_handover_without_an_answer_may_have_happened(*, is_given: bool) -> None:
    taken = Told("a", "b", "ask", "lock", ("src",), begun_at=0, ended_at=1, got="acquired", token=5)
    given = Told("a", "b", "hand_over", "lock", ("src",), to="c", begun_at=2)
    asked = Told("c", "b", "ask", "lock", ("src",), begun_at=3, ended_at=4, got="acquired", token=7)
    if is_given:
        judge([taken, given, asked])
        return
    with pytest.raises(NotLinearizable):
        judge([taken, asked])
