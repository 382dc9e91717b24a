"""Questions to a person over HTTP: the queue of those that are open, and their answers.

A question is asked by a message, `POST /v1/messages`, of kind `task_request` to `human`.
"""

from typing import Annotated

from msgspec import Meta, Struct

from api.http.as_of import Dated
from api.http.lists import Listed, read_list
from api.http.routes import ChangeRoute, ReadCaller, ReadResult, ReadRoute, Route, created
from arclog.deciders.fields import MAX_INTEGER
from arclog.deciders.questions import AnswerQuestion
from arclog.errors import NotFound
from projections.encoding import encode_json
from projections.hub.hub import Hub
from projections.messages import Message
from projections.questions import Question, QuestionState, each_question, find_question

QuestionId = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]


class Answer(Struct, frozen=True):
    """The answer to a question, and who gives it: the person, unless the call is known to be from somebody."""

    answer: str
    agent_id: str | None = None


class QuestionIds(Struct, frozen=True):
    """A question."""

    question_id: QuestionId


class QuestionsQuery(Listed, frozen=True, kw_only=True):
    """Which questions to list."""

    state: Annotated[QuestionState, Meta(description="only those; all, unless given")] | None = None
    asker: Annotated[str, Meta(description="only what this agent asked")] | None = None


class QuestionQuery(Dated, frozen=True, kw_only=True):
    """Which question."""

    question_id: QuestionId


async def list_questions(hub: Hub, query: QuestionsQuery, reader: ReadCaller) -> ReadResult:
    """Questions by id, which is the order in which they were asked."""
    return await read_list(hub, query, each_question, _key, reader.at, state=query.state, asker=query.asker)


async def get_question(hub: Hub, query: QuestionQuery, reader: ReadCaller) -> ReadResult:
    """One question, with its answer if there is one."""
    found = await hub.read_on_thread(find_question, query.question_id, reader.at)
    if found is None:
        raise NotFound("question", query.question_id)
    return ReadResult(encode_json(found))


def _key(question: Question) -> str:
    return str(question.question_id)


def answer(ids: QuestionIds, body: Answer) -> AnswerQuestion:
    """The command that answers the question in the path."""
    return AnswerQuestion(question_id=ids.question_id, answer=body.answer, agent_id=body.agent_id)


ROUTES: tuple[Route, ...] = (
    ReadRoute(
        does="List what agents asked a person, oldest first.",
        path="/v1/questions",
        query=QuestionsQuery,
        answer=list_questions,
        result=list[Question],
        beside=("more",),
    ),
    ReadRoute(
        does="Show one question, with its answer.",
        path="/v1/questions/{question_id}",
        query=QuestionQuery,
        answer=get_question,
        result=Question,
    ),
    ChangeRoute(
        does="Answer a question, as the person whom it was asked.",
        path="/v1/questions/{question_id}/answer",
        ids=QuestionIds,
        body=Answer,
        command=answer,
        status=created,
        statuses=(201,),
        result=Message,
    ),
)
