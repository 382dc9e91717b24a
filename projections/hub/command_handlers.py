"""The shell around the rules: loads what a decider needs to know, inside the transaction, and lets it decide.

One function a command; each gives the event that happens, or the outcome where things are so already.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import uuid4

from arclog.deciders import channels as channel_rules
from arclog.deciders import cursors as cursor_rules
from arclog.deciders import fields
from arclog.deciders import files as file_rules
from arclog.deciders import hub as hub_rules
from arclog.deciders import log as log_rules
from arclog.deciders import sessions as session_rules
from arclog.deciders import tokens as token_rules
from arclog.deciders.families import SEPARATOR
from arclog.erasure import is_erased
from arclog.errors import NotFound
from arclog.events import TasksOpened
from arclog.sqlite.reads import row_id
from projections import channels, sessions, tokens
from projections.encoding import encode_json
from projections.erasing import Erased, find_whole, list_earlier_erasures
from projections.hub import file_handlers, lease_handlers, message_handlers, task_handlers, wake_handlers
from projections.hub.context import Context
from projections.hub.lease_handlers import LeaseCommand
from projections.hub.message_handlers import MessageCommand
from projections.hub.outcomes import Decision, Outcome
from projections.hub.task_handlers import TaskCommand
from projections.hub.wake_handlers import WakeCommand
from projections.intervals import AsOf

Command = (
    session_rules.OpenSession
    | session_rules.RenameSession
    | session_rules.CloseSession
    | channel_rules.CreateChannel
    | MessageCommand
    | LeaseCommand
    | TaskCommand
    | file_rules.TouchFiles
    | file_rules.EndTurn
    | cursor_rules.MoveCursors
    | hub_rules.StartHub
    | hub_rules.StopHub
    | hub_rules.InitiateShutdown
    | hub_rules.CancelShutdown
    | hub_rules.FireShutdown
    | hub_rules.ChangeNetwork
    | token_rules.IssueToken
    | token_rules.RevokeToken
    | WakeCommand
    | log_rules.EraseTexts
)


def _open_session(context: Context, command: session_rules.OpenSession, at: AsOf) -> Decision:
    agent_id = command.agent_id.strip()
    live = context.snapshot.read(sessions.find_live, agent_id, at)
    state = session_rules.Opening(live, str(uuid4()))
    if command.parent is not None or SEPARATOR in agent_id:
        standing = context.leases.standing
        known = standing.families.parent_of(agent_id)
        parent = fields.optional_agent("parent", command.parent) or known
        if parent is not None:
            state = session_rules.Opening(
                live,
                state.new_session_id,
                parent,
                parent_is_live=context.snapshot.read(sessions.find_live, parent, at) is not None,
                grandparent=standing.families.parent_of(parent),
                has_sub_agents=standing.families.has_sub_agents(agent_id),
                is_busy=known is None and standing.has_anything(agent_id, at.now),
            )
    return session_rules.decide_open(state, command, at.now)


def _rename_session(context: Context, command: session_rules.RenameSession, at: AsOf) -> Decision:
    live = context.snapshot.read(sessions.find_live, command.agent_id.strip(), at)
    return session_rules.decide_rename(live, command, at.now)


def _close_session(context: Context, command: session_rules.CloseSession, at: AsOf) -> Decision:
    live = context.snapshot.read(sessions.find_live_by_id, command.session_id)
    return session_rules.decide_close(live, command, at.now)


def _create_channel(context: Context, command: channel_rules.CreateChannel, at: AsOf) -> Decision:
    name = command.name.strip()
    found = context.snapshot.read(channels.find_channel, name, at)
    created = channel_rules.decide_create(found is not None, command, at.now)
    if created is not None:
        return created
    return Outcome(encode_json(found), event_id=context.snapshot.read(channels.find_creation, name))


def _move_cursors(context: Context, command: cursor_rules.MoveCursors, at: AsOf) -> Decision:
    return cursor_rules.decide_move(context.hub.hub_id, command, at.now)


def _issue_token(context: Context, command: token_rules.IssueToken, at: AsOf) -> Decision:
    token_id = command.token_sha256.lower()[: token_rules.ID_CHARS]
    known = context.snapshot.read(tokens.find_known, token_id, at)
    issued = token_rules.decide_issue(known, command, context.sender, at.now)
    return issued or Outcome(encode_json(context.snapshot.read(tokens.find_token, token_id, at)))


def _revoke_token(context: Context, command: token_rules.RevokeToken, at: AsOf) -> Decision:
    known = context.snapshot.read(tokens.find_known, command.token_id, at)
    revoked = token_rules.decide_revoke(known, command, context.sender, at.now)
    return revoked or Outcome(encode_json(context.snapshot.read(tokens.find_token, command.token_id, at)))


def _erase_texts(context: Context, command: log_rules.EraseTexts, at: AsOf) -> Decision:
    found = []
    log_rules.check_ids(command)
    for wanted in command.ids:
        whole = context.snapshot.read(find_whole, row_id(wanted))
        if whole is None:
            raise NotFound("event", wanted)
        found.append(log_rules.Erasable(wanted, *whole))
    earlier: tuple[log_rules.EarlierErasure, ...] = ()
    if any(isinstance(one.event, TasksOpened) and is_erased(one.stored) for one in found):
        earlier = context.snapshot.read(list_earlier_erasures, frozenset(one.event_id for one in found))
    erased = log_rules.decide_erase(tuple(found), command, context.sender, at.now, earlier)
    return erased or Outcome(encode_json(Erased(None, tuple(sorted(command.ids)), context.sender, command.reason)))


def _start_hub(context: Context, command: hub_rules.StartHub, at: AsOf) -> Decision:
    return hub_rules.decide_start(context.hub, command, at.now)


def _stop_hub(context: Context, command: hub_rules.StopHub, at: AsOf) -> Decision:
    return hub_rules.decide_stop(context.hub, command, at.now)


def _initiate_shutdown(context: Context, command: hub_rules.InitiateShutdown, at: AsOf) -> Decision:
    return hub_rules.decide_initiate(context.hub, command, at.now)


def _cancel_shutdown(context: Context, command: hub_rules.CancelShutdown, at: AsOf) -> Decision:
    return hub_rules.decide_cancel(context.hub, command, at.now)


def _fire_shutdown(context: Context, command: hub_rules.FireShutdown, at: AsOf) -> Decision:
    return hub_rules.decide_fire(context.hub, command, at.now) or Outcome(b"null")


def _change_network(context: Context, command: hub_rules.ChangeNetwork, at: AsOf) -> Decision:
    changed = hub_rules.decide_network(context.hub, command, at.now)
    if changed is not None:
        return changed
    return Outcome(encode_json({"allow_remote": context.hub.allow_remote, "listen_host": context.hub.listen_host}))


HANDLERS: Final[Mapping[type, Callable[[Context, Any, AsOf], Decision]]] = {
    session_rules.OpenSession: _open_session,
    session_rules.RenameSession: _rename_session,
    session_rules.CloseSession: _close_session,
    channel_rules.CreateChannel: _create_channel,
    **message_handlers.HANDLERS,
    **lease_handlers.HANDLERS,
    **task_handlers.HANDLERS,
    **file_handlers.HANDLERS,
    **wake_handlers.HANDLERS,
    cursor_rules.MoveCursors: _move_cursors,
    hub_rules.StartHub: _start_hub,
    hub_rules.StopHub: _stop_hub,
    hub_rules.InitiateShutdown: _initiate_shutdown,
    hub_rules.CancelShutdown: _cancel_shutdown,
    hub_rules.FireShutdown: _fire_shutdown,
    hub_rules.ChangeNetwork: _change_network,
    token_rules.IssueToken: _issue_token,
    token_rules.RevokeToken: _revoke_token,
    log_rules.EraseTexts: _erase_texts,
}
"""What decides each command against the log's head.

It is given the context, the command, and the present, from `intervals.live`. It gives the event to append, or the
outcome when there is nothing to append; it raises `ArcError` when the rules refuse it.
"""
