"""Questions to a person: asking them, and answering them."""

from __future__ import annotations

from arc.reader import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from arc.shapes import Message, Question

HUMAN = "human"
"""Whom questions to a person go to."""


class Questions(Reader):
    """The calls about questions; `ArcClient` has them all."""

    def ask_person(
        self,
        body: str,
        *,
        options: list[str] | None = None,
        default: str | None = None,
        deadline_sec: float | None = None,
        for_task_id: int | None = None,
        thread_id: str | None = None,
        urgent: bool = False,
    ) -> Message:
        """Ask a person. The answer comes as a direct message of kind `task_result` that replies to the question.

        Args:
            body: the question.
            options: answers to choose from; another may be given all the same.
            default: the answer that counts when nobody has answered in time.
            deadline_sec: how many seconds there are to answer; needs a default.
            for_task_id: a task of this agent that waits for the answer. The lease on it ends, and it is ready for this
                agent again with the answer.
            thread_id: the thread that it belongs to.
            urgent: whether it is urgent.

        Returns:
            The message that asks; its `id` is the question's.
        """
        terms: dict[str, Any] = {"options": options, "default": default, "deadline_sec": deadline_sec}
        terms |= {"for_task_id": for_task_id, "thread_id": thread_id, "urgency": "urgent" if urgent else None}
        required = {"from_agent": self.agent_id, "to_agent": HUMAN, "kind": "task_request", "body": body}
        message: Message = self._change("messages", required, terms)
        return message

    def questions(
        self, *, state: Literal["open", "answered", "cancelled"] | None = "open", asker: str | None = None
    ) -> list[Question]:
        """What a person was asked, oldest first: what is open, unless another state is named; with None, all."""
        found: list[Question] = self._read("questions", {"state": state, "asker": asker})
        return found

    def get_question(self, question_id: int) -> Question:
        """One question, with its answer if there is one."""
        found: Question = self._read(f"questions/{int(question_id)}")
        return found

    def answer(self, question_id: int, answer: str) -> Message:
        """Answer a question, as the person that this client speaks for."""
        required = {"agent_id": self.agent_id, "answer": answer}
        message: Message = self._change(f"questions/{int(question_id)}/answer", required)
        return message
