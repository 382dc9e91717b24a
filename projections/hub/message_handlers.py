"""The shell around the rules of messages, which open and complete tasks too: what is known of those is read."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from arclog.deciders import messages as message_rules
from arclog.deciders import receipts as receipt_rules
from arclog.deciders.task_terms import check_dependencies, check_order, is_human
from arclog.events.messages import Provenance
from arclog.sqlite.reads import read_head, row_id
from projections import readiness, receipts, tasks
from projections.encoding import encode_json
from projections.hub.context import Context
from projections.hub.outcomes import Decision, Outcome
from projections.intervals import AsOf

MessageCommand = message_rules.PostMessage | receipt_rules.AcknowledgeMessages


def _post_message(context: Context, command: message_rules.PostMessage, at: AsOf) -> Decision:
    parent, reply_to, snapshot = command.parent_task_id, command.reply_to, context.snapshot
    asked = command.for_task_id
    state = message_rules.Posting(
        channel_exists=command.recipient is not None or context.has_channel(command.room, at),
        parent_exists=parent is None or snapshot.read(tasks.find_known, row_id(parent), at) is not None,
        open_request=None
        if reply_to is None or command.kind.strip().lower() != "task_result"
        else snapshot.read(tasks.find_open_request, row_id(reply_to), at),
        limits=context.limits,
        dependencies=_known_dependencies(context, command, at) if command.depends_on else (),
        waiting_task=None if asked is None else snapshot.read(tasks.find_known, row_id(asked), at),
        provenance=provenance_of(context, command.from_agent),
    )
    return message_rules.decide_post(state, command, at.now)


def _acknowledge(context: Context, command: receipt_rules.AcknowledgeMessages, at: AsOf) -> Decision:
    found = (context.snapshot.read(receipts.find_asked, row_id(one), at) for one in receipt_rules.wanted_ids(command))
    known = {one.message_id: one for one in found if one is not None}
    acknowledged = receipt_rules.decide_acknowledge(known, command, at.now)
    return acknowledged or Outcome(encode_json({"acknowledged": []}))


def provenance_of(context: Context, agent_id: str) -> Provenance | None:
    """Whether a person says it: proved by an operator's token, or, while nobody holds one, by their word alone."""
    if context.principal is not None and context.principal.operator:
        return "human"
    return "unverified-human" if is_human(agent_id.strip()) and not context.holders.has_operators else None


def _known_dependencies(context: Context, command: message_rules.PostMessage, at: AsOf) -> tuple[int, ...]:
    """Those of the tasks that a new one depends on that there are; none of them may wait for the new one."""
    check_dependencies(command.depends_on or ())
    snapshot = context.snapshot
    known = tuple(one for one in command.depends_on or () if snapshot.read(tasks.find_row, row_id(one), at) is not None)
    parent = (
        None if command.parent_task_id is None else snapshot.read(tasks.find_row, row_id(command.parent_task_id), at)
    )
    if parent is not None and command.opens_task:
        new = snapshot.read(read_head).event_id + 1
        above = [parent.task_id, *(one.task_id for one in snapshot.read(readiness.ancestors, parent, at))]

        def waits_for(task_id: int) -> list[int]:
            return list(known) if task_id == new else snapshot.read(readiness.waits_for, task_id, at)

        check_order(new, waits_for, [new, *above])
    return known


HANDLERS: Final[Mapping[type, Callable[[Context, Any, AsOf], Decision]]] = {
    message_rules.PostMessage: _post_message,
    receipt_rules.AcknowledgeMessages: _acknowledge,
}
