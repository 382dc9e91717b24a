"""Presence: an agent is there while it calls or waits; one that is silent for too long loses its session."""

from itertools import count
from pathlib import Path

import pytest

from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim, RefreshClaim
from arclog.deciders.locks import AcquireLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.errors import InvalidInput, SessionCollision
from arclog.events import HubVouched, SessionExpired
from arclog.sqlite.reads import NO_END, Filter
from projections import locks, sessions
from projections.history.events import read_log, read_log_end
from projections.hub.clockwork import SLICE
from projections.hub.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.recorders import (
    TTL_SEC,
    events_in,
    expiries,
    let_presence_be_checked,
    live_agents,
    reading,
    recording,
    see,
)

INTERVAL_SEC = TTL_SEC / 3


def vouches_in(storage: Path) -> list[HubVouched]:
    return [event.data for event in events_in(storage) if isinstance(event.data, HubVouched)]


def idle(recorder: Recorder, time: FakeTime, seconds: float) -> None:
    """Let time pass while nobody calls: the hub does what is due, when it is due."""
    end = time.wall() + round(seconds * 1_000_000)
    while time.wall() < end:
        time.pass_micros(max(1, min(recorder._clocks.next_due_at, end) - time.wall()))
        if recorder.is_due():
            recorder.transact([])


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


def test_a_hub_vouches_for_an_agent_that_waits_every_third_of_the_ttl(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.presence.waiting["a"] += 1
    see(recorder, "a")
    idle(recorder, time, 10 * INTERVAL_SEC)
    assert live_agents(storage) == ["a"]
    assert vouches_in(storage) == [
        HubVouched(hub_id="hub-1", taken_up=("a",)),
        *[HubVouched(hub_id="hub-1")] * 9,
    ]


def test_ten_idle_agents_are_one_event_a_third_of_the_ttl_together(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    for number in range(10):
        recorder.execute(OpenSession(agent_id=f"a{number}"))
        recorder.presence.waiting[f"a{number}"] += 1
        see(recorder, f"a{number}")
        time.pass_sec(1)
    head = recorder.last_event_id
    idle(recorder, time, 3600)
    assert len(live_agents(storage)) == 10
    assert recorder.last_event_id - head <= 3600 / INTERVAL_SEC
    assert sum(len(vouched.taken_up) for vouched in vouches_in(storage)) == 10


def test_a_log_is_shown_without_vouches_unless_they_are_asked_for(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.presence.waiting["a"] += 1
    see(recorder, "a")
    idle(recorder, time, 2 * INTERVAL_SEC)
    with reading(storage) as connection:
        shown: list[Filter] = [Filter(), Filter(stream="session/a"), Filter(stream="hub/"), Filter(actor="system")]
        for where in shown:
            assert "hub.vouched" not in [event.type for event in read_log(connection, 0, 100, where)]
            assert "hub.vouched" not in [event.type for event in read_log_end(connection, 100, where)]
        asked = read_log(connection, 0, 100, Filter(type="hub.vouched"))
        assert len(asked) == 2
        assert read_log(connection, 0, 100, Filter(type="hub.", stream="hub/hub-1")) == asked
        assert read_log(connection, 0, 100, Filter(type="hub.vouched", stream="session/a")) == asked[:1]


def test_an_agent_that_waited_and_went_is_gone_a_ttl_later(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.presence.waiting["a"] += 1
    see(recorder, "a")
    idle(recorder, time, INTERVAL_SEC)
    del recorder.presence.waiting["a"]
    idle(recorder, time, TTL_SEC)
    assert live_agents(storage) == ["a"]
    idle(recorder, time, 0.000_001)
    assert live_agents(storage) == []
    assert len(vouches_in(storage)) == 1


def test_an_agent_that_went_is_given_up_when_the_hub_vouches_again(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    for agent in "ab":
        recorder.execute(OpenSession(agent_id=agent))
        recorder.presence.waiting[agent] += 1
        see(recorder, agent)
    idle(recorder, time, INTERVAL_SEC)
    del recorder.presence.waiting["b"]
    idle(recorder, time, INTERVAL_SEC)
    assert [vouched.given_up for vouched in vouches_in(storage)] == [(), ("b",)]
    with reading(storage) as connection:
        seen = {session.agent_id: session.last_seen_at for session in sessions.list_live(connection)}
    assert seen["a"] - seen["b"] == INTERVAL_SEC * 1_000_000


def test_a_reader_that_asks_now_and_then_lives_on(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    for _ in range(20):
        idle(recorder, time, TTL_SEC - 1)
        see(recorder, "a")
    assert live_agents(storage) == ["a"]


def test_an_agent_whose_calls_show_that_it_is_there_is_not_vouched_for(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.presence.waiting["a"] += 1
    for _ in range(100):
        idle(recorder, time, 3)
        recorder.execute(PostMessage(from_agent="a", body="hi"))
        see(recorder, "a")
    assert vouches_in(storage) == []


def test_a_reader_without_a_session_is_not_vouched_for(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    for _ in range(10):
        idle(recorder, time, 60)
        see(recorder, "a")
    assert vouches_in(storage) == []


def test_an_agent_in_the_middle_of_a_tool_counts_as_there_for_an_hour(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.presence.begin_tool("a", time.wall())
    see(recorder, "a")
    idle(recorder, time, 3600)
    assert live_agents(storage) == ["a"]
    idle(recorder, time, TTL_SEC + 1)
    assert live_agents(storage) == []


def test_an_agent_whose_tool_has_ended_is_gone_a_ttl_later(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.presence.begin_tool("a", time.wall())
    see(recorder, "a")
    idle(recorder, time, 600)
    recorder.presence.end_tool("a", time.wall())
    idle(recorder, time, TTL_SEC)
    assert live_agents(storage) == ["a"]
    idle(recorder, time, 1)
    assert live_agents(storage) == []


def test_last_seen_is_when_an_agent_last_did_anything(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    time.pass_sec(3)
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="k"))
    time.pass_sec(3)
    recorder.execute(RefreshClaim(owner_agent_id="a", claim_key="k"))
    with reading(storage) as connection:
        (session,) = sessions.list_live(connection)
    assert session.last_seen_at == time.wall()


# Looking -------------------------------------------------------------------------------------------------------------


def test_a_hub_with_nobody_there_hardly_ever_looks(recorder: Recorder, time: FakeTime) -> None:
    let_presence_be_checked(recorder)
    looks = 0
    end = time.wall() + 3600 * 1_000_000
    while time.wall() < end:
        time.pass_micros(max(1, recorder._clocks.next_due_at - time.wall()))
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


# Much at once --------------------------------------------------------------------------------------------------------


def test_more_than_one_event_may_name_is_taken_back_by_those_that_follow(storage: Path, time: FakeTime) -> None:
    with recording(storage, time, freed_at_once=3) as recorder:
        recorder.execute(OpenSession(agent_id="a"))
        for number in range(8):
            recorder.execute(AcquireLock(agent_id="a", file_path=f"p{number}", ttl_sec=10_000))
        head = recorder.last_event_id
        time.pass_sec(TTL_SEC + 1)
        let_presence_be_checked(recorder)
    ends = [event.data for event in events_in(storage, head)]
    assert [(len(end.locks), end.more) for end in ends if isinstance(end, SessionExpired)] == [
        (3, True),
        (3, True),
        (2, False),
    ]
    with reading(storage) as connection:
        assert locks.count_held(connection, "a", time.wall(), NO_END) == 0


def test_what_is_due_is_settled_a_little_at_a_time(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    for number in range(10):
        recorder.execute(OpenSession(agent_id=f"a{number}"))
    recorder.clockwork._elapsed = count(step=SLICE).__next__
    time.pass_sec(TTL_SEC + 1)
    for left in range(9, -1, -1):
        assert recorder.is_due()
        let_presence_be_checked(recorder)
        assert len(live_agents(storage)) == left
    assert not recorder.is_due()


def test_whoever_a_call_meets_that_is_over_is_settled_before_it_is_judged(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    for number in range(10):
        recorder.execute(OpenSession(agent_id=f"a{number}"))
        recorder.execute(AcquireLock(agent_id=f"a{number}", file_path=f"p{number}", ttl_sec=10_000))
        recorder.execute(AcquireClaim(owner_agent_id=f"a{number}", claim_key=f"k{number}", ttl_sec=10_000))
    recorder.clockwork._elapsed = count(step=SLICE).__next__
    time.pass_sec(TTL_SEC + 1)
    assert recorder.execute(AcquireLock(agent_id="b", file_path="p8")).acquired
    assert recorder.execute(AcquireClaim(owner_agent_id="b", claim_key="k7")).acquired
    recorder.execute(OpenSession(agent_id="a9"))
    assert {"a7", "a8"}.isdisjoint(live_agents(storage))
    assert "a9" in live_agents(storage)
    assert len(live_agents(storage)) > 3


def test_a_look_at_very_many_sessions_is_taken_in_parts(storage: Path, time: FakeTime) -> None:
    with recording(storage, time, looked_at_once=3) as recorder:
        for number in range(10):
            recorder.execute(OpenSession(agent_id=f"a{number}"))
        idle(recorder, time, TTL_SEC)
        assert len(live_agents(storage)) == 10
        idle(recorder, time, 0.000_001)
        assert live_agents(storage) == []
