"""Tasks: open until somebody completes them; the last child to be done completes its parent."""

from typing import ClassVar, Literal

from msgspec import Struct

from arclog.deciders import fields
from arclog.errors import NotFound
from arclog.events import Notice, TaskCompleted

TaskStatus = Literal["open", "done"]


class CompleteTask(Struct, frozen=True, kw_only=True):
    """Say that a task is done."""

    sender_field: ClassVar[str | None] = "agent_id"

    task_id: int
    agent_id: str | None = None


class KnownTask(Struct, frozen=True):
    """A task as the rules see it."""

    task_id: int
    status: TaskStatus
    channel: str
    thread_id: str | None = None
    parent_task_id: int | None = None


class Completing(Struct, frozen=True):
    """What is known when a task is completed.

    Attributes:
        task: the task itself, None when there is none of that id.
        parent: its parent.
        has_open_sibling: whether another child of the parent is still open.
        child_count: how many children the parent has.
    """

    task: KnownTask | None
    parent: KnownTask | None = None
    has_open_sibling: bool = False
    child_count: int = 0


def decide_complete(state: Completing, command: CompleteTask, now: int) -> TaskCompleted | None:
    """Complete a task, and its parent when no open child is left (one level); None when all of that was so already."""
    completed_by = fields.optional_agent("agent_id", command.agent_id)
    if state.task is None:
        raise NotFound("task", command.task_id)
    again = state.task.status == "done"
    parent = state.parent
    if parent is None or parent.status == "done" or state.has_open_sibling:
        if again:
            return None
        return TaskCompleted(task_id=state.task.task_id, thread_id=state.task.thread_id, completed_by=completed_by)
    return TaskCompleted(
        task_id=state.task.task_id,
        thread_id=state.task.thread_id,
        completed_by=completed_by,
        rolled_up_task_id=parent.task_id,
        notice=Notice(
            body=f"All {state.child_count} subtasks of task {parent.task_id} are complete.",
            channel=parent.channel,
            thread_id=parent.thread_id,
            reply_to=parent.task_id,
            metadata={"auto_rollup": True, "parent_task_id": parent.task_id},
        ),
        again=again,
    )
