"""The shell around the rules of tasks: what each rule needs to know is read inside the transaction.

Messages open and complete tasks too: see `projections.hub.message_handlers`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from arclog.deciders import picking as picking_rules
from arclog.deciders import questions as question_rules
from arclog.deciders import task_batches as batch_rules
from arclog.deciders import tasks as task_rules
from arclog.deciders.claims import HandOverClaim
from arclog.deciders.families import SEPARATOR
from arclog.events.channels import ANONYMOUS
from arclog.events.claims import claim_key_of
from arclog.events.messages import HUMAN
from arclog.sqlite.reads import read_head, row_id
from projections import claims, readiness, tasks
from projections.encoding import encode_json
from projections.hub import lease_handlers
from projections.hub.context import Context
from projections.hub.message_handlers import provenance_of
from projections.hub.outcomes import Decision, Outcome
from projections.intervals import AsOf

TaskCommand = (
    task_rules.CompleteTask
    | task_rules.FailTask
    | task_rules.CancelTask
    | task_rules.ReopenTask
    | task_rules.AssignTask
    | task_rules.HandOverTask
    | batch_rules.OpenTasks
    | picking_rules.TakeNextTask
    | question_rules.AnswerQuestion
)


def _complete(context: Context, command: task_rules.CompleteTask, at: AsOf) -> Decision:
    snapshot = context.snapshot
    task = _let_use(context, snapshot.read(tasks.find_known, row_id(command.task_id), at), command.agent_id)
    ended_under = None
    if task is not None and task.state == "done" and command.fencing_token is not None:
        ended_at = snapshot.read(tasks.find_end, task.task_id, at)
        ended_under = snapshot.read(claims.find_token_at, task.task_id, ended_at, at)
    state = task_rules.Completing(task, ended_under=ended_under)
    if task is not None and task.parent_task_id is not None:
        state = replace(
            state,
            parent=snapshot.read(tasks.find_known, task.parent_task_id, at),
            has_open_sibling=snapshot.read(tasks.has_hindering_sibling, task.parent_task_id, task.task_id),
            child_count=snapshot.read(tasks.count_children, task.parent_task_id),
        )
    return task_rules.decide_complete(state, command, at.now) or _as_it_is(context, command.task_id, at)


def _let_use(context: Context, task: task_rules.KnownTask | None, agent_id: str | None) -> task_rules.KnownTask | None:
    """A task with the sub-agent of its lease's holder, where that asks: it may use what its parent holds."""
    asker = (agent_id or "").strip()
    if task is None or SEPARATOR not in asker:
        return task
    parent = context.leases.standing.families.parent_of(asker)
    return task if parent is None or parent != task.claimed_by else replace(task, used_by=asker)


def read_failing(context: Context, task_id: int, at: AsOf) -> task_rules.Failing:
    """What the rules need to know when a task fails or is cancelled."""
    snapshot = context.snapshot
    task = snapshot.read(tasks.find_known, row_id(task_id), at)
    if task is None:
        return task_rules.Failing(None)
    parent = None if task.parent_task_id is None else snapshot.read(tasks.find_known, task.parent_task_id, at)
    return task_rules.Failing(task, parent, snapshot.read(readiness.openers_that_wait, task.task_id, at))


def _fail(context: Context, command: task_rules.FailTask, at: AsOf) -> Decision:
    state = read_failing(context, command.task_id, at)
    state = replace(state, task=_let_use(context, state.task, command.agent_id))
    return task_rules.decide_fail(state, command, at.now) or _as_it_is(context, command.task_id, at)


def _cancel(context: Context, command: task_rules.CancelTask, at: AsOf) -> Decision:
    state = read_failing(context, command.task_id, at)
    return task_rules.decide_cancel(state, command, at.now) or _as_it_is(context, command.task_id, at)


def _reopen(context: Context, command: task_rules.ReopenTask, at: AsOf) -> Decision:
    task = context.snapshot.read(tasks.find_known, row_id(command.task_id), at)
    return task_rules.decide_reopen(task, command, at.now) or _as_it_is(context, command.task_id, at)


def _assign(context: Context, command: task_rules.AssignTask, at: AsOf) -> Decision:
    task = context.snapshot.read(tasks.find_known, row_id(command.task_id), at)
    return task_rules.decide_assign(task, command, at.now) or _as_it_is(context, command.task_id, at)


def _hand_over(context: Context, command: task_rules.HandOverTask, at: AsOf) -> Decision:
    task = context.snapshot.read(tasks.find_known, row_id(command.task_id), at)
    task_rules.check_handover(task, command)
    grant = () if task is None or task.token is None else context.leases.standing.grant_of(task.token)
    key = next((one.key for one in grant), claim_key_of(command.task_id))
    claim = HandOverClaim(
        claim_key=key,
        agent_id=command.agent_id,
        to_agent_id=command.to_agent_id,
        fencing_token=command.fencing_token,
    )
    return lease_handlers.HANDLERS[HandOverClaim](context, claim, at)


def _open_all(context: Context, command: batch_rules.OpenTasks, at: AsOf) -> Decision:
    batch_rules.check_size(command)
    snapshot = context.snapshot
    known = frozenset(one for one in command.named if snapshot.read(tasks.find_row, row_id(one), at) is not None)
    parents = {task.parent for task in command.tasks if isinstance(task.parent, int)}
    outside: dict[int, tuple[int, ...]] = {}
    todo = [*known] if parents else []  # without a part of something older, nothing older can wait for the new ones
    while todo:
        task_id = todo.pop()
        if task_id not in outside:
            outside[task_id] = tuple(snapshot.read(readiness.waits_for, task_id, at))
            todo += outside[task_id]
    state = batch_rules.Opening(
        first_id=snapshot.read(read_head).event_id + 1,
        known=known,
        outside=outside,
        channel_exists=context.has_channel(command.room, at),
        limits=context.limits,
    )
    return batch_rules.decide_open(state, command, at.now)


def _answer(context: Context, command: question_rules.AnswerQuestion, at: AsOf) -> Decision:
    task = context.snapshot.read(tasks.find_known, row_id(command.question_id), at)
    agent_id = HUMAN if context.sender == ANONYMOUS else context.sender
    state = question_rules.Answering(agent_id, task, provenance_of(context, agent_id), context.limits)
    return question_rules.decide_answer(state, command, at.now)


def _take_next(context: Context, command: picking_rules.TakeNextTask, at: AsOf) -> Decision:
    worker = context.snapshot.read(readiness.read_worker, command, at)
    found = context.snapshot.read(readiness.find_next, worker, at, command.thread_id)
    return picking_rules.decide_next(found, command, at.now) or Outcome(b"null", acquired=False)


def _as_it_is(context: Context, task_id: int, at: AsOf) -> Outcome:
    """The answer where things are so already."""
    found = context.snapshot.read(tasks.find_task, row_id(task_id), at)
    return Outcome(encode_json(found), event_id=context.snapshot.read(tasks.find_completion, row_id(task_id)))


HANDLERS: Final[Mapping[type, Callable[[Context, Any, AsOf], Decision]]] = {
    task_rules.CompleteTask: _complete,
    task_rules.FailTask: _fail,
    task_rules.CancelTask: _cancel,
    task_rules.ReopenTask: _reopen,
    task_rules.AssignTask: _assign,
    task_rules.HandOverTask: _hand_over,
    batch_rules.OpenTasks: _open_all,
    picking_rules.TakeNextTask: _take_next,
    question_rules.AnswerQuestion: _answer,
}
