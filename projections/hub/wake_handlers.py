"""The shell around the rules of waking: what is known of an agent and its last wake is looked up."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from arclog.deciders import wakes as wake_rules
from arclog.sqlite.reads import find_last_event_of, row_id
from projections import message_pages, sessions, wakes
from projections.encoding import encode_json
from projections.hub.context import Context
from projections.hub.outcomes import Decision, Outcome
from projections.intervals import AsOf

WakeCommand = wake_rules.RequestWake | wake_rules.ReportWake | wake_rules.SeeWake | wake_rules.AcknowledgeWake


class _To(Struct, frozen=True):
    """Whom a message is to."""

    to_agent: str | None = None


def _request(context: Context, command: wake_rules.RequestWake, at: AsOf) -> Decision:
    agent_id = command.agent_id.strip()
    last = context.snapshot.read(wakes.find_last, agent_id)
    is_known = context.snapshot.read(sessions.find_live, agent_id, at) is not None
    is_known = is_known or context.snapshot.read(find_last_event_of, agent_id) is not None
    state = wake_rules.Waking(last, is_known, _has_message(context, agent_id, command.message_id, at))
    requested = wake_rules.decide_request(state, command, at.now)
    if requested is not None:
        return requested
    assert last is not None  # it is on its way
    return Outcome(encode_json(context.snapshot.read(wakes.find_wake, last.wake_id, at)), last.wake_id)


def _has_message(context: Context, agent_id: str, message_id: int | None, at: AsOf) -> bool:
    json = None if message_id is None else context.snapshot.read(message_pages.find_json, row_id(message_id), at)
    return json is not None and msgspec.json.decode(json, type=_To).to_agent in {None, agent_id}


def _report(context: Context, command: wake_rules.ReportWake, at: AsOf) -> Decision:
    wake = context.snapshot.read(wakes.find_open, row_id(command.wake_id), at)
    return wake_rules.decide_report(wake, command, at.now)


def _see(context: Context, command: wake_rules.SeeWake, at: AsOf) -> Decision:
    last = context.snapshot.read(wakes.find_last, command.agent_id.strip())
    return wake_rules.decide_see(last, command, at.now) or Outcome(b"null")


def _acknowledge(context: Context, command: wake_rules.AcknowledgeWake, at: AsOf) -> Decision:
    wake = context.snapshot.read(wakes.find_open, row_id(command.wake_id), at)
    acknowledged = wake_rules.decide_acknowledge(wake, command, at.now)
    return acknowledged or Outcome(encode_json(context.snapshot.read(wakes.find_wake, command.wake_id, at)))


HANDLERS: Final[Mapping[type, Callable[[Context, Any, AsOf], Decision]]] = {
    wake_rules.RequestWake: _request,
    wake_rules.ReportWake: _report,
    wake_rules.SeeWake: _see,
    wake_rules.AcknowledgeWake: _acknowledge,
}
