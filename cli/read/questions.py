"""What the command that reads questions asks for and shows."""

from __future__ import annotations

from cli.read.view import Parameter, View, field, second

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from cli.read.view import Row


def _asked(row: Row) -> object:
    """The question with its options."""
    return f"{row['body']} [{' / '.join(row['options'])}]" if row["options"] else row["body"]


def _answer(row: Row) -> object:
    """The answer; while there is none, the one that will count."""
    if row["state"] == "cancelled":
        return "cancelled"
    if row["state"] == "answered":
        return f"{row['answer']} ({row['answered_by'] or 'by default'})"
    return f"{row['default']} at {second('deadline')(row)}" if row["deadline"] else None


class Questions(View):
    """The queue of questions: those that are open, unless all are asked for."""

    def implied(self, asked: dict[str, Any]) -> dict[str, object]:
        """Only what is open."""
        return {"all": None, "state": None if asked["all"] else "open"}


QUESTIONS: Final = Questions(
    "/v1/questions",
    (
        ("id", field("question_id")),
        ("from", field("asker")),
        ("since", second("asked_at")),
        ("task", field("for_task_id")),
        ("question", _asked),
        ("answer", _answer),
    ),
    parameters=(
        Parameter("--all", into="all", action="store_true", help="also those that were answered or cancelled"),
        Parameter("--asker", into="asker", metavar="AGENT", help="only what this agent asked"),
    ),
    key="question_id",
)
