"""Silence counts from when a hub could hear: not while all were away or asleep, and once for all hubs on a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arclog.deciders.hub import HubState
from arclog.deciders.locks import AcquireLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from projections import sessions
from projections.hub.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.recorders import (
    PRESENCE_TTL,
    TTL_SEC,
    expiries,
    let_presence_be_checked,
    live_agents,
    notices,
    reading,
    recording,
    see,
)

INTERVAL_SEC = 30

one_file = pytest.mark.one_file
"""Recorders alone do not fetch what others append; hubs do (`test_presence_over_machines`)."""


@pytest.fixture
def other(storage: Path, time: FakeTime, recorder: Recorder) -> Iterator[Recorder]:
    """Another hub on the same storage."""
    with recording(storage, time, hub=HubState(hub_id="hub-2")) as other:
        yield other


# Away or asleep ------------------------------------------------------------------------------------------------------


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


def test_a_nap_of_the_machine_counts_as_silence(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    time.pass_sec(TTL_SEC - INTERVAL_SEC)
    time.sleep_sec(INTERVAL_SEC)
    let_presence_be_checked(recorder)
    assert live_agents(storage) == ["a"]
    time.pass_sec(1)
    let_presence_be_checked(recorder)
    assert live_agents(storage) == []


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


def ended_at(storage: Path, time: FakeTime) -> int:
    """When the presence of the only session ran out."""
    with reading(storage) as connection:
        (session,) = sessions.list_live(connection)
    return session.last_seen_at + PRESENCE_TTL


@one_file
def test_the_session_of_a_hub_that_was_killed_is_ended_by_one_that_only_rests(
    recorder: Recorder, other: Recorder, storage: Path, time: FakeTime
) -> None:
    let_presence_be_checked(other)
    time.pass_sec(60)
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=10_000))
    looks = 0
    while not other.is_due():
        assert other._clocks.next_due_at > time.wall()
        time.pass_micros(other._clocks.next_due_at - time.wall())
        looks += 1
        assert looks < 100, "the other hub never noticed"
    assert time.wall() <= ended_at(storage, time) + 1_000_000
    other.transact([])
    assert expiries(storage) == ["a"]


@one_file
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


@one_file
def test_an_agent_that_waits_at_one_hub_is_kept_alive_though_its_calls_went_through_another(
    recorder: Recorder, other: Recorder, storage: Path, time: FakeTime
) -> None:
    let_presence_be_checked(other)
    recorder.execute(OpenSession(agent_id="a"))
    time.pass_sec(10)
    other.presence.waiting["a"] += 1
    see(other, "a")
    for _ in range(600):
        time.pass_sec(1)
        for hub in (recorder, other):
            if hub.is_due():
                hub.transact([])
    assert expiries(storage) == []
