"""Where transactions are flushed: a quick disk on the loop, a slow one on the thread, tried again now and then."""

import pytest

from projections.hub.flush_policy import FlushPolicy, Place

LOOP: Place = "loop"
THREAD: Place = "thread"


@pytest.mark.parametrize(
    ("flushes_ms", "next_place"),
    [
        ([], LOOP),
        ([0.1], LOOP),
        ([1.9] * 50, LOOP),
        ([2.0], THREAD),
        ([0.1] * 20 + [10.0], LOOP),
        ([0.1] * 20 + [10.0, 10.0], THREAD),
        ([0.1] * 20 + [30.0], THREAD),
    ],
    ids=str,
)
def test_flushes_are_done_on_the_loop_while_they_are_quick_on_the_whole(
    flushes_ms: list[float], next_place: Place
) -> None:
    policy = FlushPolicy(quick_sec=0.002, apart_sec=1.0)
    now = 100.0
    for took_ms in flushes_ms:
        assert policy.choose(now, is_slow=False) == LOOP
        now += took_ms / 1000
        policy.learn(took_ms / 1000, now, held_up=True)
    assert policy.choose(now, is_slow=False) == next_place


@pytest.mark.parametrize(
    ("flushes_ms", "next_place"),
    [
        ([2.0], LOOP),
        ([19.0] * 50, LOOP),
        ([20.0], THREAD),
        ([5.0] * 20 + [100.0], LOOP),
        ([5.0] * 20 + [200.0], THREAD),
    ],
    ids=str,
)
def test_slower_ones_are_too_while_they_hold_nobody_up(flushes_ms: list[float], next_place: Place) -> None:
    policy = FlushPolicy(quick_sec=0.002, lone_sec=0.02, apart_sec=1.0)
    now = 100.0
    for took_ms in flushes_ms:
        assert policy.choose(now, is_slow=False) == LOOP
        now += took_ms / 1000
        policy.learn(took_ms / 1000, now, held_up=False)
    assert policy.choose(now, is_slow=False) == next_place


def test_whoever_is_held_up_by_a_slow_disk_sends_it_to_the_thread() -> None:
    policy = FlushPolicy(quick_sec=0.002, lone_sec=0.02, apart_sec=1.0)
    policy.learn(0.005, 100.0, held_up=False)
    policy.learn(0.005, 100.1, held_up=True)
    assert policy.choose(100.2, is_slow=False) == THREAD


@pytest.mark.parametrize(("later_sec", "place"), [(0.0, THREAD), (0.9, THREAD), (1.0, LOOP), (3600.0, LOOP)])
def test_a_slow_disk_is_tried_on_the_loop_again_after_a_time(later_sec: float, place: Place) -> None:
    policy = FlushPolicy(quick_sec=0.002, apart_sec=1.0)
    policy.learn(0.005, 100.0, held_up=True)
    assert policy.choose(100.0 + later_sec, is_slow=False) == place


def test_one_quick_flush_after_slow_ones_is_enough_to_go_on_with() -> None:
    policy = FlushPolicy(quick_sec=0.002, apart_sec=1.0)
    policy.learn(0.5, 100.0, held_up=True)
    policy.learn(0.001, 101.0, held_up=True)
    assert policy.choose(101.0, is_slow=False) == LOOP


def test_what_is_known_to_take_long_is_never_done_on_the_loop() -> None:
    assert FlushPolicy().choose(100.0, is_slow=True) == THREAD
