"""Opening tasks together, picking the next one, and acknowledging messages."""

from typing import Any

import pytest

from arclog.deciders.picking import LONG_READY, ReadyTask, TakeNextTask, decide_next
from arclog.deciders.receipts import AcknowledgeMessages, AskedReceipt, decide_acknowledge
from arclog.deciders.task_batches import NewTask, Opening, OpenTasks, decide_open
from arclog.errors import DependencyCycle, InvalidInput, NotFound
from arclog.events import TasksOpened

NOW = 10 * LONG_READY


def batch(*tasks: NewTask, state: Opening | None = None) -> TasksOpened:
    return decide_open(state or Opening(100, frozenset()), OpenTasks(agent_id="boss", tasks=list(tasks)), NOW)


def new(ref: str | None = None, **said: Any) -> NewTask:
    return NewTask(body="work", ref=ref, **said)


def test_refs_stand_for_the_ids_that_the_tasks_get() -> None:
    opened = batch(new("a"), new("b", depends_on=["a", 5]), new(parent="a"), state=Opening(100, frozenset({5})))
    assert [message.task and message.task.depends_on for message in opened.messages] == [None, (100, 5), None]
    assert [message.parent_task_id for message in opened.messages] == [None, None, 100]


@pytest.mark.parametrize(
    ("tasks", "circle"),
    [
        ((new("a", depends_on=["b"]), new("b", depends_on=["a"])), {100, 101}),
        ((new("a", depends_on=["b"]), new("b", parent="a", depends_on=["c"]), new("c", depends_on=["a"])), {100, 102}),
        ((new("a"), new("b", parent="a", depends_on=["a"])), {100, 101}),
        ((new("a", depends_on=["c"]), new("b", parent="a"), new("c", depends_on=["b"])), {101, 102}),
    ],
)
def test_what_would_wait_for_itself_is_refused_with_the_circle(tasks: tuple[NewTask, ...], circle: set[int]) -> None:
    with pytest.raises(DependencyCycle) as refused:
        batch(*tasks)
    assert circle <= set(refused.value.circle)
    assert refused.value.circle[0] == refused.value.circle[-1]


def test_a_circle_through_older_tasks_is_found() -> None:
    state = Opening(100, frozenset({5, 6}), {6: (5,)})
    with pytest.raises(DependencyCycle):
        batch(new("a", parent=5, depends_on=[6]), state=state)


@pytest.mark.parametrize(
    ("tasks", "problem"),
    [
        ((), "must be from 1 to 500 tasks"),
        ((new("a"), new("a")), "is the name of another task"),
        ((new(depends_on=["b"]),), "but no task in this request has that ref"),
        ((new(depends_on=[5]),), "names task 5, which is unknown"),
        ((new(parent="b"), new("b")), "must be a known task, or one before it"),
        ((NewTask(body=""),), r"tasks\[0\].body must be 1 to"),
        ((new(priority=5),), "must be from 0, the highest, to 4"),
        ((new(max_attempts=0),), "must be from 1 to 1000"),
        ((new(not_before="tomorrow"),), "must be a time with its zone"),
        ((new(needs=["n"] * 3 + [f"n{n}" for n in range(32)]),), "must be at most 32 capabilities"),
    ],
)
def test_a_batch_that_cannot_be_opened_says_which_part_of_it(tasks: tuple[NewTask, ...], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        batch(*tasks)


@pytest.mark.parametrize(("since", "why"), [(NOW - LONG_READY, "waited"), (NOW - LONG_READY + 1, "priority")])
def test_the_lease_says_why_its_task_went_first(since: int, why: str) -> None:
    picked = decide_next(ReadyTask(7, "t", 2, since), TakeNextTask(agent_id="w", ttl_sec=60), NOW)
    assert picked is not None
    assert (picked.claim_key, picked.owner_agent_id, picked.task_message_id, picked.pick) == ("task-7", "w", 7, why)
    assert (picked.expires_at, picked.thread_id) == (NOW + 60_000_000, "t")


def test_without_a_task_there_is_no_lease() -> None:
    assert decide_next(None, TakeNextTask(agent_id="w"), NOW) is None


@pytest.mark.parametrize(("wait_sec", "ttl_sec"), [(-1, 60), (61, 60), (0, 1)])
def test_a_wait_and_a_lease_have_bounds(wait_sec: float, ttl_sec: float) -> None:
    with pytest.raises(InvalidInput):
        decide_next(None, TakeNextTask(agent_id="w", wait_sec=wait_sec, ttl_sec=ttl_sec), NOW)


KNOWN = {1: AskedReceipt(1, "w", False), 2: AskedReceipt(2, "w", True), 3: AskedReceipt(3, "x", False)}


def test_what_was_acknowledged_before_is_left_out() -> None:
    done = decide_acknowledge(KNOWN, AcknowledgeMessages(agent_id="w", ids=[1, 2, 1]), NOW)
    assert done is not None
    assert done.message_ids == (1,)
    assert decide_acknowledge(KNOWN, AcknowledgeMessages(agent_id="w", ids=[2]), NOW) is None


@pytest.mark.parametrize("ids", [[3], [4], [1, 3]])
def test_only_a_recipient_acknowledges_and_all_or_nothing(ids: list[int]) -> None:
    with pytest.raises(NotFound, match="to w that asks to be acknowledged is unknown"):
        decide_acknowledge(KNOWN, AcknowledgeMessages(agent_id="w", ids=ids), NOW)


@pytest.mark.parametrize("ids", [[], list(range(1_001))])
def test_one_call_acknowledges_from_one_to_a_thousand(ids: list[int]) -> None:
    with pytest.raises(InvalidInput, match="must be from 1 to 1000 messages"):
        decide_acknowledge({}, AcknowledgeMessages(agent_id="w", ids=ids), NOW)
