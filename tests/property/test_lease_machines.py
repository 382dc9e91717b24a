"""Claims and locks at hubs on several machines against the oracle: random schedules on a log that is elsewhere."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.property.histories import fresh_storage
from tests.support.lease_machines import Machines
from tests.support.memory_engine import MemoryLog
from tests.support.postgresql import Server
from tests.support.postgresql_time import FakeServerTime

WANTED = ("granted", "queued", "served", "hubs killed", "handed over")


@pytest.fixture(scope="module")
def server_time(server: Server) -> Iterator[FakeServerTime]:
    told = FakeServerTime(server)
    yield told
    told.close()


@pytest.mark.parametrize("hubs", [1, 3])
def test_hubs_on_a_log_in_memory_and_the_oracle_agree_at_every_step(tmp_path: Path, hubs: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(20):
        with fresh_storage(tmp_path) as storage, ExitStack() as stack:
            story = Machines(storage.parent, seed, hubs, stack, MemoryLog().join)
            story.play(40)
            seen += story.seen
    assert min(seen[kind] for kind in WANTED) > 0, seen


@pytest.mark.outer
@pytest.mark.parametrize("hubs", [1, 3])
def test_hubs_on_postgresql_and_the_oracle_agree_at_every_step(
    tmp_path: Path, hubs: int, server_time: FakeServerTime
) -> None:
    seen: Counter[str] = Counter()
    for seed in range(12):
        server_time.begin()
        with fresh_storage(tmp_path) as storage, ExitStack() as stack:
            story = Machines(storage.parent, seed, hubs, stack, server_time.join)
            story.play(40)
            seen += story.seen
    assert min(seen[kind] for kind in WANTED) > 0, seen
