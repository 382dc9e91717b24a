"""A call that is repeated under its key gets the first answer; a key belongs to one sender and one request."""

from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import replace

from arclog.clock import LogClock
from arclog.codec import Metadata
from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim, RefreshClaim, ReleaseClaim
from arclog.deciders.hub import InitiateShutdown, StartHub
from arclog.deciders.locks import AcquireLock, RefreshLock, ReleaseLock
from arclog.deciders.sessions import CloseSession, OpenSession
from arclog.deciders.tasks import CompleteTask
from arclog.errors import ArcError, InvalidInput, KeyReused
from arclog.events import ChannelCreated
from arclog.machine_time import MachineTime
from arclog.sender import FIELDS, sender_of
from arclog.sqlite.engine import file_log
from arclog.sqlite.schema import open_storage
from projections.hub.calls import Call
from projections.hub.command_handlers import Command
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.recorders import events_in, live_agents, post, recording, result_of


def test_a_key_and_the_road_that_a_call_took_are_in_the_log(recorder: Recorder, storage: Path) -> None:
    recorder.execute(post(), "relay", "key", b"hash")
    metadata = events_in(storage)[-1].metadata
    assert replace(metadata, request=b"hash") == Metadata("relay", "key", b"hash")
    assert metadata.request != b"hash"  # hashed with the event's salt: not to be guessed once that is gone


def test_a_retry_gets_the_first_answer_even_when_things_have_moved_on(recorder: Recorder, time: FakeTime) -> None:
    acquire = AcquireLock(agent_id="a", file_path="p", ttl_sec=60)
    first = recorder.execute(acquire, "http", "key", b"hash")
    recorder.execute(RefreshLock(agent_id="a", file_path="p", ttl_sec=300))
    recorder.execute(ReleaseLock(agent_id="a", file_path="p"))
    time.pass_sec(1000)
    recorder.execute(AcquireLock(agent_id="b", file_path="p"))
    head = recorder.last_event_id
    assert recorder.execute(acquire, "http", "key", b"hash") == first
    assert recorder.last_event_id == head


def test_a_retry_in_the_same_batch_is_a_retry_too(recorder: Recorder) -> None:
    results: list[Outcome | ArcError] = []
    recorder.transact([Call(post(), results.append, "http", "key", b"hash") for _ in range(3)]).tell()
    assert results[0] == results[1] == results[2]
    assert recorder.last_event_id == 3


def test_a_key_with_another_request_is_refused_and_names_the_event(recorder: Recorder) -> None:
    recorder.execute(post(), "http", "key", b"hash")
    with pytest.raises(KeyReused, match="'key' was already used for a different request") as caught:
        recorder.execute(post(body="other"), "http", "key", b"other hash")
    assert (caught.value.key, caught.value.event_id) == ("key", 3)


def test_a_key_belongs_to_its_sender(recorder: Recorder) -> None:
    first = recorder.execute(post("a"), "http", "key", b"hash")
    second = recorder.execute(post("b"), "http", "key", b"other hash")
    assert first.event_id != second.event_id


def test_a_key_without_a_sender_belongs_to_its_request(recorder: Recorder) -> None:
    first = recorder.execute(CreateChannel(name="room"), "http", "key", b"hash")
    assert recorder.execute(CreateChannel(name="room"), "http", "key", b"hash") == first
    assert recorder.execute(InitiateShutdown(), "http", "key", b"other hash").event_id != first.event_id


def test_two_sessions_are_closed_under_one_key_by_callers_that_name_nobody(recorder: Recorder, storage: Path) -> None:
    sessions = [result_of(recorder.execute(OpenSession(agent_id=agent)))["session_id"] for agent in "ab"]
    closed = [
        recorder.execute(CloseSession(session_id=session), "http", "key", session.encode()) for session in sessions
    ]
    assert live_agents(storage) == []
    again = [
        recorder.execute(CloseSession(session_id=session), "http", "key", session.encode()) for session in sessions
    ]
    assert again == closed


@pytest.mark.one_file
def test_a_key_that_nobodys_call_left_in_an_older_log_still_gives_its_answer(storage: Path) -> None:
    with closing(open_storage(storage)) as connection:
        log = file_log(connection, storage, LogClock(MachineTime()))
        log.begin()
        log.append(ChannelCreated(name="room"), log.now(), Metadata("http", "key", b"hash"))
        log.commit()
    with recording(storage) as recorder:
        again = recorder.execute(CreateChannel(name="room"), "http", "key", b"hash")
        assert (again.event_id, again.created) == (1, True)
        recorder.execute(CreateChannel(name="hall"), "http", "key", b"other hash")


def test_whoever_the_carrier_knows_is_the_sender_of_a_call_that_names_nobody(recorder: Recorder, storage: Path) -> None:
    recorder.execute(CreateChannel(name="room"), "relay", "key", b"hash", sender="a")
    assert events_in(storage)[-1].metadata == Metadata("relay", "key", b"hash", "a")
    with pytest.raises(KeyReused):
        recorder.execute(CreateChannel(name="hall"), "relay", "key", b"other hash", sender="a")
    recorder.execute(CreateChannel(name="hall"), "relay", "key", b"other hash", sender="b")


def test_whoever_a_command_names_is_its_sender_whatever_the_carrier_says(recorder: Recorder, storage: Path) -> None:
    recorder.execute(post("a"), "relay", sender="b")
    assert events_in(storage)[-1].metadata.principal is None


def test_a_refused_request_does_not_burn_its_key(recorder: Recorder) -> None:
    with pytest.raises(InvalidInput):
        recorder.execute(post(channel="room"), "http", "key", b"hash")
    recorder.execute(CreateChannel(name="room"))
    assert recorder.execute(post(channel="room"), "http", "key", b"hash").created


def test_keys_outlive_a_restart(storage: Path) -> None:
    with recording(storage) as recorder:
        first = recorder.execute(post(), "http", "key", b"hash")
    with recording(storage) as recorder:
        assert recorder.execute(post(), "http", "key", b"hash") == first


@pytest.mark.parametrize(
    ("command", "sender"),
    [
        (post(" a "), "a"),
        (AcquireClaim(owner_agent_id="a"), "a"),
        (RefreshClaim(owner_agent_id="a", claim_key="k"), "a"),
        (ReleaseClaim(agent_id="a", claim_key="k"), "a"),
        (CreateChannel(name="room", created_by="a"), "a"),
        (CreateChannel(name="room"), "anonymous"),
        (CompleteTask(task_id=1, agent_id="a"), "a"),
        (CompleteTask(task_id=1, agent_id=" "), "anonymous"),
        (OpenSession(agent_id="a"), "a"),
        (CloseSession(session_id="s"), "anonymous"),
        (StartHub(version="1"), "anonymous"),
    ],
)
def test_a_call_is_its_agents(command: Command, sender: str) -> None:
    assert sender_of(command) == sender


@pytest.mark.parametrize("command", get_args(Command), ids=lambda command: command.__name__)
def test_the_relay_looks_at_every_field_by_which_a_command_names_its_sender(command: type[Command]) -> None:
    assert command.sender_field is None or command.sender_field in FIELDS


def test_a_key_that_was_kept_with_the_hash_of_bytes_still_matches(recorder: Recorder) -> None:
    first = recorder.execute(post(), "http", "key", b"of bytes")
    results: list[Outcome | ArcError] = []
    calls = [
        Call(post(), results.append, "http", "key", b"of JSON", former_request=b"of bytes"),
        Call(post(), results.append, "http", "key", b"of JSON", former_request=b"of other bytes"),
    ]
    recorder.transact(calls).tell()
    assert results[0] == first
    assert isinstance(results[1], KeyReused)
