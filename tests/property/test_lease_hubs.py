"""Claims and locks at real hubs against the oracle: random schedules with kills, lapses, lost calls and handovers."""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.property.histories import fresh_storage
from tests.support.lease_hubs import Hubs


def play(folder: Path, seeds: range, hubs: int) -> Counter[str]:
    seen: Counter[str] = Counter()
    for seed in seeds:
        with fresh_storage(folder) as storage, ExitStack() as stack:
            story = Hubs(storage, seed, hubs, stack)
            story.play(40)
            seen += story.seen
    return seen


@pytest.mark.parametrize("hubs", [1, 2, 4])
@pytest.mark.parametrize("first", range(0, 66, 22))
def test_hubs_and_oracle_agree_at_every_step(tmp_path: Path, hubs: int, first: int) -> None:
    seen = play(tmp_path, range(first, first + 22), hubs)
    assert min(seen[kind] for kind in ("granted", "queued", "served", "hubs killed", "handed over")) > 0, seen


@pytest.mark.soak
@pytest.mark.parametrize("hubs", [1, 2, 4])
def test_hubs_and_oracle_agree_on_ten_thousand_schedules(tmp_path: Path, hubs: int) -> None:
    play(tmp_path, range(1_000, 4_334), hubs)
