"""How soon a hub answers that is started on a large storage after a crash."""

import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.storages import build_storages
from tests.support.hub_process import HubProcess

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

WITHIN_SEC = 2.0
STARTS = 5


@pytest.mark.parametrize("events", [100_000, 1_000_000])
def test_a_hub_that_was_killed_answers_again_within_two_seconds(tmp_path: Path, events: int) -> None:
    ((_, storage),) = build_storages(tmp_path, [events])
    hub = HubProcess(tmp_path, storage, tmp_path / ".arc-relay").start()
    took: list[float] = []
    try:
        for number in range(STARTS):
            for call in range(200):
                hub.post("/v1/messages", {"from_agent": "a", "body": f"{number} {call}"})
            hub.kill()
            began_at = time.monotonic()
            hub.start()
            took.append(time.monotonic() - began_at)
            assert hub.get("/v1/health").result["head"] > events
    finally:
        hub.stop()
    shown = ", ".join(f"{sec:.2f}" for sec in sorted(took))
    sys.stdout.write(f"\n{events:,} events, SIGKILL, seconds to the first answer: {shown}\n")
    assert sorted(took)[STARTS // 2] <= WITHIN_SEC
