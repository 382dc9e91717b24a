"""Presence: who counts as there, when a hub vouches for its agents, and when somebody's silence is too long."""

import pytest

from arclog.deciders.presence import (
    Vouching,
    bearable_gap,
    decide_vouch,
    expires_at,
    vouch_due_at,
    vouch_interval,
)
from arclog.deciders.sessions import LiveSession
from arclog.events import HubVouched

SECOND = 1_000_000
TTL = 120 * SECOND
INTERVAL = 40 * SECOND
NOW = 1_000 * SECOND


def vouching(has: frozenset[str] = frozenset(), last_at: int = 0, **here: int) -> Vouching:
    return Vouching("h", here, has, last_at, TTL)


@pytest.mark.parametrize(("ttl_sec", "interval_sec"), [(120, 40), (60, 20), (5, 5 / 3), (3600, 1200)])
def test_a_hub_vouches_every_third_of_the_presence_ttl_at_most(ttl_sec: int, interval_sec: float) -> None:
    assert vouch_interval(ttl_sec * SECOND) == int(interval_sec * SECOND)


@pytest.mark.parametrize(("ttl_sec", "gap_sec"), [(3600, 30), (120, 30), (60, 20), (5, 5 / 3), (0.3, 0.5)])
def test_a_gap_of_a_third_of_the_ttl_or_30_s_is_not_listening(ttl_sec: float, gap_sec: float) -> None:
    assert bearable_gap(round(ttl_sec * SECOND)) == int(gap_sec * SECOND)


def test_a_hub_vouches_for_all_at_once_when_the_first_would_be_missed() -> None:
    state = vouching(a=NOW - INTERVAL, b=NOW)
    assert decide_vouch(state, NOW) == HubVouched(hub_id="h", taken_up=("a", "b"))


def test_nobody_is_vouched_for_whose_calls_show_that_it_is_there() -> None:
    state = vouching(a=NOW - INTERVAL + 1)
    assert decide_vouch(state, NOW) is None
    assert vouch_due_at(state) == NOW + 1


def test_a_hub_with_nobody_there_never_vouches() -> None:
    assert vouch_due_at(vouching(frozenset("a"))) is None
    assert decide_vouch(vouching(frozenset("a")), NOW) is None


def test_a_hub_does_not_vouch_again_before_a_third_of_the_ttl() -> None:
    early = vouching(last_at=NOW - INTERVAL + 1, a=0)
    assert decide_vouch(early, NOW) is None
    assert vouch_due_at(early) == NOW + 1


def test_only_who_came_and_went_since_is_named() -> None:
    state = vouching(frozenset(("a", "b")), a=NOW - INTERVAL, c=NOW - INTERVAL)
    assert decide_vouch(state, NOW) == HubVouched(hub_id="h", taken_up=("c",), given_up=("b",))
    same = vouching(frozenset("a"), a=NOW - INTERVAL)
    assert decide_vouch(same, NOW) == HubVouched(hub_id="h")


def test_a_session_is_over_when_its_agent_was_silent_for_longer_than_the_presence_ttl() -> None:
    assert expires_at(LiveSession("s", "a", NOW), 0, 0, TTL) == NOW + TTL + 1


def test_silence_counts_from_the_last_time_the_hub_noticed_the_agent() -> None:
    assert expires_at(LiveSession("s", "a", NOW), NOW + 5, 0, TTL) == NOW + 5 + TTL + 1


def test_silence_counts_only_while_the_hub_listens() -> None:
    assert expires_at(LiveSession("s", "a", NOW), 0, NOW + 7, TTL) == NOW + 7 + TTL + 1
