"""Presence: an agent that is silent for too long loses its session and what it holds, once, and all are told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim, RefreshClaim
from arclog.deciders.hub import HubState
from arclog.deciders.locks import AcquireLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession, SeeAgent
from arclog.errors import InvalidInput, SessionCollision
from arclog.events import AgentSeen, ClaimReleased, LockReleased, SessionExpired
from projections import claims, locks, messages, sessions
from projections.intervals import live
from projections.messages import MessageQuery
from projections.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.recorders import PRESENCE_TTL, events_in, let_presence_be_checked, reading, recording

TTL_SEC = PRESENCE_TTL / 1_000_000
INTERVAL_SEC = 30


@pytest.fixture
def other(storage: Path, time: FakeTime, recorder: Recorder) -> Iterator[Recorder]:
    """Another hub on the same storage."""
    with recording(storage, time, hub=HubState(hub_id="hub-2")) as other:
        yield other


def live_agents(storage: Path) -> list[str]:
    with reading(storage) as connection:
        return [session.agent_id for session in sessions.list_sessions(connection, live(0))]


def notices(storage: Path, channel: str) -> list[dict[str, Any]]:
    with reading(storage) as connection:
        page = messages.read_messages(connection, MessageQuery(channel=channel), live(0))
    return [row for json in page.rows if (row := msgspec.json.decode(json))["from_agent"] == "system"]


def expiries(storage: Path) -> list[str]:
    return [event.data.agent_id for event in events_in(storage) if isinstance(event.data, SessionExpired)]


def signs_of_life(storage: Path, agent: str) -> int:
    return sum(event.data == AgentSeen(agent_id=agent) for event in events_in(storage))


# Ending --------------------------------------------------------------------------------------------------------------


def test_after_a_time_without_a_hub_everyone_has_the_presence_ttl_to_call_again(storage: Path, time: FakeTime) -> None:
    with recording(storage, time) as before:
        before.execute(OpenSession(agent_id="a"))
    time.pass_sec(10 * TTL_SEC)
    with recording(storage, time) as after:
        time.pass_sec(TTL_SEC)
        let_presence_be_checked(after)
        assert live_agents(storage) == ["a"]
        time.pass_sec(1)
        let_presence_be_checked(after)
        assert live_agents(storage) == []


def test_a_hub_that_was_there_ends_sessions_in_time_whoever_starts_beside_it(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    time.pass_sec(TTL_SEC)
    with recording(storage, time, hub=HubState(hub_id="hub-2")) as newcomer:
        time.pass_sec(1)
        let_presence_be_checked(newcomer)
        assert live_agents(storage) == ["a"]
        let_presence_be_checked(recorder)
        assert live_agents(storage) == []


def test_after_a_sleep_of_the_machine_everyone_has_the_presence_ttl_to_call_again(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    time.pass_sec(TTL_SEC - 1)
    time.sleep_sec(10 * TTL_SEC)
    let_presence_be_checked(recorder)
    assert live_agents(storage) == ["a"]
    time.pass_sec(TTL_SEC)
    let_presence_be_checked(recorder)
    assert live_agents(storage) == ["a"]
    time.pass_sec(1)
    let_presence_be_checked(recorder)
    assert live_agents(storage) == []


def test_the_first_call_after_a_sleep_ends_nobody(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    time.sleep_sec(10 * TTL_SEC)
    recorder.execute(PostMessage(from_agent="b", body="good morning"))
    assert live_agents(storage) == ["a"]


def test_naps_of_the_machine_add_up(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    for _ in range(20):
        time.sleep_sec(INTERVAL_SEC / 2)
        time.pass_sec(1)
        let_presence_be_checked(recorder)
    assert live_agents(storage) == ["a"]


def test_what_the_machine_slept_before_the_hub_began_excuses_nobody(storage: Path, time: FakeTime) -> None:
    time.sleep_sec(1000)
    with recording(storage, time) as recorder:
        recorder.execute(OpenSession(agent_id="a"))
        time.pass_sec(TTL_SEC + 1)
        let_presence_be_checked(recorder)
        assert live_agents(storage) == []


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


def test_what_a_gone_agent_held_is_released_and_told_where_it_matters(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(CreateChannel(name="room"))
    recorder.execute(CreateChannel(name="hall"))
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(PostMessage(from_agent="b", channel="room", body="hi", thread_id="t"))
    task = recorder.execute(PostMessage(from_agent="b", channel="room", kind="task", body="do", thread_id="t")).event_id
    long: dict[str, Any] = {"ttl_sec": 10_000}
    recorder.execute(
        AcquireClaim(owner_agent_id="a", task_message_id=task, thread_id="t", metadata={"channel": "hall"}, **long)
    )
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="k", metadata={"channel": "hall"}, **long))
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="lost", metadata={"channel": "nowhere"}, **long))
    recorder.execute(AcquireLock(agent_id="a", file_path="p", metadata={"thread_id": "t"}, **long))
    recorder.execute(AcquireLock(agent_id="a", file_path="q", metadata={"thread_id": "unknown"}, **long))
    recorder.execute(AcquireLock(agent_id="a", file_path="r", metadata={"channel": 7, "thread_id": 7}, **long))
    recorder.execute(AcquireLock(agent_id="b", file_path="mine", **long))
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="lapsed", ttl_sec=5))
    time.pass_sec(TTL_SEC + 1)
    let_presence_be_checked(recorder)
    told = {
        channel: [(row["thread_id"], row["reply_to"], row["metadata"]) for row in notices(storage, channel)]
        for channel in ("room", "hall", "general")
    }
    gone = {"recovery": True, "stale_agent_id": "a"}
    assert told == {
        "room": [
            ("t", task, {**gone, "claim_key": f"task-{task}", "task_message_id": task}),
            ("t", None, {**gone, "file_path": "p"}),
        ],
        "hall": [(None, None, {**gone, "claim_key": "k", "task_message_id": None})],
        "general": [
            (None, None, {**gone, "claim_key": "lost", "task_message_id": None}),
            ("unknown", None, {**gone, "file_path": "q"}),
            (None, None, {**gone, "file_path": "r"}),
        ],
    }
    with reading(storage) as connection:
        now = live(time.wall())
        assert claims.list_claims(connection, now, active_only=True) == []
        assert [lock.file_path for lock in locks.list_locks(connection, now, active_only=True)] == ["mine"]
        lapsed = claims.find_claim(connection, "lapsed", now)
    assert lapsed is not None
    assert lapsed.released_at is None


def test_a_thread_of_private_messages_is_told_in_general(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(PostMessage(from_agent="a", to_agent="b", channel="only a label", body="hi", thread_id="t"))
    recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=10_000, metadata={"thread_id": "t"}))
    time.pass_sec(TTL_SEC + 1)
    let_presence_be_checked(recorder)
    assert [row["thread_id"] for row in notices(storage, "general")] == ["t"]


def test_each_release_is_one_event_with_its_notice(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="k", ttl_sec=10_000))
    recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=10_000))
    head = recorder.last_event_id
    time.pass_sec(TTL_SEC + 1)
    let_presence_be_checked(recorder)
    ended, claim, lock = (event.data for event in events_in(storage, head))
    assert isinstance(ended, SessionExpired)
    assert isinstance(claim, ClaimReleased)
    assert isinstance(lock, LockReleased)
    assert claim.notice is not None
    assert lock.notice is not None
    assert (claim.fencing_token, lock.fencing_token) == (4, 5)


def test_an_agent_without_a_session_keeps_what_it_holds(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=10_000))
    time.pass_sec(TTL_SEC * 3)
    let_presence_be_checked(recorder)
    with reading(storage) as connection:
        assert len(locks.list_locks(connection, live(time.wall()), active_only=True)) == 1


# Several hubs --------------------------------------------------------------------------------------------------------


def test_whichever_hub_notices_first_ends_a_session_once(
    recorder: Recorder, other: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=10_000))
    other.execute(PostMessage(from_agent="b", body="hi"))
    time.pass_sec(TTL_SEC + 1)
    let_presence_be_checked(other)
    let_presence_be_checked(recorder)
    assert expiries(storage) == ["a"]
    assert len(notices(storage, "general")) == 1


def test_a_hub_that_starts_ends_no_live_session_of_another(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    time.pass_sec(TTL_SEC)
    with recording(storage, time, hub=HubState(hub_id="hub-2")) as late:
        let_presence_be_checked(late)
        assert live_agents(storage) == ["a"]


def test_the_session_of_a_hub_that_was_killed_is_ended_by_one_that_only_rests(
    recorder: Recorder, other: Recorder, storage: Path, time: FakeTime
) -> None:
    let_presence_be_checked(other)
    time.pass_sec(60)
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=10_000))
    looks = 0
    while not other.is_due():
        assert other.next_look_at > time.wall()
        time.pass_micros(other.next_look_at - time.wall())
        looks += 1
        assert looks < 100, "the other hub never noticed"
    assert time.wall() <= ended_at(storage, time) + 1_000_000
    other.transact([])
    assert expiries(storage) == ["a"]


def ended_at(storage: Path, time: FakeTime) -> int:
    """When the presence of the only session ran out."""
    with reading(storage) as connection:
        (session,) = sessions.list_live(connection, live(time.wall()))
    return session.last_seen_at + PRESENCE_TTL


def test_no_rule_meets_a_session_that_another_hub_opened_and_that_is_over(
    recorder: Recorder, other: Recorder, storage: Path, time: FakeTime
) -> None:
    let_presence_be_checked(other)
    time.pass_sec(1)
    recorder.execute(OpenSession(agent_id="a"))
    time.pass_sec(TTL_SEC + 1)
    other.execute(OpenSession(agent_id="a"))
    assert expiries(storage) == ["a"]
    assert live_agents(storage) == ["a"]


def test_an_agent_that_waits_at_one_hub_is_kept_alive_though_its_calls_went_through_another(
    recorder: Recorder, other: Recorder, storage: Path, time: FakeTime
) -> None:
    let_presence_be_checked(other)
    recorder.execute(OpenSession(agent_id="a"))
    time.pass_sec(10)
    other.present["a"] += 1
    other.execute(SeeAgent(agent_id="a"))
    for _ in range(600):
        time.pass_sec(1)
        for hub in (recorder, other):
            if hub.is_due():
                hub.transact([])
    assert expiries(storage) == []


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
