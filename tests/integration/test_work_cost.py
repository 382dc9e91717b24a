"""What a read about work or receipts costs depends on what is open, not on how much is over by now."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from arclog.deciders.claims import HandOverClaim
from arclog.deciders.messages import PostMessage
from arclog.deciders.picking import TakeNextTask
from arclog.deciders.questions import AnswerQuestion
from arclog.deciders.receipts import AcknowledgeMessages
from arclog.deciders.sessions import OpenSession
from arclog.deciders.task_batches import NewTask, OpenTasks
from arclog.deciders.tasks import CancelTask, CompleteTask, FailTask
from arclog.sqlite.connection import open_connection
from projections import questions, readiness, receipts, tasks
from projections.history.attention import list_attention
from projections.history.digest import read_digest
from projections.hub.recorder import Recorder
from projections.intervals import AsOf, live
from projections.readiness import Worker
from tests.support.fake_time import FakeTime
from tests.support.plans import steps_of
from tests.support.recorders import as_of_event, post, recording, result_of

SHORT, LONG = 15, 150
"""Rounds of the story in the two logs that are compared; a round is 18 events."""
MOST = 2.0
"""How much more a read may cost when ten times as much is over."""
AGENT = Worker("bob", frozenset({"python"}))


def take(recorder: Recorder) -> int:
    """The id of the task that `bob` does next."""
    picked = result_of(recorder.execute(TakeNextTask(agent_id="bob", capabilities=["python"])))
    task_id: int = picked["task"]["task_id"]
    return task_id


def said(recorder: Recorder, message: PostMessage) -> int:
    event_id = recorder.execute(message).event_id
    assert event_id is not None
    return event_id


def tell_round(recorder: Recorder) -> None:
    """Work that is opened, handed over, done, failed and cancelled; messages and questions, all of them answered."""
    first, second = NewTask(body="first", ref="a"), NewTask(body="second", depends_on=["a"], needs=["python"])
    recorder.execute(OpenTasks(agent_id="ada", tasks=[first, second]))
    recorder.execute(CompleteTask(task_id=take(recorder), agent_id="bob"))
    task_id = take(recorder)
    recorder.execute(HandOverClaim(claim_key=f"task-{task_id}", agent_id="bob", to_agent_id="cy"))
    recorder.execute(CompleteTask(task_id=task_id, agent_id="cy"))
    failed = said(recorder, post("ada", kind="task"))
    recorder.execute(FailTask(task_id=failed, agent_id="bob"))
    recorder.execute(CancelTask(task_id=failed, agent_id="ada"))
    wanted = said(recorder, post("ada", to_agent="bob", ack=True, ack_within_sec=60))
    recorder.execute(AcknowledgeMessages(agent_id="bob", ids=[wanted]))
    replied = said(recorder, post("ada", to_agent="bob", ack=True))
    recorder.execute(post("bob", to_agent="ada", reply_to=replied))
    question = said(recorder, post("bob", to_agent="human", kind="task_request", options=["yes", "no"]))
    recorder.execute(AnswerQuestion(question_id=question, answer="yes", agent_id="human"))


def make_log(storage: Path, time: FakeTime, rounds: int) -> None:
    with recording(storage, time) as recorder:
        for agent in ("ada", "bob", "cy"):
            recorder.execute(OpenSession(agent_id=agent))
        for _ in range(rounds):
            tell_round(recorder)
        for number in range(3):
            task_id = said(recorder, post("ada", kind="task", priority=number))
            recorder.execute(post("ada", kind="task", depends_on=[task_id]))
            recorder.execute(post("ada", to_agent="bob", ack=True, ack_within_sec=60))
            recorder.execute(post("cy", to_agent="human", kind="task_request"))


@pytest.fixture(scope="module")
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory, time: FakeTime) -> Iterator[tuple[apsw.Connection, apsw.Connection]]:
    folder = tmp_path_factory.mktemp("work")
    for name, rounds in (("short", SHORT), ("long", LONG)):
        make_log(folder / f"{name}.sqlite3", time, rounds)
    with (
        closing(open_connection(folder / "short.sqlite3", read_only=True)) as short,
        closing(open_connection(folder / "long.sqlite3", read_only=True)) as long,
    ):
        yield short, long


Read = Callable[[apsw.Connection, AsOf], object]
READS: dict[str, tuple[Read, int]] = {
    "the next task": (lambda c, at: [readiness.find_next(c, AGENT, at)], 1),
    "ready tasks": (lambda c, at: list(readiness.each_ready(c, at, AGENT)), 3),
    "why tasks are not ready": (lambda c, at: list(readiness.each_explained(c, at, AGENT)), 9),
    "open tasks": (lambda c, at: tasks.list_tasks(c, at, status="open"), 9),
    "open questions": (lambda c, at: list(questions.each_question(c, at, state="open")), 3),
    "what is not acknowledged": (lambda c, at: receipts.list_wanted(c, at, 50), 3),
    "what one wants acknowledged": (lambda c, at: receipts.list_wanted(c, at, 50, from_agent="ada"), 3),
    "what one is to acknowledge": (lambda c, at: receipts.list_wanted(c, at, 50, to_agent="bob"), 3),
    "what is overdue": (lambda c, at: receipts.list_overdue(c, at, 50), 3),
}


@pytest.mark.parametrize("name", READS)
def test_a_live_read_costs_the_same_however_much_is_over(
    logs: tuple[apsw.Connection, apsw.Connection], time: FakeTime, name: str
) -> None:
    read, expected = READS[name]
    at = live(time.wall() + 3_600_000_000)
    assert [len(read(connection, at)) for connection in logs] == [expected, expected]  # type: ignore[arg-type]
    short, long = (steps_of(connection, lambda c: read(c, at)) for connection in logs)
    assert long <= MOST * short + 200


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_read_of_the_past_costs_about_the_same_however_much_is_over(
    logs: tuple[apsw.Connection, apsw.Connection], name: str, part: float
) -> None:
    def cost(connection: apsw.Connection) -> int:
        at = as_of_event(connection, int(connection.execute("SELECT max(event_id) FROM events").get * part))
        return steps_of(connection, lambda c: READS[name][0](c, at))

    short, long = map(cost, logs)
    assert long <= MOST * short + 600


BRIEFED: dict[str, Callable[[apsw.Connection, AsOf, int], object]] = {
    "an agent's digest": lambda c, at, since: read_digest(c, "bob", at, since),
    "a person's digest": lambda c, at, since: read_digest(c, "human", at, since),
    "what needs a person": lambda c, at, _since: list_attention(c, at, "human", 60_000_000),
}


@pytest.mark.parametrize("name", BRIEFED)
def test_what_is_told_in_brief_costs_the_same_too(
    logs: tuple[apsw.Connection, apsw.Connection], time: FakeTime, name: str
) -> None:
    def cost(connection: apsw.Connection) -> int:
        since = connection.execute("SELECT max(event_id) - 20 FROM events").get
        return steps_of(connection, lambda c: BRIEFED[name](c, live(time.wall()), since))

    short, long = map(cost, logs)
    assert long <= MOST * short + 400
