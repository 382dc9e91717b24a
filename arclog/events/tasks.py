"""Work that is handed out. A task is opened by the message that describes it (`message.posted`).

`freed_token` is the fencing token of the lease on the task, the claim `task-<id>`, that ends with the event.
"""

from typing import ClassVar

from msgspec import Struct

from arclog.events.channels import ANONYMOUS
from arclog.events.messages import SYSTEM, MessagePosted, Notice
from arclog.events.rule_numbers import FIRST_RULES, WORK_RULES


class TasksOpened(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Several tasks were opened at once, by a message each; the last of them has the event's own id.

    Each message means what it would mean alone; the ids of those before the last are the numbers before the event's.
    """

    type: ClassVar[str] = "tasks.opened"
    rules: ClassVar[int] = WORK_RULES

    opened_by: str
    messages: tuple[MessagePosted, ...]

    @property
    def actor(self) -> str:
        return self.opened_by

    def stream(self, event_id: int) -> str:
        return f"task/{event_id}"


class TaskCompleted(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A task, of the thread `thread_id`, is done.

    `rolled_up_task_id` is the parent that this completed too, with the notice that says so. `again` says that the task
    itself was done before, and only its parent is done by this. `answer` is what counts for a question that
    nobody answered in time.
    """

    type: ClassVar[str] = "task.completed"

    task_id: int
    thread_id: str | None = None
    completed_by: str | None = None
    rolled_up_task_id: int | None = None
    notice: Notice | None = None
    occurred_at: int | None = None
    again: bool = False
    freed_token: int | None = None
    answer: str | None = None

    @property
    def actor(self) -> str:
        return self.completed_by or ANONYMOUS

    @property
    def rules(self) -> int:
        """The number of the rules that a hub must know to go on from here."""
        return FIRST_RULES if self.freed_token is None and self.answer is None else WORK_RULES

    def stream(self, event_id: int) -> str:
        return f"task/{self.task_id}"


class TaskFailed(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A task cannot be done: its holder says so, or it was given up after too many attempts.

    Without `failed_by` it was the hub. The notice tells those who opened the task and its parent.
    """

    type: ClassVar[str] = "task.failed"
    rules: ClassVar[int] = WORK_RULES

    task_id: int
    thread_id: str | None = None
    failed_by: str | None = None
    reason: str = ""
    notice: Notice | None = None
    freed_token: int | None = None

    @property
    def actor(self) -> str:
        return self.failed_by or SYSTEM

    def stream(self, event_id: int) -> str:
        return f"task/{self.task_id}"


class TaskCancelled(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A task is not to be done any more. The notice tells its holder, and those whose tasks depend on it."""

    type: ClassVar[str] = "task.cancelled"
    rules: ClassVar[int] = WORK_RULES

    task_id: int
    thread_id: str | None = None
    cancelled_by: str | None = None
    reason: str = ""
    notice: Notice | None = None
    freed_token: int | None = None

    @property
    def actor(self) -> str:
        return self.cancelled_by or ANONYMOUS

    def stream(self, event_id: int) -> str:
        return f"task/{self.task_id}"


class TaskReopened(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A task that was over is to be done after all; its attempts are counted from zero."""

    type: ClassVar[str] = "task.reopened"
    rules: ClassVar[int] = WORK_RULES

    task_id: int
    thread_id: str | None = None
    reopened_by: str | None = None
    reason: str = ""

    @property
    def actor(self) -> str:
        return self.reopened_by or ANONYMOUS

    def stream(self, event_id: int) -> str:
        return f"task/{self.task_id}"


class TaskAssigned(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Only `assignee` is to do a task from now on; without one, anybody."""

    type: ClassVar[str] = "task.assigned"
    rules: ClassVar[int] = WORK_RULES

    task_id: int
    assigned_by: str | None = None
    assignee: str | None = None

    @property
    def actor(self) -> str:
        return self.assigned_by or ANONYMOUS

    def stream(self, event_id: int) -> str:
        return f"task/{self.task_id}"


class TaskLapsed(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The lease under which an agent did a task lapsed, and counts as an attempt."""

    type: ClassVar[str] = "task.lapsed"
    rules: ClassVar[int] = WORK_RULES

    task_id: int
    agent_id: str
    freed_token: int
    attempt: int

    @property
    def actor(self) -> str:
        return SYSTEM

    def stream(self, event_id: int) -> str:
        return f"task/{self.task_id}"
