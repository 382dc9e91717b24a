"""Each hub vouches for its agents; who was at a hub that vanishes is gone a whole presence TTL later, not before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arclog.deciders.hub import HubState
from arclog.deciders.locks import AcquireLock
from arclog.deciders.sessions import OpenSession
from projections.hub.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.memory_engine import MemoryLog
from tests.support.recorders import TTL_SEC, expiries, let_presence_be_checked, live_agents, recording, see


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def here(log: MemoryLog, tmp_path: Path, time: FakeTime) -> Iterator[Recorder]:
    with recording(tmp_path / "here.sqlite3", time, hub=HubState(hub_id="here"), remote=log.join(time)) as recorder:
        yield recorder


@pytest.fixture
def there(log: MemoryLog, tmp_path: Path, time: FakeTime, here: Recorder) -> Iterator[Recorder]:
    with recording(tmp_path / "there.sqlite3", time, hub=HubState(hub_id="there"), remote=log.join(time)) as recorder:
        yield recorder


def pass_in_steps(time: FakeTime, seconds: float, *alive: Recorder, agent: str | None = None) -> None:
    """Let time pass while hubs look around now and then, and an agent is at the first of them."""
    for _ in range(10):
        time.pass_sec(seconds / 10)
        if agent is not None:
            see(alive[0], agent)
        for hub in alive:
            let_presence_be_checked(hub)


def test_an_agent_that_only_reads_at_one_hub_is_there_for_all(
    here: Recorder, there: Recorder, tmp_path: Path, time: FakeTime
) -> None:
    here.execute(OpenSession(agent_id="reader"))
    there.execute(OpenSession(agent_id="other"))
    pass_in_steps(time, 3 * TTL_SEC, here, there, agent="reader")
    assert "reader" in live_agents(tmp_path / "there.sqlite3")
    assert expiries(tmp_path / "there.sqlite3") == ["other"]


def test_a_hub_that_vanishes_takes_nobodys_locks_before_the_ttl(
    here: Recorder, there: Recorder, tmp_path: Path, time: FakeTime
) -> None:
    there.execute(OpenSession(agent_id="other"))
    here.execute(OpenSession(agent_id="holder"))
    assert here.execute(AcquireLock(agent_id="holder", file_path="p", ttl_sec=10 * TTL_SEC)).acquired
    pass_in_steps(time, 2 * TTL_SEC, here, there, agent="holder")
    # From here on this hub says nothing any more.
    pass_in_steps(time, 0.6 * TTL_SEC, there)
    assert there.execute(AcquireLock(agent_id="other", file_path="p")).acquired is False
    assert "holder" in live_agents(tmp_path / "there.sqlite3")
    pass_in_steps(time, 1.1 * TTL_SEC, there)
    assert "holder" not in live_agents(tmp_path / "there.sqlite3")
    assert there.execute(AcquireLock(agent_id="other", file_path="p")).acquired


def test_after_the_log_was_away_for_all_nobody_is_blamed_for_the_silence(
    log: MemoryLog, here: Recorder, there: Recorder, tmp_path: Path, time: FakeTime
) -> None:
    here.execute(OpenSession(agent_id="reader"))
    pass_in_steps(time, 0.5 * TTL_SEC, here, there, agent="reader")
    log.is_away = True
    there.follow()  # it finds out by itself, every second
    time.pass_sec(3 * TTL_SEC)
    there.follow()
    log.is_away = False
    let_presence_be_checked(there)
    assert live_agents(tmp_path / "there.sqlite3") == ["reader"]
    see(here, "reader")
    let_presence_be_checked(here)
    pass_in_steps(time, TTL_SEC, here, there, agent="reader")
    assert live_agents(tmp_path / "there.sqlite3") == ["reader"]
