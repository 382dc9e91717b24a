"""The protocol of claims and locks against an oracle: random schedules, judged the same at every step."""

from collections import Counter

import pytest

from tests.support.lease_schedule import Player


def play(seeds: range) -> Counter[str]:
    seen: Counter[str] = Counter()
    for seed in seeds:
        player = Player(seed)
        player.play(80)
        player.drain()
        seen += player.seen
    return seen


@pytest.mark.parametrize("first", range(0, 100, 25))
def test_rules_and_oracle_agree_and_every_schedule_drains(first: int) -> None:
    seen = play(range(first, first + 25))
    assert min(seen[kind] for kind in ("granted", "prolonged", "refused", "queued", "deadlock", "served")) > 0, seen
    assert seen["handed over"] > 0, seen


@pytest.mark.soak
@pytest.mark.parametrize("first", range(1_000, 11_000, 1_000))
def test_rules_and_oracle_agree_on_ten_thousand_schedules(first: int) -> None:
    play(range(first, first + 1_000))
