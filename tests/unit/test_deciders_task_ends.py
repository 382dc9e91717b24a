"""What becomes of tasks: they fail, are cancelled, opened again and assigned; and which lease ends with them."""

import pytest

from arclog.deciders.tasks import (
    AssignTask,
    CancelTask,
    CompleteTask,
    Completing,
    Failing,
    FailTask,
    KnownTask,
    ReopenTask,
    TaskState,
    decide_assign,
    decide_cancel,
    decide_complete,
    decide_fail,
    decide_give_up,
    decide_reopen,
)
from arclog.errors import Forbidden, NotFound, NotReady, StaleToken

NOW = 1_000_000
OVER: tuple[TaskState, ...] = ("done", "failed", "cancelled")


def task(state: TaskState = "open", *, holder: str | None = None, is_counted: bool = True) -> KnownTask:
    held = (
        {} if holder is None else {"claimed_by": holder, "claimed_until": NOW + 1, "token": 9, "is_counted": is_counted}
    )
    return KnownTask(7, state, "dev", "t", title="mend", opener="boss", **held)  # type: ignore[arg-type]


def question() -> KnownTask:
    return KnownTask(7, "open", "direct", opener="a", is_question=True)


def test_a_failure_is_told_to_who_opened_the_task_its_parent_and_what_waits_for_it_each_once() -> None:
    parent = KnownTask(3, "open", "dev", opener="chief")
    state = Failing(task(), parent, ("ada", "boss", "chief"))
    failed = decide_fail(state, FailTask(task_id=7, agent_id="w", reason="no glue"), NOW)
    assert failed is not None
    assert failed.notice is not None
    assert failed.notice.body == "Task 7 failed, says w: no glue (for boss, chief, ada)"
    assert (failed.notice.channel, failed.notice.thread_id, failed.notice.reply_to) == ("dev", "t", 7)
    assert failed.notice.metadata == {"task_failed": 7, "concerns": ["boss", "chief", "ada"]}


def test_who_says_that_a_task_failed_need_not_be_told() -> None:
    failed = decide_fail(Failing(task()), FailTask(task_id=7, agent_id="boss"), NOW)
    assert failed is not None
    assert failed.notice is not None
    assert failed.notice.body == "Task 7 failed, says boss."


def test_a_task_that_was_tried_too_often_is_given_up_by_the_hub() -> None:
    tried = KnownTask(7, "open", "dev", opener="boss", attempts=3)
    failed = decide_give_up(Failing(tried), NOW)
    assert failed.failed_by is None
    assert failed.reason == "it was tried 3 times, and nobody finished it"


@pytest.mark.parametrize("is_counted", [True, False])
def test_a_lease_that_the_hub_gave_ends_with_its_task_and_any_other_stays(is_counted: bool) -> None:
    held = task(holder="w", is_counted=is_counted)
    freed = 9 if is_counted else None
    completed = decide_complete(Completing(held), CompleteTask(task_id=7, agent_id="w"), NOW)
    failed = decide_fail(Failing(held), FailTask(task_id=7, agent_id="w"), NOW)
    cancelled = decide_cancel(Failing(held), CancelTask(task_id=7), NOW)
    assert [one and one.freed_token for one in (completed, failed, cancelled)] == [freed] * 3


def test_the_holder_is_told_that_its_task_was_cancelled() -> None:
    cancelled = decide_cancel(Failing(task(holder="w")), CancelTask(task_id=7, agent_id="boss", reason="no need"), NOW)
    assert cancelled is not None
    assert cancelled.notice is not None
    assert cancelled.notice.body == "Task 7 was cancelled by boss: no need (for w)"


def test_a_task_of_one_s_own_is_cancelled_without_a_word() -> None:
    cancelled = decide_cancel(Failing(task()), CancelTask(task_id=7, agent_id="boss"), NOW)
    assert cancelled is not None
    assert cancelled.notice is None


def test_what_failed_can_be_cancelled_and_what_is_done_cannot() -> None:
    assert decide_cancel(Failing(task("failed")), CancelTask(task_id=7), NOW) is not None
    with pytest.raises(NotReady, match="is done already"):
        decide_cancel(Failing(task("done")), CancelTask(task_id=7), NOW)


@pytest.mark.parametrize("state", OVER)
def test_what_is_over_is_opened_again(state: TaskState) -> None:
    reopened = decide_reopen(task(state), ReopenTask(task_id=7, agent_id="boss", reason="not so"), NOW)
    assert reopened is not None
    assert (reopened.task_id, reopened.reopened_by, reopened.reason) == (7, "boss", "not so")


def test_what_is_so_already_is_no_event() -> None:
    assert decide_fail(Failing(task("failed")), FailTask(task_id=7, agent_id="w"), NOW) is None
    assert decide_cancel(Failing(task("cancelled")), CancelTask(task_id=7), NOW) is None
    assert decide_reopen(task(), ReopenTask(task_id=7), NOW) is None
    assert decide_assign(task(), AssignTask(task_id=7), NOW) is None


@pytest.mark.parametrize("state", ["done", "cancelled"])
def test_what_is_over_cannot_fail(state: TaskState) -> None:
    with pytest.raises(NotReady, match=f"task 7 is {state}"):
        decide_fail(Failing(task(state)), FailTask(task_id=7, agent_id="w"), NOW)


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_what_failed_or_was_cancelled_is_completed_only_when_it_is_opened_again(state: TaskState) -> None:
    with pytest.raises(NotReady, match="reopen it first"):
        decide_complete(Completing(task(state)), CompleteTask(task_id=7), NOW)


@pytest.mark.parametrize("state", OVER)
def test_what_is_over_is_assigned_to_nobody(state: TaskState) -> None:
    with pytest.raises(NotReady, match="reopen it first"):
        decide_assign(task(state), AssignTask(task_id=7, assignee="w"), NOW)


def test_an_assignee_may_be_taken_away_again() -> None:
    given = KnownTask(7, "open", "dev", assignee="w")
    assigned = decide_assign(given, AssignTask(task_id=7, agent_id="boss", assignee=" "), NOW)
    assert assigned is not None
    assert assigned.assignee is None


def test_a_task_that_there_is_none_of_is_not_found() -> None:
    for decide in (
        lambda: decide_fail(Failing(None), FailTask(task_id=7, agent_id="w"), NOW),
        lambda: decide_cancel(Failing(None), CancelTask(task_id=7), NOW),
        lambda: decide_reopen(None, ReopenTask(task_id=7), NOW),
        lambda: decide_assign(None, AssignTask(task_id=7), NOW),
    ):
        with pytest.raises(NotFound):
            decide()


@pytest.mark.parametrize(
    ("held", "token", "agent_id", "problem"),
    [
        (task(), 9, "w", "nobody holds task 7"),
        (task(holder="w"), 8, "w", "w holds task 7 under 9"),
        (task(holder="w"), 9, "x", "held by w, not by x"),
        (KnownTask(7, "open", "dev", claimed_by="w", claimed_until=NOW - 1, token=9), 9, "w", "w holds task 7 under 9"),
    ],
)
def test_a_token_is_believed_only_while_it_is_that_of_the_present_lease(
    held: KnownTask, token: int, agent_id: str, problem: str
) -> None:
    with pytest.raises(StaleToken, match=problem):
        decide_complete(Completing(held), CompleteTask(task_id=7, agent_id=agent_id, fencing_token=token), NOW)
    with pytest.raises(StaleToken, match=problem):
        decide_fail(Failing(held), FailTask(task_id=7, agent_id=agent_id, fencing_token=token), NOW)


def test_what_a_person_was_asked_nobody_completes_or_fails_but_it_may_be_cancelled() -> None:
    with pytest.raises(Forbidden, match="asks a person"):
        decide_complete(Completing(question()), CompleteTask(task_id=7), NOW)
    with pytest.raises(Forbidden, match="asks a person"):
        decide_fail(Failing(question()), FailTask(task_id=7, agent_id="a"), NOW)
    assert decide_cancel(Failing(question()), CancelTask(task_id=7, agent_id="a"), NOW) is not None
