"""Locks at a recorder: what a path comes to, what is waited for, and whose row an answer tells."""

import os
import tracemalloc
from pathlib import Path

import pytest
from msgspec.structs import replace

from arclog.deciders.claims import AcquireClaim, ReleaseClaim
from arclog.deciders.hub import HubState, StartHub
from arclog.deciders.locks import AcquireLock, ForceReleaseLock, ReleaseLock
from arclog.deciders.sessions import CloseSession, OpenSession
from arclog.events import ClaimLeft, LockLeft, LockRefreshed
from arclog.events.processes import Process
from projections.hub.calls import Call
from projections.hub.command_handlers import Command
from projections.hub.orphans import Orphans
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.recorders import check_storage, events_in, execute_all, recording, result_of


def keys_of(recorder: Recorder, *paths: str) -> list[str]:
    """What some paths come to, asked for in one batch."""
    asked: list[Command] = [AcquireLock(agent_id=f"a{path}", file_path=path, mode="shared") for path in paths]
    answers = execute_all(recorder, asked)
    return [result_of(answer)["key"] for answer in answers if isinstance(answer, Outcome)]


def test_a_link_is_followed_by_the_next_call_though_its_place_was_looked_at_before(recorder: Recorder) -> None:
    top = Path(recorder._context.roots.own.folder)
    (top / "src").mkdir()
    assert keys_of(recorder, "lib/a.py", "lib/b.py") == ["lib/a.py", "lib/b.py"]
    (top / "lib").symlink_to(top / "src")
    assert keys_of(recorder, "lib/c.py", "lib/a.py") == ["src/c.py", "lib/a.py"]  # what is held so is a key


def test_the_disk_is_asked_once_in_a_batch_what_stands_at_a_place(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = Path(recorder._context.roots.own.folder)
    (top / "src").mkdir()
    asked: list[str] = []
    lstat = os.lstat

    def look(path: str) -> os.stat_result:
        asked.append(path)
        return lstat(path)

    monkeypatch.setattr(os, "lstat", look)
    for batch in range(2):
        assert len(keys_of(recorder, *(f"src/{batch}-{number}.py" for number in range(3)))) == 3
    assert asked.count(f"{top}/src") == 2
    keys_of(recorder, "new/deep/c.py")
    assert f"{top}/new/deep" not in asked  # there is nothing above it


def test_a_path_that_is_a_link_itself_has_the_key_of_what_it_leads_to(recorder: Recorder) -> None:
    top = Path(recorder._context.roots.own.folder)
    (top / "src").mkdir()
    (top / "lib").symlink_to(top / "src")
    assert keys_of(recorder, "lib") == ["src"]


DEEP = "a/" * 2_000 + "x.py"


def test_paths_with_a_great_many_folders_leave_little_in_memory(recorder: Recorder) -> None:
    tracemalloc.start()
    try:
        before, _peak = tracemalloc.get_traced_memory()
        for number in range(20):
            path = f"{number}/{DEEP}"
            assert recorder.execute(AcquireLock(agent_id="a", file_path=path)).acquired
            recorder.execute(ReleaseLock(agent_id="a", file_path=path))
        after, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20 * 500_000  # all folders above one would take four megabytes


@pytest.mark.parametrize(
    ("held", "asked", "meet"),
    [(DEEP, "a/a", True), (DEEP, "a/b", False), ("a/a", DEEP, True), ("a/b", DEEP, False), (DEEP, "a/**/x.py", True)],
    ids=["above", "beside", "below", "elsewhere", "pattern"],
)
def test_a_path_with_a_great_many_folders_meets_what_any_other_would(
    recorder: Recorder, held: str, asked: str, meet: bool
) -> None:
    first = recorder.execute(AcquireLock(agent_id="a", file_path=held))
    assert result_of(first)["key"] == held
    assert recorder.execute(AcquireLock(agent_id="b", file_path=asked)).acquired is not meet


def test_where_the_disk_folds_case_so_do_keys(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    roots = recorder._context.roots
    monkeypatch.setattr(roots, "own", replace(roots.own, folds_case=True))
    assert keys_of(recorder, "Src/A.py", "src/a.py") == ["src/a.py", "src/a.py"]


def test_what_a_hook_locks_again_is_prolonged_when_half_of_its_time_is_over(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    again = AcquireLock(agent_id="a", file_path="p", ttl_sec=300, is_automatic=True)
    first = recorder.execute(again)
    for seconds, prolonged in ((149, 0), (2, 1), (100, 1), (100, 2)):
        time.pass_sec(seconds)
        answer = recorder.execute(again)
        assert answer.acquired
        assert result_of(answer)["fencing_token"] == first.event_id
        assert sum(isinstance(event.data, LockRefreshed) for event in events_in(storage)) == prolonged


def test_of_two_grants_of_a_sub_agent_on_one_path_the_answer_tells_the_one_that_is_meant(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(OpenSession(agent_id="a.x", parent="a"))
    recorder.execute(AcquireLock(agent_id="a.x", file_path="p", ttl_sec=5))
    time.pass_sec(6)
    shared = recorder.execute(AcquireLock(agent_id="a.x", file_path="p", mode="shared"))
    told = result_of(shared)
    assert (told["fencing_token"], told["mode"], told["released_at"]) == (shared.event_id, "shared", None)
    freed = result_of(recorder.execute(ReleaseLock(agent_id="a.x", file_path="p")))
    assert (freed["fencing_token"], freed["mode"]) == (shared.event_id, "shared")
    check_storage(storage)


ASKED: dict[str, tuple[Command, Command, Command]] = {
    "lock": (
        AcquireLock(agent_id="b", file_path="p", wait_sec=60),
        ReleaseLock(agent_id="a", file_path="p"),
        AcquireLock(agent_id="c", file_path="p"),
    ),
    "claim": (
        AcquireClaim(owner_agent_id="b", claim_key="p", wait_sec=60),
        ReleaseClaim(agent_id="a", claim_key="p"),
        AcquireClaim(owner_agent_id="c", claim_key="p"),
    ),
}
"""One that waits, what it waits for, and one that comes after it."""


@pytest.mark.parametrize("noun", ASKED)
def test_a_place_whose_hub_is_dead_stops_nobody_from_the_call_on_that_frees_what_it_waits_for(
    recorder: Recorder, storage: Path, time: FakeTime, noun: str
) -> None:
    waits, frees, follows = ASKED[noun]
    recorder.execute(AcquireLock(agent_id="a", file_path="p"))
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="p"))
    with recording(storage, time, hub=HubState(hub_id="hub-2")) as other:
        other.execute(StartHub(version="", process=Process(2, 0, "")))
        assert other.execute(waits).acquired is False
        recorder.leases.orphans = Orphans("hub-1", lambda process: process.pid == 2, 0)
        freed, taken = execute_all(recorder, [frees, follows])
        assert isinstance(freed, Outcome)
        assert isinstance(taken, Outcome)
        assert taken.acquired


def test_who_ends_its_session_gives_up_its_place_at_once(recorder: Recorder, storage: Path) -> None:
    recorder.execute(AcquireLock(agent_id="a", file_path="p"))
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="p"))
    session = result_of(recorder.execute(OpenSession(agent_id="b")))
    for noun in ASKED:
        recorder.execute(ASKED[noun][0])
    recorder.execute(CloseSession(session_id=session["session_id"]))
    left = [event.data for event in events_in(storage) if isinstance(event.data, LockLeft | ClaimLeft)]
    assert [(type(one).__name__, one.reason) for one in left] == [
        ("LockLeft", "owner_gone"),
        ("ClaimLeft", "owner_gone"),
    ]


def test_what_a_hook_locks_is_of_its_working_tree_though_the_path_is_held_in_all_of_them(recorder: Recorder) -> None:
    recorder.execute(AcquireLock(agent_id="a", file_path="p"))
    top = recorder._context.roots.own.folder
    hooked = recorder.execute(AcquireLock(agent_id="a", file_path="p", is_automatic=True))
    assert result_of(hooked)["key"] == f"//{top}//p"


def test_a_release_tells_those_who_wait_for_messages_only_where_it_carries_a_notice(recorder: Recorder) -> None:
    asked = AcquireLock(agent_id="a", file_path="p")
    recorder.execute(asked)
    assert recorder.transact([Call(ReleaseLock(agent_id="a", file_path="p"))]).messages == []
    recorder.execute(asked)
    commit = recorder.transact([Call(ForceReleaseLock(agent_id="o", file_path="p", reason="it hangs"))])
    assert [(said.from_agent, said.to_agent, said.kind) for said in commit.messages] == [("system", "a", "notice")]
