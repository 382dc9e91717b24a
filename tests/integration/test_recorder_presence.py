"""Presence: an agent is there while it calls or waits; one that is silent for too long loses its session."""

from pathlib import Path

import pytest

from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim, RefreshClaim
from arclog.deciders.locks import AcquireLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession, SeeAgent
from arclog.errors import InvalidInput, SessionCollision
from arclog.events import AgentSeen
from projections import sessions
from projections.hub.recorder import Recorder
from projections.intervals import live
from tests.support.fake_time import FakeTime
from tests.support.recorders import (
    TTL_SEC,
    events_in,
    expiries,
    let_presence_be_checked,
    live_agents,
    reading,
    recording,
)

INTERVAL_SEC = 30


def signs_of_life(storage: Path, agent: str) -> int:
    return sum(event.data == AgentSeen(agent_id=agent) for event in events_in(storage))


# Calling -------------------------------------------------------------------------------------------------------------


def test_a_session_lasts_for_the_presence_ttl_and_no_longer(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    time.pass_sec(TTL_SEC)
    let_presence_be_checked(recorder)
    assert live_agents(storage) == ["a"]
    time.pass_micros(1)
    let_presence_be_checked(recorder)
    assert live_agents(storage) == []
    assert expiries(storage) == ["a"]


def test_every_mutating_call_of_an_agent_keeps_its_session(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(AcquireLock(agent_id="b", file_path="p", ttl_sec=10_000))
    for _ in range(5):
        time.pass_sec(TTL_SEC - 1)
        recorder.execute(PostMessage(from_agent="a", body="hi"))
        time.pass_sec(TTL_SEC - 1)
        recorder.execute(AcquireLock(agent_id="a", file_path="p"))
        time.pass_sec(TTL_SEC - 1)
        with pytest.raises(InvalidInput):
            recorder.execute(PostMessage(from_agent="a", body=""))
        time.pass_sec(TTL_SEC - 1)
        with pytest.raises(SessionCollision):
            recorder.execute(OpenSession(agent_id="a"))
        time.pass_sec(TTL_SEC - 1)
        recorder.execute(CreateChannel(name="general", created_by="a"))
    let_presence_be_checked(recorder)
    assert live_agents(storage) == ["a"]


def test_a_retry_under_a_key_keeps_the_session_too(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    for _ in range(5):
        time.pass_sec(TTL_SEC - 1)
        recorder.execute(PostMessage(from_agent="a", body="hi"), "http", "key", b"hash")
    let_presence_be_checked(recorder)
    assert live_agents(storage) == ["a"]


def test_an_agent_that_comes_back_after_its_session_ended_needs_no_replace(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    time.pass_sec(TTL_SEC + 1)
    recorder.execute(OpenSession(agent_id="a"))
    assert live_agents(storage) == ["a"]
    assert [event.type for event in events_in(storage, 3)] == ["session.expired", "session.opened"]


# Waiting -------------------------------------------------------------------------------------------------------------


def test_an_agent_that_waits_is_kept_alive_and_written_down_every_interval(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.present["a"] += 1
    for _ in range(300):
        time.pass_sec(1)
        if recorder.is_due():
            recorder.transact([])
    assert live_agents(storage) == ["a"]
    assert signs_of_life(storage, "a") == 300 // INTERVAL_SEC


def test_an_agent_that_waited_and_went_is_gone_a_ttl_later(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.present["a"] += 1
    time.pass_sec(INTERVAL_SEC)
    recorder.transact([])
    del recorder.present["a"]
    time.pass_sec(TTL_SEC)
    assert not recorder.is_due()
    time.pass_micros(1)
    assert recorder.is_due()
    recorder.transact([])
    assert live_agents(storage) == []


def test_a_reader_is_written_down_at_most_once_an_interval(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    for _ in range(100):
        time.pass_sec(1)
        recorder.execute(SeeAgent(agent_id="a"))
    assert signs_of_life(storage, "a") == 3


@pytest.mark.parametrize(("ttl_sec", "interval_sec"), [(15, 5), (90, 30), (600, 30)])
def test_the_interval_is_30_s_or_a_third_of_the_ttl(
    storage: Path, time: FakeTime, ttl_sec: int, interval_sec: int
) -> None:
    with recording(storage, time, presence_ttl=ttl_sec * 1_000_000) as recorder:
        recorder.execute(OpenSession(agent_id="a"))
        for _ in range(60):
            time.pass_sec(1)
            recorder.execute(SeeAgent(agent_id="a"))
    assert signs_of_life(storage, "a") == 60 // interval_sec


def test_an_agent_whose_calls_show_that_it_is_there_is_never_written_down(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.present["a"] += 1
    for _ in range(100):
        time.pass_sec(3)
        recorder.execute(PostMessage(from_agent="a", body="hi"))
        recorder.execute(SeeAgent(agent_id="a"))
    assert signs_of_life(storage, "a") == 0


def test_a_reader_without_a_session_is_never_written_down(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    for _ in range(10):
        time.pass_sec(60)
        recorder.execute(SeeAgent(agent_id="a"))
    assert signs_of_life(storage, "a") == 0


def test_last_seen_is_when_an_agent_last_did_anything(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    time.pass_sec(3)
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="k"))
    time.pass_sec(3)
    recorder.execute(RefreshClaim(owner_agent_id="a", claim_key="k"))
    with reading(storage) as connection:
        (session,) = sessions.list_live(connection, live(time.wall()))
    assert session.last_seen_at == time.wall()


# Looking -------------------------------------------------------------------------------------------------------------


def test_a_hub_with_nobody_there_hardly_ever_looks(recorder: Recorder, time: FakeTime) -> None:
    let_presence_be_checked(recorder)
    looks = 0
    end = time.wall() + 3600 * 1_000_000
    while time.wall() < end:
        time.pass_micros(max(1, recorder.next_look_at - time.wall()))
        assert not recorder.is_due()
        looks += 1
    assert looks <= 3600 / INTERVAL_SEC + 1


def test_looking_writes_nothing_when_nothing_is_due(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    head = recorder.last_event_id
    time.pass_sec(TTL_SEC / 2)
    recorder.is_due()
    recorder.transact([])
    assert len(events_in(storage)) == head


def test_a_jump_of_the_wall_clock_ends_no_session(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(AcquireLock(agent_id="a", file_path="p"))
    for jump_sec in (3600, -7200, 315_360_000, -630_720_000):
        time.shift_wall(jump_sec)
        time.pass_sec(1)
        recorder.transact([])
        assert recorder.execute(AcquireLock(agent_id="b", file_path="p")).acquired is False
    assert live_agents(storage) == ["a"]
    time.pass_sec(300)
    assert recorder.execute(AcquireLock(agent_id="b", file_path="p")).acquired is True
