"""Leases at hubs that are processes, over HTTP and the relay, killed and stopped by signals, against the oracle."""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.lease_processes import Processes


def play(folder: Path, seeds: range, hubs: int, steps: int) -> Counter[str]:
    seen: Counter[str] = Counter()
    for seed in seeds:
        with TemporaryDirectory(dir=folder) as home, ExitStack() as stack:
            story = Processes(Path(home), seed, hubs, stack)
            story.play(steps)
            seen += story.seen
    return seen


@pytest.mark.parametrize("hubs", [1, 2, 4])
def test_processes_and_oracle_agree_at_every_step(tmp_path: Path, hubs: int) -> None:
    seen = play(tmp_path, range(1, 3), hubs, 25)  # the second has sub-agents
    assert min(seen[kind] for kind in ("granted", "queued")) > 0, seen


@pytest.mark.soak
@pytest.mark.parametrize("hubs", [1, 2, 4])
def test_processes_and_oracle_agree_on_hundreds_of_schedules(tmp_path: Path, hubs: int) -> None:
    print(f"\n{hubs} processes, 100 schedules: {dict(play(tmp_path, range(1_000, 1_100), hubs, 40))}")  # noqa: T201 - a report
