"""Questions to a person: what may be asked, what may wait for it, and who answers."""

from typing import Any

import pytest

from arclog.deciders.fields import Limits
from arclog.deciders.messages import Posting, PostMessage, decide_post
from arclog.deciders.questions import Answering, AnswerQuestion, decide_answer
from arclog.deciders.tasks import KnownTask, TaskState
from arclog.errors import Conflict, Forbidden, InvalidInput, NotFound, NotReady
from arclog.events import MessagePosted

NOW = 1_000_000_000


def ask(waiting: KnownTask | None = None, **said: Any) -> MessagePosted:
    question = PostMessage(from_agent="a", to_agent="@human", kind="task_request", body="which?", **said)
    return decide_post(Posting(waiting_task=waiting), question, NOW)


def question(state: TaskState = "open") -> KnownTask:
    return KnownTask(7, state, "direct", "t", opener="a", is_question=True)


def answer(state: Answering, said: str = "this") -> MessagePosted:
    return decide_answer(state, AnswerQuestion(question_id=7, answer=said), NOW)


def test_both_names_of_the_person_are_one() -> None:
    assert ask().to_agent == "human"


def test_a_question_keeps_its_options_each_once_its_default_and_its_deadline() -> None:
    terms = ask(options=["A", " B ", "A"], default="B", deadline_sec=2).task
    assert terms is not None
    assert (terms.options, terms.default, terms.deadline) == (("A", "B"), "B", NOW + 2_000_000)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"options": ["A"], "default": "C"}, "must be one of the options A"),
        ({"deadline_sec": 5}, "is required with a deadline"),
        ({"default": "A", "deadline_sec": 0}, "must be more than 0"),
        ({"default": "A", "deadline_sec": 10**9}, "must be more than 0 and at most"),
        ({"options": [f"o{n}" for n in range(21)]}, "must be at most 20"),
        ({"for_task_id": 5}, "is not a known task"),
    ],
)
def test_what_cannot_be_asked_says_why(said: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        ask(**said)


def test_only_a_question_to_a_person_has_options() -> None:
    with pytest.raises(InvalidInput, match="must be human"):
        decide_post(
            Posting(), PostMessage(from_agent="a", to_agent="b", kind="task_request", body="?", options=["A"]), NOW
        )


def test_the_lease_on_a_task_that_waits_for_its_answer_ends() -> None:
    held = KnownTask(5, "open", "dev", claimed_by="a", claimed_until=NOW, token=9, is_counted=True)
    assert ask(held, for_task_id=5).freed_token == 9
    free = KnownTask(5, "open", "dev")
    assert ask(free, for_task_id=5).freed_token is None


@pytest.mark.parametrize(
    ("task", "error", "problem"),
    [
        (KnownTask(5, "done", "dev"), InvalidInput, "waits for nothing"),
        (KnownTask(5, "open", "dev", claimed_by="b", claimed_until=NOW, token=9), Conflict, "is held by b"),
        (KnownTask(5, "open", "dev", assignee="b"), Conflict, "is for b"),
    ],
)
def test_a_task_waits_only_for_who_has_it_or_could_take_it(task: KnownTask, error: type, problem: str) -> None:
    with pytest.raises(error, match=problem):
        ask(task, for_task_id=5)


def test_an_answer_is_a_result_to_the_asker_which_completes_the_question() -> None:
    said = answer(Answering("human", question(), "unverified-human"), " this\n")
    assert (said.from_agent, said.to_agent, said.kind, said.body) == ("human", "a", "task_result", "this")
    assert (said.reply_to, said.completes_task_id, said.thread_id, said.completes_in_thread_id) == (7, 7, "t", "t")
    assert said.handling is not None
    assert said.handling.provenance == "unverified-human"


@pytest.mark.parametrize("task", [None, KnownTask(7, "open", "dev")])
def test_what_is_no_question_has_no_answer(task: KnownTask | None) -> None:
    with pytest.raises(NotFound):
        answer(Answering("human", task, "human"))


def test_an_agent_does_not_answer() -> None:
    with pytest.raises(Forbidden, match="b is an agent"):
        answer(Answering("b", question(), None))


@pytest.mark.parametrize(("state", "became"), [("done", "answered"), ("cancelled", "cancelled")])
def test_what_is_over_is_not_answered_again(state: TaskState, became: str) -> None:
    with pytest.raises(NotReady, match=f"{became} already"):
        answer(Answering("human", question(state), "human"))


@pytest.mark.parametrize("said", ["", " \n", "x" * 11])
def test_an_answer_is_neither_empty_nor_too_long(said: str) -> None:
    with pytest.raises(InvalidInput, match="answer"):
        answer(Answering("human", question(), "human", Limits(max_body_chars=10)), said)
