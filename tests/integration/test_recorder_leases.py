"""Leases: when they end, what a refusal leaves in the log, and that memory is never another truth than the tables."""

from pathlib import Path

import apsw
import pytest

from arclog.deciders.claims import AcquireClaim, RefreshClaim, ReleaseClaim
from arclog.deciders.locks import AcquireLock, HandOverLock, RefreshLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.errors import NotFound
from arclog.events import ClaimRefused, LockRefused
from arclog.sqlite.reads import NO_END
from projections import claims, locks, threads
from projections.hub.command_handlers import Command
from projections.hub.recorder import Recorder
from projections.intervals import live
from projections.versions import LONG
from tests.support.fake_time import BEGINNING, FakeTime
from tests.support.recorders import as_of_event, events_in, execute_all, reading, recording, result_of

# Grants --------------------------------------------------------------------------------------------------------------


def test_a_grant_after_a_lease_that_lapsed_has_a_greater_fencing_token(recorder: Recorder, time: FakeTime) -> None:
    first = result_of(recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=5)))
    time.pass_sec(5)
    assert recorder.execute(AcquireLock(agent_id="b", file_path="p")).acquired is False
    time.pass_micros(1)
    second = recorder.execute(AcquireLock(agent_id="b", file_path="p"))
    assert second.acquired is True
    assert result_of(second)["fencing_token"] > first["fencing_token"]


def test_a_refusal_is_in_the_log_once_for_each_grant_and_asker(recorder: Recorder, storage: Path) -> None:
    for _ in range(3):
        for agent in "abc":
            recorder.execute(AcquireLock(agent_id=agent, file_path="p"))
            recorder.execute(AcquireClaim(owner_agent_id=agent, claim_key="k"))
    refusals = [event.data for event in events_in(storage) if isinstance(event.data, LockRefused | ClaimRefused)]
    assert [(type(refusal).__name__, refusal.asker_agent_id) for refusal in refusals] == [
        ("LockRefused", "b"),
        ("ClaimRefused", "b"),
        ("LockRefused", "c"),
        ("ClaimRefused", "c"),
    ]


def test_a_lease_is_listed_as_active_up_to_and_including_its_last_microsecond(
    recorder: Recorder, storage: Path
) -> None:
    recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=5, metadata={"thread_id": "t"}))
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="k", ttl_sec=5, thread_id="t"))
    with reading(storage) as connection:
        for moment, count in ((BEGINNING + 5_000_000, 1), (BEGINNING + 5_000_001, 0)):
            at = live(moment)
            assert len(locks.list_locks(connection, at, active_only=True)) == count
            assert len(claims.list_claims(connection, at, active_only=True)) == count
            for held in (locks.list_held, claims.list_held):
                assert len(held(connection, "a", moment, NO_END, 10, 1000)) == count
            assert locks.count_held(connection, "a", moment, NO_END) == count
            assert claims.count_held(connection, "a", moment, NO_END) == count
            for summary in (threads.get_thread(connection, "t", at), *threads.list_threads(connection, at)):
                assert (summary.active_claim_count, summary.active_lock_count) == (count, count)


def test_the_locks_of_an_agent_are_those_that_nobody_had_after_it(recorder: Recorder, storage: Path) -> None:
    first = recorder.last_event_id
    execute_all(
        recorder,
        [
            AcquireLock(agent_id="a", file_path="p"),
            AcquireLock(agent_id="a", file_path="q"),
            ReleaseLock(agent_id="a", file_path="p"),
            AcquireLock(agent_id="b", file_path="p"),
            ReleaseLock(agent_id="b", file_path="p"),
            AcquireLock(agent_id="a", file_path="p"),
            AcquireLock(agent_id="a", file_path="p"),
        ],
    )
    held = [("p", ""), ("pq", ""), ("pq", ""), ("q", "p"), ("q", "p"), ("qp", ""), ("qp", "")]
    active = [("p", ""), ("pq", ""), ("q", ""), ("q", "p"), ("q", ""), ("qp", ""), ("qp", "")]
    with reading(storage) as connection:
        for place, of_each in enumerate(zip(held, active, strict=True), 1):
            at = as_of_event(connection, first + place)
            for active_only, paths in enumerate(of_each):
                found = tuple(
                    "".join(lock.file_path for lock in locks.list_locks(connection, at, agent, bool(active_only)))
                    for agent in "ab"
                )
                assert found == paths, place


# Memory --------------------------------------------------------------------------------------------------------------


def story(note: str = "") -> list[Command]:
    """A claim and a lock: granted, refused, prolonged, given back and granted again."""
    metadata = {"thread_id": "t", "note": note}
    return [
        AcquireClaim(owner_agent_id="a", claim_key="k", thread_id="t", metadata=metadata),
        AcquireClaim(owner_agent_id="b", claim_key="k"),
        AcquireClaim(owner_agent_id="a", claim_key="k", ttl_sec=900),
        RefreshClaim(owner_agent_id="a", claim_key="k", ttl_sec=1_000),
        ReleaseClaim(agent_id="a", claim_key="k"),
        AcquireClaim(owner_agent_id="b", claim_key="k", metadata=metadata),
        AcquireLock(agent_id="a", file_path="p", metadata=metadata),
        AcquireLock(agent_id="b", file_path="p"),
        AcquireLock(agent_id="a", file_path="p", ttl_sec=900),
        RefreshLock(agent_id="a", file_path="p", ttl_sec=1_000),
        ReleaseLock(agent_id="a", file_path="p"),
        AcquireLock(agent_id="b", file_path="p", metadata=metadata),
    ]


@pytest.mark.parametrize("note", ["", "x" * LONG])
def test_a_retry_gets_the_bytes_of_the_first_answer(recorder: Recorder, note: str) -> None:
    first = [recorder.execute(command, key=f"key-{n}", request=b"r") for n, command in enumerate(story(note))]
    again = [recorder.execute(command, key=f"key-{n}", request=b"r") for n, command in enumerate(story(note))]
    assert again == first
    assert len({answer.event_id for answer in first}) == len(first)


def test_a_recorder_that_remembers_one_row_answers_the_same(tmp_path: Path) -> None:
    answers = []
    for name, remembered in (("all", 20_000), ("one", 1)):
        with recording(tmp_path / f"{name}.sqlite3", FakeTime(), remembered_rows=remembered) as recorder:
            answers.append([recorder.execute(command) for command in story()])
            assert len(recorder._side.writer.memory) <= remembered
    assert answers[0] == answers[1]


@pytest.mark.one_file
@pytest.mark.parametrize(
    "command",
    [RefreshClaim(owner_agent_id="a", claim_key="k"), RefreshLock(agent_id="a", file_path="p")],
    ids=["claim", "lock"],
)
def test_a_renewal_appends_and_ends_a_version_and_begins_the_next_and_reads_nothing(
    recorder: Recorder, command: Command
) -> None:
    execute_all(recorder, [AcquireClaim(owner_agent_id="a", claim_key="k"), AcquireLock(agent_id="a", file_path="p")])
    # An event, the end of one version, and the next one; how far the tables have come is noted once a transaction.
    seen: list[str] = []
    recorder._side.connection.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: seen.append(event["sql"].split()[0]))
    recorder.execute(command)
    recorder._side.connection.trace_v2(0)
    assert [word for word in seen if word in {"SELECT", "INSERT", "UPDATE"}] == ["INSERT", "UPDATE", "INSERT"]


def test_what_another_hub_did_to_a_lease_is_seen(storage: Path, recorder: Recorder) -> None:
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="k"))
    recorder.execute(AcquireLock(agent_id="a", file_path="p"))
    with recording(storage, FakeTime()) as other:
        other.execute(ReleaseClaim(agent_id="a", claim_key="k"))
        other.execute(ReleaseLock(agent_id="a", file_path="p"))
        assert other.execute(AcquireClaim(owner_agent_id="b", claim_key="k")).acquired
    with pytest.raises(NotFound):
        recorder.execute(RefreshClaim(owner_agent_id="a", claim_key="k"))
    with pytest.raises(NotFound):
        recorder.execute(ReleaseLock(agent_id="a", file_path="p"))
    assert not recorder.execute(AcquireClaim(owner_agent_id="c", claim_key="k")).acquired
    assert recorder.execute(AcquireLock(agent_id="c", file_path="p")).acquired


def test_a_lease_of_an_undone_transaction_was_never_held(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    acquire = AcquireClaim(owner_agent_id="a", claim_key="k")
    with monkeypatch.context() as broken:
        broken.setattr("projections.hub.staging.Commit", lambda *_args, **_named: 1 // 0)
        failed = execute_all(recorder, [acquire, PostMessage(from_agent="a", body="hi")])
    assert not any(getattr(answer, "acquired", False) for answer in failed)
    assert recorder.execute(AcquireClaim(owner_agent_id="b", claim_key="k")).acquired


@pytest.mark.parametrize("by_token", [False, True])
def test_what_is_handed_over_is_told_from_what_the_receiver_let_lapse(storage: Path, by_token: bool) -> None:
    time = FakeTime()
    with recording(storage, time) as recorder:
        for agent in ("a", "b"):
            recorder.execute(OpenSession(agent_id=agent))
        recorder.execute(AcquireLock(agent_id="b", file_path="f", ttl_sec=5))
        time.pass_sec(6)
        recorder.execute(AcquireLock(agent_id="a", file_path="f", mode="shared", ttl_sec=60))
        given = result_of(recorder.execute(HandOverLock(agent_id="a", file_path="f", to_agent_id="b")))
        assert (given["agent_id"], given["mode"]) == ("b", "shared")
        token = given["fencing_token"]
        path = None if by_token else "f"
        kept = recorder.execute(RefreshLock(agent_id="b", file_path=path, fencing_token=token, ttl_sec=90))
        assert result_of(kept)["mode"] == "shared"
        recorder.execute(ReleaseLock(agent_id="b", file_path=path, fencing_token=token))
    with reading(storage) as connection:
        assert locks.list_locks(connection, live(time.wall()), active_only=True) == []
    with recording(storage, time) as recorder:
        assert recorder.execute(AcquireLock(agent_id="c", file_path="f")).acquired
