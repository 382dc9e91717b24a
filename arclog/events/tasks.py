"""Work that is handed out. A task is opened by the message that describes it (`message.posted`)."""

from typing import ClassVar

from msgspec import Struct

from arclog.events.channels import ANONYMOUS
from arclog.events.messages import Notice


class TaskCompleted(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A task, of the thread `thread_id`, is done.

    `rolled_up_task_id` is the parent that this completed too, with the notice that says so. `again` says that the task
    itself was done before, and only its parent is done by this.
    """

    type: ClassVar[str] = "task.completed"

    task_id: int
    thread_id: str | None = None
    completed_by: str | None = None
    rolled_up_task_id: int | None = None
    notice: Notice | None = None
    occurred_at: int | None = None
    again: bool = False

    @property
    def actor(self) -> str:
        return self.completed_by or ANONYMOUS

    def stream(self, event_id: int) -> str:
        return f"task/{self.task_id}"
