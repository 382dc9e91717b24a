"""Questions to a person: what was asked, what waits for the answer, and what the answer was.

A question is a task that only a person completes (`projections.tasks`). What it says beside that stands in the message
that asked it, and in the event that ended it.
"""

from collections.abc import Iterator
from typing import Literal

import apsw
import msgspec
from msgspec import Struct

from arclog.events import MessagePosted, TaskCompleted, TaskTerms
from arclog.events.messages import Provenance
from arclog.sqlite.reads import find_event
from projections import tasks
from projections.intervals import AsOf
from projections.task_rows import TaskRow
from projections.times import optional_timestamp, timestamp

QuestionState = Literal["open", "answered", "cancelled"]


class Question(Struct, frozen=True):
    """A question as it goes over the wire.

    Attributes:
        question_id: its id, that of the message that asks it and of the task that it is.
        asker: who asks.
        body: what is asked.
        options: the answers to choose from, if there are any; another may be given.
        default: the answer that counts when nobody has answered by the deadline.
        deadline: when that is.
        for_task_id: the task that waits for the answer.
        channel: where it was asked.
        thread_id: the thread that it belongs to.
        urgent: whether it is urgent.
        asked_at: when it was asked.
        state: how it stands.
        answer: what was answered; None while it is open, or when it was cancelled.
        answered_by: who answered; None where the default counts.
        by_default: whether the default counts, since nobody answered in time.
        provenance: whether a person is known to have answered, or only said to be one.
        ended_at: when it was answered or cancelled.
        ended_by: the event that did so; that of an answer is the message's id.
    """

    question_id: int
    asker: str
    body: str
    options: msgspec.Raw
    default: str | None
    deadline: str | None
    for_task_id: int | None
    channel: str
    thread_id: str | None
    urgent: bool
    asked_at: str
    state: QuestionState
    answer: str | None
    answered_by: str | None
    by_default: bool
    provenance: Provenance | None
    ended_at: str | None
    ended_by: int | None


class _End(Struct, frozen=True):
    """What became of a question."""

    state: QuestionState = "open"
    answer: str | None = None
    answered_by: str | None = None
    by_default: bool = False
    provenance: Provenance | None = None


def find_question(connection: apsw.Connection, question_id: int, at: AsOf) -> Question | None:
    """A question by its id; None when there is no question of that id."""
    row = tasks.find_row(connection, question_id, at)
    return None if row is None or not row.is_question else _to_question(connection, row)


def each_question(
    connection: apsw.Connection, at: AsOf, *, state: QuestionState | None = None, asker: str | None = None
) -> Iterator[Question]:
    """Questions by id, one by one; only those that match what is given."""
    query = "list_open_questions" if state == "open" else "list_questions"
    rows = iter(tasks.read_rows(connection, query, at.bindings(opener=asker)))
    found = (_to_question(connection, row) for row in rows)
    return (one for one in found if state is None or one.state == state)


def _to_question(connection: apsw.Connection, row: TaskRow) -> Question:
    asked = _read(connection, row.task_id)
    assert isinstance(asked, MessagePosted)
    end = _End() if row.ended_by is None else _read_end(connection, row.ended_by)
    terms = asked.task or TaskTerms()
    return Question(
        question_id=row.task_id,
        asker=row.opener,
        body=asked.body,
        options=msgspec.Raw(row.options.encode()),
        default=row.default_answer,
        deadline=optional_timestamp(row.deadline),
        for_task_id=terms.for_task_id,
        channel=row.channel,
        thread_id=row.thread_id,
        urgent=asked.handling is not None and asked.handling.urgent,
        asked_at=timestamp(row.created_at),
        state=end.state,
        answer=end.answer,
        answered_by=end.answered_by,
        by_default=end.by_default,
        provenance=end.provenance,
        ended_at=optional_timestamp(row.completed_at),
        ended_by=row.ended_by,
    )


def _read_end(connection: apsw.Connection, ended_by: int) -> _End:
    match _read(connection, ended_by):
        case MessagePosted() as said:
            provenance = None if said.handling is None else said.handling.provenance
            return _End("answered", said.body, said.from_agent, provenance=provenance)
        case TaskCompleted(answer=str(answer)):
            return _End("answered", answer, by_default=True)
        case TaskCompleted(completed_by=completed_by):  # logs of former versions have such
            return _End("answered", None, completed_by)
        case _:  # cancelled; in logs of former versions it may have failed too
            return _End("cancelled")


def _read(connection: apsw.Connection, event_id: int) -> object:
    stored = find_event(connection, event_id)
    assert stored is not None
    return stored.decode().data
