"""When the disk fails: every caller is told, nothing half-done stays, and the hub goes on when the disk does."""

from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from arclog.deciders.channels import CreateChannel
from arclog.deciders.hub import CancelShutdown, InitiateShutdown
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import CloseSession, OpenSession
from arclog.errors import (
    ArcError,
    InvalidInput,
    StorageBusy,
    StorageError,
    StorageFull,
    StorageGone,
)
from arclog.events import SessionExpired
from arclog.sqlite.connection import open_connection
from arclog.sqlite.schema import open_storage
from projections.hub.calls import Call
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.faulty_disk import faulty_disk
from tests.support.recorders import PRESENCE_TTL, check_storage, events_in, execute_all, recording


def post(body: str = "hi", **given: Any) -> PostMessage:
    return PostMessage(**{"from_agent": "a", "body": body} | given)


def failing_once(connection: apsw.Connection) -> None:
    """Have the next commit on a connection fail."""

    def hook() -> bool:
        connection.set_commit_hook(None)
        return True

    connection.set_commit_hook(hook)


# A commit that fails -------------------------------------------------------------------------------------------------


def test_a_failed_commit_answers_every_caller_and_leaves_nothing(recorder: Recorder, storage: Path) -> None:
    failing_once(recorder._side.connection)
    answers = execute_all(recorder, [post(str(number)) for number in range(20)])
    assert len(answers) == 20
    assert all(isinstance(answer, StorageError) for answer in answers)
    assert len(events_in(storage)) == recorder.last_event_id == 2
    assert all(isinstance(answer, Outcome) for answer in execute_all(recorder, [post(), post()]))
    check_storage(storage)


def test_a_failed_commit_burns_no_key(recorder: Recorder) -> None:
    failing_once(recorder._side.connection)
    with pytest.raises(StorageError):
        recorder.execute(post(), "http", "key", b"hash")
    assert recorder.execute(post(), "http", "key", b"other hash").created


def test_a_failed_commit_leaves_the_hub_as_it_was(recorder: Recorder) -> None:
    failing_once(recorder._side.connection)
    with pytest.raises(StorageError):
        recorder.execute(InitiateShutdown())
    assert not recorder.hub.shutdown_pending
    with pytest.raises(InvalidInput):
        recorder.execute(CancelShutdown())
    assert recorder.execute(InitiateShutdown()).event_id == 3


def test_a_channel_whose_commit_failed_does_not_exist(recorder: Recorder) -> None:
    failing_once(recorder._side.connection)
    answers = execute_all(recorder, [CreateChannel(name="room"), post(channel="room")])
    assert all(isinstance(answer, StorageError) for answer in answers)
    with pytest.raises(InvalidInput, match="does not exist"):
        recorder.execute(post(channel="room"))


def test_a_place_in_a_thread_whose_commit_failed_is_given_again(recorder: Recorder, storage: Path) -> None:
    recorder.execute(post(thread_id="t"))
    failing_once(recorder._side.connection)
    execute_all(recorder, [post(thread_id="t"), post(thread_id="t", kind="task")])
    recorder.execute(post(thread_id="t"))
    check_storage(storage)


def test_sessions_whose_end_was_not_kept_are_ended_with_the_next_call(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    time.pass_micros(PRESENCE_TTL + 1)
    failing_once(recorder._side.connection)
    with pytest.raises(StorageError):
        recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(OpenSession(agent_id="a"))
    assert sum(isinstance(event.data, SessionExpired) for event in events_in(storage)) == 1


def test_an_agent_whose_calls_met_a_full_disk_for_long_keeps_its_session(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder._side.connection.pragma("max_page_count", recorder._side.connection.pragma("page_count"))
    for _ in range(5):
        time.pass_micros(PRESENCE_TTL // 4)
        with pytest.raises(StorageError):
            recorder.execute(post("x" * 50_000))
    recorder._side.connection.pragma("max_page_count", 2**31)
    recorder.execute(post())
    assert not any(isinstance(event.data, SessionExpired) for event in events_in(storage))
    time.pass_micros(PRESENCE_TTL + 1)
    recorder.execute(OpenSession(agent_id="b"))
    assert any(isinstance(event.data, SessionExpired) for event in events_in(storage))


# The disk is full, or somebody else has it ---------------------------------------------------------------------------


def test_a_full_disk_is_told_to_every_caller_and_forgotten_when_there_is_space(
    recorder: Recorder, storage: Path
) -> None:
    pages = recorder._side.connection.pragma("page_count")
    recorder._side.connection.pragma("max_page_count", pages)
    answers = execute_all(recorder, [post("x" * 50_000) for _ in range(5)])
    assert [type(answer) for answer in answers] == [StorageFull] * 5
    assert "no space left" in str(answers[0])
    recorder._side.connection.pragma("max_page_count", 1_000_000)
    assert recorder.execute(post("x" * 50_000)).event_id == 3
    check_storage(storage)


def test_reads_go_on_while_the_disk_is_full(recorder: Recorder, storage: Path) -> None:
    recorder.execute(post())
    recorder._side.connection.pragma("max_page_count", recorder._side.connection.pragma("page_count"))
    with pytest.raises(StorageFull):
        recorder.execute(post("x" * 50_000))
    assert len(events_in(storage)) == 3


def test_a_lock_that_another_holds_for_too_long_is_told_and_no_harm_is_done(storage: Path, time: FakeTime) -> None:
    with recording(storage, time, busy_sec=0.05) as recorder:
        holder = open_connection(storage)
        holder.execute("BEGIN IMMEDIATE")
        answers = execute_all(recorder, [post(), post()])
        assert [type(answer) for answer in answers] == [StorageBusy] * 2
        with pytest.raises(StorageBusy):
            recorder.execute(post())
        holder.execute("ROLLBACK")
        assert recorder.execute(post()).event_id == 3
        holder.close()


def test_a_recorder_can_be_asked_not_to_wait(recorder: Recorder, storage: Path) -> None:
    holder = open_connection(storage)
    holder.execute("BEGIN IMMEDIATE")
    told: list[Outcome | ArcError] = []
    assert recorder.stage([Call(post(), told.append)], wait=False) is None
    assert told == []
    holder.execute("ROLLBACK")
    assert recorder.take_lock() is None
    commit = recorder.stage([Call(post(), told.append)], wait=False)
    assert commit is not None
    recorder.flush(commit).tell()
    assert len(told) == 1
    holder.close()


def test_who_cannot_have_the_lock_is_told_why(storage: Path, time: FakeTime) -> None:
    with recording(storage, time, busy_sec=0.02) as recorder:
        holder = open_connection(storage)
        holder.execute("BEGIN IMMEDIATE")
        assert isinstance(recorder.take_lock(), StorageBusy)
        holder.close(True)
        recorder._side.connection.close()
        assert isinstance(recorder.take_lock(), StorageError)


# The storage is gone -------------------------------------------------------------------------------------------------


def test_a_deleted_storage_is_told_to_every_caller_and_not_made_anew(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(post())
    storage.unlink()
    assert not recorder.is_in_place()
    for _ in range(2):
        assert [type(answer) for answer in execute_all(recorder, [post(), post()])] == [StorageGone] * 2
    assert not storage.exists()


def test_a_replaced_storage_is_told_to_every_caller_and_left_alone(
    recorder: Recorder, storage: Path, tmp_path: Path, time: FakeTime
) -> None:
    open_storage(tmp_path / "other.sqlite3").close()
    (tmp_path / "other.sqlite3").rename(storage)
    before = storage.read_bytes()
    assert not recorder.is_in_place()
    with pytest.raises(StorageGone):
        recorder.execute(post())
    assert storage.read_bytes() == before


def test_a_storage_that_is_deleted_while_the_disk_fails_is_not_made_anew(storage: Path, time: FakeTime) -> None:
    with faulty_disk() as disk, recording(storage, time) as recorder:
        disk.fail("sync", lasting=True)
        disk.on_fire = lambda: storage.unlink(missing_ok=True)
        with pytest.raises(StorageError):
            recorder.execute(post())
        disk.heal()
        for _ in range(2):
            with pytest.raises(StorageGone):
                recorder.execute(post())
        assert not storage.exists()


def test_a_session_that_is_closed_during_a_fault_stays_open(recorder: Recorder) -> None:
    session_id = msgspec.json.decode(recorder.execute(OpenSession(agent_id="a")).result)["session_id"]
    failing_once(recorder._side.connection)
    with pytest.raises(StorageError):
        recorder.execute(CloseSession(session_id=session_id))
    recorder.execute(CloseSession(session_id=session_id))
