"""What a caller is told about an event of a task: the task as the event left it."""

from msgspec import Struct

from arclog.events import (
    ClaimAcquired,
    TaskAssigned,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskLapsed,
    TaskReopened,
    TasksOpened,
)
from arclog.sqlite.snapshot import Snapshot
from projections import tasks
from projections.encoding import encode_json
from projections.hub.outcomes import Outcome
from projections.intervals import AsOf
from projections.tasks import Task

TaskEvent = TaskAssigned | TaskCancelled | TaskCompleted | TaskFailed | TaskLapsed | TaskReopened | TasksOpened


class Picked(Struct, frozen=True):
    """A task that the hub gave to who asked for the next one.

    Attributes:
        task: the task; its `fencing_token` is that of the lease.
        why: why this one.
    """

    task: Task
    why: str


def answer_task(snapshot: Snapshot, event_id: int, data: TaskEvent, at: AsOf) -> Outcome:
    """What the caller whose command became an event is told."""
    if isinstance(data, TasksOpened):
        first = event_id - len(data.messages) + 1
        opened = [snapshot.read(tasks.find_task, task_id, at) for task_id in range(first, event_id + 1)]
        return Outcome(encode_json(opened), event_id, created=True)
    rolled_up = isinstance(data, TaskCompleted) and data.rolled_up_task_id is not None
    return Outcome(encode_json(snapshot.read(tasks.find_task, data.task_id, at)), event_id, parent_completed=rolled_up)


def answer_picked(snapshot: Snapshot, event_id: int, data: ClaimAcquired, at: AsOf) -> Outcome:
    """What the caller is told that asked for the next task, and got one."""
    task = snapshot.read(tasks.find_task, data.task_message_id or 0, at)
    assert task is not None  # its lease names it
    if data.pick == "waited":
        why = "it has been ready for two days or more"
    else:
        why = f"it is the oldest of priority {task.priority} that is ready for {data.owner_agent_id}"
    return Outcome(encode_json(Picked(task, why)), event_id, acquired=True)
