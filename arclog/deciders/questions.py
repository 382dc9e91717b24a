"""Answers to questions that a person was asked: only a person gives them, and only once."""

from typing import ClassVar

from msgspec import Struct

from arclog.deciders import fields
from arclog.deciders.fields import Limits
from arclog.deciders.tasks import KnownTask
from arclog.errors import Forbidden, InvalidInput, NotFound, NotReady
from arclog.events import DIRECT_CHANNEL, Handling, MessagePosted
from arclog.events.messages import Provenance


class AnswerQuestion(Struct, frozen=True, kw_only=True):
    """Answer what an agent asked a person; a call that nobody is named in is the person's."""

    sender_field: ClassVar[str | None] = "agent_id"

    question_id: int
    answer: str
    agent_id: str | None = None


class Answering(Struct, frozen=True):
    """What is known when a question is answered.

    Attributes:
        agent_id: who answers.
        task: the question, None when there is no task of that id.
        provenance: whether a person answers; None when it is an agent.
        limits: how much a message may hold.
    """

    agent_id: str
    task: KnownTask | None
    provenance: Provenance | None
    limits: Limits = Limits()


def decide_answer(state: Answering, command: AnswerQuestion, now: int) -> MessagePosted:
    """Answer a question: a `task_result` to who asked, which completes it.

    Raises:
        NotFound: it is no question.
        Forbidden: no person answers.
        NotReady: it is not open any more.
        InvalidInput: there is no answer, or it is too long.
    """
    agent_id = fields.agent("agent_id", state.agent_id)
    body = command.answer.strip()
    if not body:
        raise InvalidInput("answer", "is required")
    if len(body) > state.limits.max_body_chars:
        raise InvalidInput("answer", f"must be at most {state.limits.max_body_chars} characters, not {len(body)}")
    task = state.task
    if task is None or not task.is_question:
        raise NotFound("question", command.question_id, "is unknown; the list of questions has those that are open")
    if state.provenance is None:
        raise Forbidden(f"only a person answers question {task.task_id}: {agent_id} is an agent", advice="be_a_person")
    if task.state != "open":
        became = "answered" if task.state == "done" else task.state
        raise NotReady(f"question {task.task_id} is {became} already; say more in a message to {task.opener}")
    return MessagePosted(
        from_agent=agent_id,
        channel=DIRECT_CHANNEL,
        to_agent=task.opener,
        kind="task_result",
        body=body,
        reply_to=task.task_id,
        thread_id=task.thread_id,
        completes_task_id=task.task_id,
        completes_in_thread_id=task.thread_id,
        freed_token=task.freed_token,
        handling=Handling(provenance=state.provenance),
    )
