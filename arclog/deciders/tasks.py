"""Tasks: open until somebody completes them, they fail, or they are cancelled; and all of that can be taken back.

The last child to be done completes its parent, if none has failed.
"""

from typing import ClassVar, Literal

from msgspec import Struct

from arclog.deciders import fields
from arclog.deciders.secrets import mask
from arclog.errors import Forbidden, NotFound, NotReady, StaleToken
from arclog.events import Notice, TaskAssigned, TaskCancelled, TaskCompleted, TaskFailed, TaskReopened

TaskStatus = Literal["open", "done"]
"""Whether a task is over, in the words of the first protocol."""
TaskState = Literal["open", "done", "failed", "cancelled"]
MAX_REASON_CHARS = 4_000


class CompleteTask(Struct, frozen=True, kw_only=True):
    """Say that a task is done."""

    sender_field: ClassVar[str | None] = "agent_id"

    task_id: int
    agent_id: str | None = None
    fencing_token: int | None = None


class FailTask(Struct, frozen=True, kw_only=True):
    """Say that a task cannot be done."""

    sender_field: ClassVar[str | None] = "agent_id"

    task_id: int
    agent_id: str
    reason: str = ""
    fencing_token: int | None = None


class CancelTask(Struct, frozen=True, kw_only=True):
    """Say that a task is not to be done any more."""

    sender_field: ClassVar[str | None] = "agent_id"

    task_id: int
    agent_id: str | None = None
    reason: str = ""


class ReopenTask(Struct, frozen=True, kw_only=True):
    """Say that a task that is over is to be done after all."""

    sender_field: ClassVar[str | None] = "agent_id"

    task_id: int
    agent_id: str | None = None
    reason: str = ""


class AssignTask(Struct, frozen=True, kw_only=True):
    """Say who is to do a task; without an assignee, anybody."""

    sender_field: ClassVar[str | None] = "agent_id"

    task_id: int
    agent_id: str | None = None
    assignee: str | None = None


class HandOverTask(Struct, frozen=True, kw_only=True):
    """Give a task that one has to another agent, with no moment in between at which it is free."""

    sender_field: ClassVar[str | None] = "agent_id"

    task_id: int
    agent_id: str
    to_agent_id: str
    fencing_token: int | None = None


class KnownTask(Struct, frozen=True):
    """A task as the rules see it.

    Attributes:
        task_id: its id.
        state: how it stands, no matter who has claimed it.
        channel: where it was opened.
        thread_id: the thread that it belongs to.
        parent_task_id: the task that it is part of.
        title: the first line of its message.
        opener: who opened it.
        assignee: who is to do it; None for anybody.
        claimed_by: who has its lease, be it lapsed or not; None for nobody.
        claimed_until: when that lapses, in microseconds.
        token: that lease's fencing token.
        is_counted: whether the hub picked the task for its holder; such a lease ends with the task.
        attempts: how many such leases have lapsed.
        is_question: whether it asks a person.
        used_by: the sub-agent of the lease's holder that asks, and may use it.
    """

    task_id: int
    state: TaskState
    channel: str
    thread_id: str | None = None
    parent_task_id: int | None = None
    title: str = ""
    opener: str = ""
    assignee: str | None = None
    claimed_by: str | None = None
    claimed_until: int = 0
    token: int | None = None
    is_counted: bool = False
    attempts: int = 0
    is_question: bool = False
    used_by: str | None = None

    @property
    def freed_token(self) -> int | None:
        """The lease that ends when the task is over."""
        return self.token if self.is_counted and self.claimed_by is not None else None


class Completing(Struct, frozen=True):
    """What is known when a task is completed.

    Attributes:
        task: the task itself, None when there is none of that id.
        parent: its parent.
        has_open_sibling: whether another child of the parent is still open, or has failed.
        child_count: how many children the parent has.
        ended_under: the lease that the task, if it is done, was under when it ended; None for none.
    """

    task: KnownTask | None
    parent: KnownTask | None = None
    has_open_sibling: bool = False
    child_count: int = 0
    ended_under: int | None = None


class Failing(Struct, frozen=True):
    """What is known when a task fails, or is cancelled.

    Attributes:
        task: the task itself, None when there is none of that id.
        parent: its parent.
        waiting_openers: who opened the tasks that depend on it, without those of the task and its parent.
    """

    task: KnownTask | None
    parent: KnownTask | None = None
    waiting_openers: tuple[str, ...] = ()


def decide_complete(state: Completing, command: CompleteTask, now: int) -> TaskCompleted | None:
    """Complete a task, and its parent when no open child is left (one level); None when all of that was so already."""
    completed_by = fields.optional_agent("agent_id", command.agent_id)
    task = _get(state.task, command.task_id)
    again = task.state == "done"
    if again:
        _check_end(task, command.fencing_token, state.ended_under)
    else:
        if task.state != "open":
            raise NotReady(f"task {task.task_id} is {task.state}; reopen it first, if it is to be done after all")
        _refuse_question(task)
        _check_token(task, command.fencing_token, command.agent_id, now)
    freed = None if again else task.freed_token
    parent = state.parent
    if parent is None or parent.state != "open" or state.has_open_sibling:
        if again:
            return None
        return TaskCompleted(
            task_id=task.task_id, thread_id=task.thread_id, completed_by=completed_by, freed_token=freed
        )
    return TaskCompleted(
        task_id=task.task_id,
        thread_id=task.thread_id,
        completed_by=completed_by,
        freed_token=freed,
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


def decide_fail(state: Failing, command: FailTask, now: int) -> TaskFailed | None:
    """Record that a task cannot be done; None when that is known already."""
    failed_by = fields.agent("agent_id", command.agent_id)
    reason = fields.text("reason", command.reason, MAX_REASON_CHARS)
    task = _get(state.task, command.task_id)
    if task.state == "failed":
        return None
    if task.state != "open":
        raise NotReady(f"task {task.task_id} is {task.state}, so it cannot fail any more")
    _refuse_question(task)
    _check_token(task, command.fencing_token, failed_by, now)
    return _failed(state, task, failed_by, reason)


def decide_give_up(state: Failing, now: int) -> TaskFailed:
    """Give up a task that was tried as often as it may be."""
    assert state.task is not None
    return _failed(state, state.task, None, f"it was tried {state.task.attempts} times, and nobody finished it")


def decide_cancel(state: Failing, command: CancelTask, now: int) -> TaskCancelled | None:
    """Record that a task is not to be done any more; None when that is known already."""
    cancelled_by = fields.optional_agent("agent_id", command.agent_id)
    reason = fields.text("reason", command.reason, MAX_REASON_CHARS)
    task = _get(state.task, command.task_id)
    if task.state == "cancelled":
        return None
    if task.state == "done":
        raise NotReady(f"task {task.task_id} is done already, so there is nothing to cancel")
    told = _named(state, task, cancelled_by)
    holder = task.claimed_by if task.claimed_by is not None and task.claimed_until >= now else None
    if holder not in {None, cancelled_by}:
        told = [*told, str(holder)]
    return TaskCancelled(
        task_id=task.task_id,
        thread_id=task.thread_id if task.state == "open" else None,  # its thread counts it as ended already
        cancelled_by=cancelled_by,
        reason=reason,
        freed_token=task.freed_token,
        notice=_notice(task, f"was cancelled{_by(cancelled_by)}", reason, told, "cancelled") if told else None,
    )


def decide_reopen(task: KnownTask | None, command: ReopenTask, now: int) -> TaskReopened | None:
    """Record that a task is to be done after all; None when it is open."""
    reopened_by = fields.optional_agent("agent_id", command.agent_id)
    reason = fields.text("reason", command.reason, MAX_REASON_CHARS)
    task = _get(task, command.task_id)
    if task.state == "open":
        return None
    return TaskReopened(task_id=task.task_id, thread_id=task.thread_id, reopened_by=reopened_by, reason=reason)


def decide_assign(task: KnownTask | None, command: AssignTask, now: int) -> TaskAssigned | None:
    """Record who is to do a task; None when that is known already."""
    assigned_by = fields.optional_agent("agent_id", command.agent_id)
    assignee = fields.optional_agent("assignee", command.assignee)
    task = _get(task, command.task_id)
    if task.state != "open":
        raise NotReady(f"task {task.task_id} is {task.state}; reopen it first, if it is to be done after all")
    if task.assignee == assignee:
        return None
    return TaskAssigned(task_id=task.task_id, assigned_by=assigned_by, assignee=assignee)


def check_handover(task: KnownTask | None, command: HandOverTask) -> None:
    """Let a task be handed over whose lease somebody has; whether it is the giver's, is judged with the lease."""
    task = _get(task, command.task_id)
    if task.state != "open":
        raise NotReady(f"task {task.task_id} is {task.state}, so there is nothing to hand over")
    if task.token is None:
        raise NotReady(f"nobody has task {task.task_id}; assign it to {command.to_agent_id.strip()} instead")


def _get(task: KnownTask | None, task_id: int) -> KnownTask:
    if task is None:
        raise NotFound("task", task_id)
    return task


def _refuse_question(task: KnownTask) -> None:
    """What a person was asked is answered, or cancelled; nobody completes or fails it."""
    if task.is_question:
        raise Forbidden(f"task {task.task_id} asks a person, who alone can answer it", advice="answer_question")


def _check_token(task: KnownTask, token: int | None, agent_id: str | None, now: int) -> None:
    """A token is believed only while it is that of the present lease."""
    if token is None:
        return
    if task.claimed_by is None or task.claimed_until < now or task.token != token:
        holder = "nobody holds" if task.claimed_by is None else f"{task.claimed_by} holds"
        under = "" if task.claimed_by is None else f" under {task.token}"
        raise StaleToken("task", token, f"{holder} task {task.task_id}{under}")
    if agent_id is not None and agent_id.strip() not in {task.claimed_by, task.used_by}:
        raise StaleToken("task", token, f"task {task.task_id} is held by {task.claimed_by}, not by {agent_id}")


def _check_end(task: KnownTask, token: int | None, ended_under: int | None) -> None:
    """Whoever lost its lease did not do what another has done since: it must not take that for its own work."""
    if token is not None and token != ended_under:
        lease = "without a lease" if ended_under is None else f"under {ended_under}"
        raise StaleToken("task", token, f"task {task.task_id} is done already, {lease}")


def _failed(state: Failing, task: KnownTask, failed_by: str | None, reason: str) -> TaskFailed:
    told = _named(state, task, failed_by)
    return TaskFailed(
        task_id=task.task_id,
        thread_id=task.thread_id,
        failed_by=failed_by,
        reason=reason,
        freed_token=task.freed_token,
        notice=_notice(task, f"failed, says {failed_by}" if failed_by else "failed", reason, told, "failed"),
    )


def _named(state: Failing, task: KnownTask, besides: str | None) -> list[str]:
    """Who is told, each once: who opened the task, its parent, and what depends on it."""
    openers = [task.opener, *([] if state.parent is None else [state.parent.opener]), *state.waiting_openers]
    return [one for one in dict.fromkeys(openers) if one and one != besides]


def _by(agent_id: str | None) -> str:
    return "" if agent_id is None else f" by {agent_id}" if agent_id else ""


def _notice(task: KnownTask, what: str, reason: str, told: list[str], key: str) -> Notice:
    said = f": {mask(reason)}" if reason else ""
    names = f" (for {', '.join(told)})" if told else ""
    return Notice(
        body=f"Task {task.task_id} {what}{said}{names}" if said or names else f"Task {task.task_id} {what}.",
        channel=task.channel,
        thread_id=task.thread_id,
        reply_to=task.task_id,
        metadata={f"task_{key}": task.task_id, "concerns": told},
    )
