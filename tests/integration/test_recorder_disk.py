"""A disk that fails at any call, once or for long: nothing acknowledged is lost or done twice."""

import os
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim, ReleaseClaim
from arclog.deciders.locks import AcquireLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession, RenameSession
from arclog.deciders.tasks import CompleteTask
from arclog.errors import (
    ArcError,
    StorageError,
    StorageFull,
    StorageGone,
)
from arclog.sqlite.schema import open_storage
from projections.hub.calls import Call
from projections.hub.command_handlers import Command
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.faulty_disk import Fault, faulty_disk
from tests.support.recorders import PRESENCE_TTL, check_storage, events_in, execute_all, recording


def post(body: str = "hi", **given: Any) -> PostMessage:
    return PostMessage(**{"from_agent": "a", "body": body} | given)


STORY: list[list[Command]] = [
    [OpenSession(agent_id="a"), CreateChannel(name="room")],
    [post("one", thread_id="t"), post("two", kind="task", thread_id="t"), post("x" * 30_000, channel="room")],
    [AcquireLock(agent_id="a", file_path="p"), AcquireLock(agent_id="b", file_path="p")],
    [AcquireClaim(owner_agent_id="a", claim_key="k", thread_id="t")],
    [ReleaseLock(agent_id="a", file_path="p"), ReleaseClaim(agent_id="a", claim_key="k")],
    [RenameSession(agent_id="a", display_name="Ada"), CompleteTask(task_id=6)],
]


def tell_story(recorder: Recorder) -> list[Outcome]:
    """Every batch is tried until it is accepted, as a client with keys would; what was acknowledged."""
    acknowledged: list[Outcome] = []
    for number, batch in enumerate(STORY):
        for _attempt in range(4):
            results: list[Outcome | ArcError] = []
            calls = [
                Call(command, results.append, "http", f"key-{number}-{place}", b"hash")
                for place, command in enumerate(batch)
            ]
            recorder.transact(calls).tell()
            assert len(results) == len(batch)
            refusals = [result for result in results if isinstance(result, ArcError)]
            assert all(isinstance(refusal, StorageError) for refusal in refusals), refusals
            assert len(refusals) in {0, len(batch)}
            if not refusals:
                acknowledged += [result for result in results if isinstance(result, Outcome)]
                break
        else:
            pytest.fail(f"batch {number} was never accepted")
    return acknowledged


def check_fault(storage: Path, fault: Fault, at: int) -> bool:
    """Tell the story with one fault; whether the fault came to pass."""
    with faulty_disk() as disk, recording(storage, FakeTime()) as recorder:
        disk.fail(fault, at)
        acknowledged = tell_story(recorder)
        disk.heal()
    events = {event.event_id: event for event in events_in(storage)}
    assert list(events) == list(range(1, len(events) + 1))
    ids = [outcome.event_id for outcome in acknowledged]
    assert sorted(event_id for event_id in ids if event_id) == list(range(3, len(events) + 1))
    check_storage(storage)
    return disk.fired > 0


@pytest.mark.parametrize("fault", [fault for fault in get_args(Fault) if fault not in {"read", "truncate"}])
def test_whichever_call_to_the_disk_fails_nothing_acknowledged_is_lost_or_done_twice(
    tmp_path: Path, fault: Fault
) -> None:
    at = 1
    while check_fault(tmp_path / f"{at}.sqlite3", fault, at):
        at += 1 if at < 10 or fault == "sync" else 4
    assert at > 5


@pytest.mark.soak
@pytest.mark.parametrize("fault", get_args(Fault))
def test_every_single_fault_of_the_disk_is_survived(tmp_path: Path, fault: Fault) -> None:
    at = 1
    while check_fault(tmp_path / f"{at}.sqlite3", fault, at):
        at += 1


def test_whichever_read_fails_while_a_hub_starts_it_is_a_fault_of_the_storage(storage: Path, time: FakeTime) -> None:
    with recording(storage, time) as recorder:
        recorder.execute(post("before"))
    failed, at, fired = 0, 0, True
    while fired:
        at += 1
        with faulty_disk() as disk:
            disk.fail("read", at)
            try:
                with recording(storage, time):
                    pass
            except StorageError:
                failed += 1
            fired = disk.fired > 0
    assert failed > 5
    check_storage(storage)


@pytest.mark.parametrize("fault", ["write", "full", "short"])
def test_a_disk_that_keeps_failing_is_told_each_time_until_it_works(
    storage: Path, time: FakeTime, fault: Fault
) -> None:
    with faulty_disk() as disk, recording(storage, time) as recorder:
        recorder.execute(post("before"))
        disk.fail(fault, lasting=True)
        for _ in range(3):
            answers = execute_all(recorder, [post(), post()])
            assert all(isinstance(answer, StorageError) for answer in answers)
        disk.heal()
        assert recorder.execute(post("after")).created
    bodies = [msgspec.to_builtins(event.data)["body"] for event in events_in(storage, 2)]
    assert bodies == ["before", "after"]
    check_storage(storage)


def test_a_storage_that_cannot_be_made_for_want_of_space_says_so(storage: Path) -> None:
    with faulty_disk() as disk:
        disk.fail("full", lasting=True)
        with pytest.raises(StorageFull):
            open_storage(storage)
    open_storage(storage).close()


@pytest.mark.parametrize("fault", ["full", "write", "sync"])
def test_whichever_call_to_the_disk_fails_while_a_storage_is_made_it_says_so_and_is_made_later(
    tmp_path: Path, fault: Fault
) -> None:
    for at in range(1, 60):
        path = tmp_path / f"{at}.sqlite3"
        with faulty_disk() as disk:
            disk.fail(fault, at)
            try:
                made = open_storage(path)
            except StorageError as error:
                assert "no space left" in str(error) or "the disk failed" in str(error)  # noqa: PT017 - may also succeed
            else:
                disk.heal()
                made.close()
            fired = disk.fired
        with recording(path) as recorder:
            assert recorder.execute(post()).event_id == 3
        if not fired:
            break
    assert at > 2


def test_a_hub_whose_tables_cannot_be_made_does_not_start(storage: Path) -> None:
    open_storage(storage).close()
    with faulty_disk() as disk:
        disk.fail("full", lasting=True)
        with pytest.raises(StorageError), recording(storage):
            pass
    with recording(storage) as recorder:
        assert recorder.execute(post()).event_id == 3


def test_presence_on_a_failing_disk_is_looked_at_again_every_second_until_it_works(
    storage: Path, time: FakeTime
) -> None:
    with faulty_disk() as disk, recording(storage, time) as recorder:
        recorder.execute(OpenSession(agent_id="a"))
        time.pass_micros(PRESENCE_TTL + 1)
        disk.fail("write", lasting=True)
        for _ in range(3):
            assert recorder.is_due()
            recorder.transact([])
            assert recorder._clocks.next_due_at == time.wall() + 1_000_000
            assert not recorder.is_due()
            time.pass_sec(1)
        disk.heal()
        assert recorder.is_due()
        recorder.transact([])
    assert [event.type for event in events_in(storage, 3)] == ["session.expired"]


def test_a_wal_that_is_cut_between_two_looks_is_missed_by_the_next(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a look is trusted, each commit says how long the WAL must be."""
    with recording(storage) as recorder:
        files = recorder._side.log.files
        monkeypatch.setattr(files, "_counts_sec", 3_600)
        monkeypatch.setattr(files, "_counts_until", 0.0)
        recorder.execute(post())  # looks, and is trusted from here on
        for number in range(20):
            recorder.execute(post(f"{number}" + "x" * 9_000))
        wal = storage.with_name(f"{storage.name}-wal")
        os.truncate(wal, wal.stat().st_size // 2)
        monkeypatch.setattr(files, "_counts_until", 0.0)
        with pytest.raises(StorageGone, match="cut short"):
            recorder.execute(post("after the cut"))


def test_silence_counts_from_when_calls_could_be_kept_again(storage: Path, time: FakeTime) -> None:
    with faulty_disk() as disk, recording(storage, time) as recorder:
        recorder.execute(OpenSession(agent_id="a"))
        disk.fail("write", lasting=True)
        with pytest.raises(StorageError):
            recorder.execute(post("in vain"))
        time.pass_sec(90)
        assert not recorder.is_due()  # it has looked at everybody, and means to do so again later
        disk.heal()
        recorder.execute(post("at last", from_agent="b"))
        time.pass_micros(PRESENCE_TTL)
        recorder.transact([])
    assert "session.expired" not in [event.type for event in events_in(storage)]
