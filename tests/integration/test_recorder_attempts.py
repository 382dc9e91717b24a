"""Attempts: what the hub gives an agent to do, and the agent does not finish, is given to another; not for ever."""

from pathlib import Path

from arclog.deciders.claims import AcquireClaim, ReleaseClaim
from arclog.deciders.picking import TakeNextTask
from arclog.events import TaskFailed, TaskLapsed
from projections import tasks
from projections.hub.recorder import Recorder
from projections.intervals import live
from tests.support.fake_time import FakeTime
from tests.support.recorders import events_in, post, reading, result_of


def state_of(storage: Path, task_id: int, time: FakeTime) -> tuple[str, int]:
    with reading(storage) as connection:
        found = tasks.find_task(connection, task_id, live(2**60))
    assert found is not None
    return found.state, found.attempts


def test_a_lease_of_the_hub_that_lapses_counts_and_the_last_one_fails_the_task(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    task_id = recorder.execute(post("boss", kind="task", max_attempts=2)).event_id
    assert task_id is not None
    for agent in ("a", "b"):
        taken = result_of(recorder.execute(TakeNextTask(agent_id=agent, ttl_sec=5)))
        assert taken["task"]["task_id"] == task_id
        time.pass_sec(6)
    head = recorder.last_event_id
    assert recorder.execute(TakeNextTask(agent_id="c")).result == b"null"
    lapsed, failed = (event.data for event in events_in(storage, head))
    assert isinstance(lapsed, TaskLapsed)
    assert (lapsed.agent_id, lapsed.attempt) == ("b", 2)
    assert isinstance(failed, TaskFailed)
    assert failed.notice is not None
    assert failed.notice.body == f"Task {task_id} failed: it was tried 2 times, and nobody finished it (for boss)"
    assert state_of(storage, task_id, time) == ("failed", 2)


def test_giving_a_task_back_counts_no_attempt_nor_does_a_claim_that_lapses(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    task_id = recorder.execute(post("boss", kind="task")).event_id
    assert task_id is not None
    recorder.execute(TakeNextTask(agent_id="a"))
    recorder.execute(ReleaseClaim(claim_key=f"task-{task_id}", agent_id="a"))
    recorder.execute(AcquireClaim(owner_agent_id="a", task_message_id=task_id, ttl_sec=5))
    assert recorder.execute(TakeNextTask(agent_id="b")).result == b"null"
    time.pass_sec(6)
    assert result_of(recorder.execute(TakeNextTask(agent_id="b")))["task"]["attempts"] == 0


def test_a_claim_by_another_name_keeps_its_task_from_being_given(recorder: Recorder) -> None:
    task_id = recorder.execute(post("boss", kind="task")).event_id
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="mine", task_message_id=task_id))
    assert recorder.execute(TakeNextTask(agent_id="b")).result == b"null"
    recorder.execute(ReleaseClaim(claim_key="mine", agent_id="a"))
    assert result_of(recorder.execute(TakeNextTask(agent_id="b")))["task"]["task_id"] == task_id


def test_what_has_been_ready_for_two_days_goes_first(recorder: Recorder, time: FakeTime) -> None:
    old = recorder.execute(post("boss", kind="task", priority=4)).event_id
    time.pass_sec(2 * 86_400)
    high = recorder.execute(post("boss", kind="task", priority=0)).event_id
    first = result_of(recorder.execute(TakeNextTask(agent_id="a")))
    assert (first["task"]["task_id"], first["why"]) == (old, "it has been ready for two days or more")
    assert result_of(recorder.execute(TakeNextTask(agent_id="a")))["task"]["task_id"] == high
