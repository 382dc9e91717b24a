"""The last child completes its parent and a result its request, each in one event; nothing else completes a task."""

from pathlib import Path

import pytest

from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim, HandOverClaim, ReleaseClaim
from arclog.deciders.picking import TakeNextTask
from arclog.deciders.sessions import OpenSession
from arclog.deciders.tasks import AssignTask, CancelTask, CompleteTask, FailTask, ReopenTask
from arclog.errors import InvalidInput, NotFound, StaleToken
from arclog.events import MessagePosted, TaskCompleted
from arclog.sqlite.reads import Filter
from projections import threads
from projections.history.blame import read_blame
from projections.history.events import read_log
from projections.hub.calls import Call
from projections.hub.command_handlers import Command
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from projections.intervals import live
from tests.support.fake_time import BEGINNING, FakeTime
from tests.support.recorders import events_in, post, reading, result_of


@pytest.mark.parametrize("task_id", [0, -1, 2**63, 2**64, -(2**70)])
def test_an_id_that_no_task_can_have_is_unknown(recorder: Recorder, task_id: int) -> None:
    with pytest.raises(NotFound):
        recorder.execute(CompleteTask(task_id=task_id))
    with pytest.raises(InvalidInput):
        recorder.execute(post(parent_task_id=task_id))


def test_the_last_child_completes_its_parent_in_one_event_with_one_notice(recorder: Recorder, storage: Path) -> None:
    recorder.execute(CreateChannel(name="room"))
    parent = recorder.execute(post(kind="task", channel="room", thread_id="t")).event_id
    first = recorder.execute(post(kind="task", parent_task_id=parent)).event_id
    second = recorder.execute(post(kind="task", parent_task_id=parent)).event_id
    assert first is not None
    assert second is not None
    assert not recorder.execute(CompleteTask(task_id=first)).parent_completed
    head = recorder.last_event_id
    last = recorder.execute(CompleteTask(task_id=second, agent_id="a"))
    assert last.parent_completed
    (event,) = events_in(storage, head)
    assert isinstance(event.data, TaskCompleted)
    assert event.data.notice is not None
    assert (event.data.rolled_up_task_id, event.data.notice.body) == (
        parent,
        f"All 2 subtasks of task {parent} are complete.",
    )
    assert (event.data.notice.channel, event.data.notice.thread_id, event.data.notice.reply_to) == ("room", "t", parent)


def test_a_result_completes_its_request_in_one_event(recorder: Recorder, storage: Path) -> None:
    request = recorder.execute(post(kind="task_request", to_agent="b")).event_id
    head = recorder.last_event_id
    answer = recorder.execute(post("b", kind="task_result", to_agent="a", reply_to=request, metadata={"m": 1}))
    assert result_of(answer)["metadata"] == {"m": 1, "task_completed": request}
    (event,) = events_in(storage, head)
    assert isinstance(event.data, MessagePosted)
    assert event.data.completes_task_id == request
    second = recorder.execute(post("b", kind="task_result", to_agent="a", reply_to=request))
    assert result_of(second)["metadata"] == {}


def test_a_result_closes_the_task_of_its_thread(recorder: Recorder, storage: Path) -> None:
    request = recorder.execute(post(kind="task_request", thread_id="t")).event_id
    recorder.execute(post("b", kind="task_result", reply_to=request, thread_id="t"))
    with reading(storage) as connection:
        (summary,) = threads.list_threads(connection, live(BEGINNING))
    assert (summary.total_task_count, summary.open_task_count, summary.status) == (1, 0, "completed")


def test_a_result_in_another_thread_closes_the_task_in_its_own(recorder: Recorder, storage: Path) -> None:
    request = recorder.execute(post(kind="task_request", thread_id="t")).event_id
    recorder.execute(post("b", kind="task_result", reply_to=request, thread_id="u"))
    with reading(storage) as connection:
        summaries = {thread.thread_id: thread for thread in threads.list_threads(connection, live(BEGINNING))}
    assert (summaries["t"].open_task_count, summaries["t"].status) == (0, "completed")
    assert (summaries["u"].total_task_count, summaries["u"].status) == (0, "waiting")


@pytest.mark.parametrize("reply_to", [0, 1, 2**53 - 1])
def test_a_result_for_what_is_no_request_is_an_ordinary_message(recorder: Recorder, reply_to: int) -> None:
    answer = recorder.execute(post(kind="task_result", reply_to=reply_to))
    assert result_of(answer)["metadata"] == {}


def test_a_plain_task_is_not_completed_by_a_result(recorder: Recorder) -> None:
    task = recorder.execute(post(kind="task")).event_id
    assert result_of(recorder.execute(post(kind="task_result", reply_to=task)))["metadata"] == {}


def done(recorder: Recorder, task_id: int | None) -> Outcome:
    assert task_id is not None
    return recorder.execute(CompleteTask(task_id=task_id))


def test_completing_what_is_done_already_still_completes_a_parent_without_open_children(
    recorder: Recorder, storage: Path
) -> None:
    root = recorder.execute(post(kind="task", thread_id="t")).event_id
    mid = recorder.execute(post(kind="task", parent_task_id=root, thread_id="t")).event_id
    leaf = recorder.execute(post(kind="task", parent_task_id=mid, thread_id="t")).event_id
    assert done(recorder, leaf).parent_completed
    head = recorder.last_event_id
    again = done(recorder, mid)
    assert again.parent_completed
    assert result_of(again)["status"] == "done"
    (event,) = events_in(storage, head)
    assert isinstance(event.data, TaskCompleted)
    assert (event.data.task_id, event.data.rolled_up_task_id, event.data.again) == (mid, root, True)
    with reading(storage) as connection:
        (summary,) = threads.list_threads(connection, live(BEGINNING))
    assert (summary.total_task_count, summary.open_task_count, summary.status) == (3, 0, "completed")
    assert not done(recorder, mid).parent_completed
    assert recorder.last_event_id == event.event_id


def test_a_parent_whose_last_child_a_result_ended_is_completed_with_any_of_its_children(recorder: Recorder) -> None:
    parent = recorder.execute(post(kind="task")).event_id
    first = recorder.execute(post(kind="task", parent_task_id=parent)).event_id
    last = recorder.execute(post(kind="task_request", parent_task_id=parent)).event_id
    assert not done(recorder, first).parent_completed
    recorder.execute(post("b", kind="task_result", reply_to=last))
    assert done(recorder, first).parent_completed


def test_a_roll_up_is_found_from_parent_and_child(recorder: Recorder, storage: Path) -> None:
    parent = recorder.execute(post(kind="task")).event_id
    child = recorder.execute(post(kind="task", parent_task_id=parent)).event_id
    done(recorder, child)
    with reading(storage) as connection:
        for task in (parent, child):
            found = read_log(connection, 0, 10, Filter(stream=f"task/{task}"))
            assert [event.event_id for event in found] == [task, recorder.last_event_id]
        ends = [life.tenures[0].how for life in read_blame(connection, "task/", BEGINNING)]
    assert ends == ["done", "done"]


def take(recorder: Recorder, agent_id: str, ttl_sec: int) -> int:
    """The token under which an agent has the next task."""
    token: int = result_of(recorder.execute(TakeNextTask(agent_id=agent_id, ttl_sec=ttl_sec)))["task"]["fencing_token"]
    return token


def test_what_another_has_done_is_not_done_by_the_one_who_lost_its_lease(recorder: Recorder, time: FakeTime) -> None:
    task_id = recorder.execute(post(kind="task")).event_id
    assert task_id is not None
    first = take(recorder, "one", ttl_sec=5)
    time.pass_sec(6)
    second = take(recorder, "two", ttl_sec=60)
    for token in (second, second, None):  # a call that was answered and comes again is answered alike
        done = recorder.execute(CompleteTask(task_id=task_id, fencing_token=token))
        assert result_of(done)["state"] == "done"
    with pytest.raises(StaleToken, match=f"task {task_id} is done already, under {second}"):
        recorder.execute(CompleteTask(task_id=task_id, agent_id="one", fencing_token=first))


def test_a_lease_that_had_lapsed_before_a_task_was_done_did_not_do_it(recorder: Recorder, time: FakeTime) -> None:
    task_id = recorder.execute(post(kind="task")).event_id
    assert task_id is not None
    token = take(recorder, "one", ttl_sec=5)
    time.pass_sec(6)
    recorder.execute(CompleteTask(task_id=task_id, agent_id="boss"))
    with pytest.raises(StaleToken, match="is done already, without a lease"):
        recorder.execute(CompleteTask(task_id=task_id, agent_id="one", fencing_token=token))


def test_a_task_is_done_again_under_a_claim_that_outlives_it(recorder: Recorder) -> None:
    task_id = recorder.execute(post(kind="task")).event_id
    assert task_id is not None
    token = recorder.execute(AcquireClaim(owner_agent_id="one", task_message_id=task_id)).event_id
    for _ in range(2):
        done = recorder.execute(CompleteTask(task_id=task_id, agent_id="one", fencing_token=token))
        assert result_of(done)["state"] == "done"


def wakes(recorder: Recorder, command: Command) -> bool:
    """Whether those who wait for work look again after a call, which is accepted."""
    commit = recorder.transact([Call(command)])
    assert isinstance(commit.answers[0][1], Outcome)
    return commit.has_work


def test_whatever_becomes_of_a_task_has_those_look_who_wait_for_work(recorder: Recorder) -> None:
    recorder.execute(OpenSession(agent_id="b"))
    task_id = recorder.execute(post(kind="task")).event_id
    assert task_id is not None
    for command in (
        AcquireClaim(owner_agent_id="a", claim_key=f"task-{task_id}"),
        AcquireClaim(owner_agent_id="a", claim_key=f"task-{task_id}"),
        HandOverClaim(agent_id="a", claim_key=f"task-{task_id}", to_agent_id="b"),
        ReleaseClaim(agent_id="b", claim_key=f"task-{task_id}"),
        AcquireClaim(owner_agent_id="a", claim_key="own", task_message_id=task_id),
        ReleaseClaim(agent_id="a", claim_key="own"),
        AssignTask(task_id=task_id, agent_id="a", assignee="b"),
        FailTask(task_id=task_id, agent_id="b"),
        ReopenTask(task_id=task_id),
        CancelTask(task_id=task_id),
        ReopenTask(task_id=task_id),
        TakeNextTask(agent_id="b"),
        CompleteTask(task_id=task_id, agent_id="b"),
        post(kind="task_request", to_agent="b"),
    ):
        assert wakes(recorder, command), command


def test_a_claim_on_no_task_has_nobody_look_for_work(recorder: Recorder) -> None:
    recorder.execute(OpenSession(agent_id="b"))
    for command in (
        AcquireClaim(owner_agent_id="a", claim_key="k"),
        AcquireClaim(owner_agent_id="a", claim_key="k"),
        HandOverClaim(agent_id="a", claim_key="k", to_agent_id="b"),
        ReleaseClaim(agent_id="b", claim_key="k"),
        post(),
    ):
        assert not wakes(recorder, command), command
