"""Tasks: given what is known, when a command comes, then an event or a refusal."""

import pytest

from arclog.deciders.tasks import CompleteTask, Completing, KnownTask, decide_complete
from arclog.errors import InvalidInput, NotFound, StaleToken
from arclog.events import Notice, TaskCompleted

NOW = 1_000_000_000
PARENT = KnownTask(3, "open", "room", thread_id="t")
CHILD = KnownTask(5, "open", "general", thread_id="u", parent_task_id=3)
COMPLETE = CompleteTask(task_id=5)


def test_an_open_task_is_completed() -> None:
    task = KnownTask(5, "open", "general", thread_id="t")
    assert decide_complete(Completing(task), COMPLETE, NOW) == TaskCompleted(task_id=5, thread_id="t")


def test_who_completed_it_is_kept_when_told() -> None:
    completed = decide_complete(Completing(CHILD), CompleteTask(task_id=5, agent_id=" a "), NOW)
    assert completed is not None
    assert completed.completed_by == "a"


def test_a_task_that_is_done_stays_as_it_is() -> None:
    assert decide_complete(Completing(KnownTask(5, "done", "general")), COMPLETE, NOW) is None


@pytest.mark.parametrize("ended_under", [None, 8])
def test_a_task_that_is_done_was_done_under_its_last_lease_alone(ended_under: int | None) -> None:
    state = Completing(KnownTask(5, "done", "general"), ended_under=ended_under)
    with pytest.raises(StaleToken, match="task 5 is done already"):
        decide_complete(state, CompleteTask(task_id=5, agent_id="a", fencing_token=6), NOW)
    assert decide_complete(state, CompleteTask(task_id=5, agent_id="a", fencing_token=ended_under), NOW) is None


def test_an_unknown_task_cannot_be_completed() -> None:
    with pytest.raises(NotFound, match="task 5 is unknown"):
        decide_complete(Completing(None), COMPLETE, NOW)


@pytest.mark.parametrize("agent_id", ["system", "a\x00"])
def test_nobody_completes_a_task_under_a_name_that_cannot_be(agent_id: str) -> None:
    with pytest.raises(InvalidInput, match="agent_id"):
        decide_complete(Completing(CHILD), CompleteTask(task_id=5, agent_id=agent_id), NOW)


def test_the_last_child_completes_its_parent_and_the_hub_says_so_there() -> None:
    state = Completing(CHILD, parent=PARENT, has_open_sibling=False, child_count=3)
    assert decide_complete(state, COMPLETE, NOW) == TaskCompleted(
        task_id=5,
        thread_id="u",
        rolled_up_task_id=3,
        notice=Notice(
            body="All 3 subtasks of task 3 are complete.",
            channel="room",
            thread_id="t",
            reply_to=3,
            metadata={"auto_rollup": True, "parent_task_id": 3},
        ),
    )


def test_a_child_with_an_open_sibling_leaves_its_parent_open() -> None:
    state = Completing(CHILD, parent=PARENT, has_open_sibling=True, child_count=3)
    assert decide_complete(state, COMPLETE, NOW) == TaskCompleted(task_id=5, thread_id="u")


def test_a_parent_that_is_done_is_not_completed_again() -> None:
    done = KnownTask(3, "done", "room")
    assert decide_complete(Completing(CHILD, parent=done, child_count=1), COMPLETE, NOW) == TaskCompleted(
        task_id=5, thread_id="u"
    )
