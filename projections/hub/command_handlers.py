"""The shell around the rules: loads what a decider needs to know, inside the transaction, and lets it decide.

One function a command; each gives the event that happens, or the outcome where things are so already.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import uuid4

import apsw
from msgspec.structs import replace

from arclog.deciders import channels as channel_rules
from arclog.deciders import claims as claim_rules
from arclog.deciders import hub as hub_rules
from arclog.deciders import locks as lock_rules
from arclog.deciders import messages as message_rules
from arclog.deciders import sessions as session_rules
from arclog.deciders import tasks as task_rules
from arclog.deciders.fields import Limits
from arclog.deciders.hub import HubState
from arclog.events import Event, NetworkChanged, ShutdownCancelled, ShutdownFired, ShutdownInitiated
from projections import channels, claims, locks, sessions, tasks
from projections.encoding import encode_json
from projections.hub.answers import Outcome
from projections.intervals import AsOf
from projections.projector import Writer

Command = (
    session_rules.OpenSession
    | session_rules.RenameSession
    | session_rules.CloseSession
    | channel_rules.CreateChannel
    | message_rules.PostMessage
    | claim_rules.AcquireClaim
    | claim_rules.RefreshClaim
    | claim_rules.ReleaseClaim
    | lock_rules.AcquireLock
    | lock_rules.RefreshLock
    | lock_rules.ReleaseLock
    | task_rules.CompleteTask
    | hub_rules.StartHub
    | hub_rules.StopHub
    | hub_rules.InitiateShutdown
    | hub_rules.CancelShutdown
    | hub_rules.FireShutdown
    | hub_rules.ChangeNetwork
)


class Context:
    """What the rules are judged against, apart from the tables.

    Attributes:
        connection: the recorder's connection, in a transaction.
        writer: where that connection's rows go, and who remembers the present ones.
        limits: how much one message may hold.
        hub: what the hub knows of itself.
        known_channels: channels that are known to exist; channels are never removed, so this is never outdated.
        settle_agent: ends an agent's session if that is over though not ended yet, and frees what it held; whether it
            did.
    """

    def __init__(self, connection: apsw.Connection, writer: Writer, limits: Limits, hub: HubState) -> None:
        self.connection = connection
        self.writer = writer
        self.limits = limits
        self.hub = hub
        self.known_channels: set[str] = set()
        self.settle_agent: Callable[[str], bool] = _nobody_is_over

    def has_channel(self, name: str, at: AsOf) -> bool:
        """Whether there is a channel of that name."""
        if name in self.known_channels:
            return True
        if channels.find_channel(self.connection, name, at) is None:
            return False
        self.known_channels.add(name)
        return True

    def learn(self, event: Event) -> None:
        """Keep what an event changes in what this hub knows of itself."""
        match event:
            case ShutdownInitiated():
                self.hub = replace(self.hub, shutdown_pending=True)
            case ShutdownCancelled() | ShutdownFired():
                self.hub = replace(self.hub, shutdown_pending=False)
            case NetworkChanged(allow_remote=allow_remote):
                self.hub = replace(self.hub, allow_remote=allow_remote)


def _nobody_is_over(_agent_id: str) -> bool:
    return False


Decision = Event | Outcome


def _open_session(context: Context, command: session_rules.OpenSession, at: AsOf) -> Decision:
    live = sessions.find_live(context.connection, command.agent_id.strip(), at)
    return session_rules.decide_open(session_rules.Opening(live, str(uuid4())), command, at.now)


def _rename_session(context: Context, command: session_rules.RenameSession, at: AsOf) -> Decision:
    live = sessions.find_live(context.connection, command.agent_id.strip(), at)
    return session_rules.decide_rename(live, command, at.now)


def _close_session(context: Context, command: session_rules.CloseSession, at: AsOf) -> Decision:
    live = sessions.find_live_by_id(context.connection, command.session_id)
    return session_rules.decide_close(live, command, at.now)


def _create_channel(context: Context, command: channel_rules.CreateChannel, at: AsOf) -> Decision:
    name = command.name.strip()
    found = channels.find_channel(context.connection, name, at)
    created = channel_rules.decide_create(found is not None, command, at.now)
    if created is not None:
        return created
    return Outcome(encode_json(found), event_id=channels.find_creation(context.connection, name))


def _post_message(context: Context, command: message_rules.PostMessage, at: AsOf) -> Decision:
    parent, reply_to = command.parent_task_id, command.reply_to
    connection = context.connection
    state = message_rules.Posting(
        channel_exists=command.recipient is not None or context.has_channel(command.room, at),
        parent_exists=parent is None or tasks.find_known(connection, _integer(parent), at) is not None,
        open_request=None
        if reply_to is None or command.kind.strip().lower() != "task_result"
        else tasks.find_open_request(connection, _integer(reply_to), at),
        limits=context.limits,
    )
    return message_rules.decide_post(state, command, at.now)


def _acquire_claim(context: Context, command: claim_rules.AcquireClaim, at: AsOf) -> Decision:
    held = claims.find_held(context.writer, command.key)
    if held is not None and context.settle_agent(held.owner_agent_id):
        held = claims.find_held(context.writer, command.key)
    asker = command.owner_agent_id.strip()
    refusal = None
    if held is not None and held.owner_agent_id != asker and held.is_active(at.now):
        refusal = claims.find_refusal(context.connection, held.fencing_token, asker)
    decision = claim_rules.decide_acquire(claim_rules.Acquiring(held, refusal is not None), command, at.now)
    if decision is not None:
        return decision
    holder = claims.find_current(context.writer, command.key)
    return Outcome(encode_json(holder), event_id=refusal, acquired=False)


def _refresh_claim(context: Context, command: claim_rules.RefreshClaim, at: AsOf) -> Decision:
    held = claims.find_held(context.writer, command.claim_key.strip())
    return claim_rules.decide_refresh(held, command, at.now)


def _release_claim(context: Context, command: claim_rules.ReleaseClaim, at: AsOf) -> Decision:
    held = claims.find_held(context.writer, command.claim_key.strip())
    return claim_rules.decide_release(held, command, at.now)


def _acquire_lock(context: Context, command: lock_rules.AcquireLock, at: AsOf) -> Decision:
    path = command.file_path.strip()
    held = locks.find_held(context.writer, path)
    if held is not None and context.settle_agent(held.agent_id):
        held = locks.find_held(context.writer, path)
    asker = command.agent_id.strip()
    refusal = None
    if held is not None and held.agent_id != asker and held.is_active(at.now):
        refusal = locks.find_refusal(context.connection, held.fencing_token, asker)
    decision = lock_rules.decide_acquire(lock_rules.Acquiring(held, refusal is not None), command, at.now)
    if decision is not None:
        return decision
    return Outcome(encode_json(locks.find_current(context.writer, path)), event_id=refusal, acquired=False)


def _refresh_lock(context: Context, command: lock_rules.RefreshLock, at: AsOf) -> Decision:
    held = locks.find_held(context.writer, command.file_path.strip())
    return lock_rules.decide_refresh(held, command, at.now)


def _release_lock(context: Context, command: lock_rules.ReleaseLock, at: AsOf) -> Decision:
    held = locks.find_held(context.writer, command.file_path.strip())
    return lock_rules.decide_release(held, command, at.now)


def _complete_task(context: Context, command: task_rules.CompleteTask, at: AsOf) -> Decision:
    connection = context.connection
    task = tasks.find_known(connection, _integer(command.task_id), at)
    state = task_rules.Completing(task)
    if task is not None and task.parent_task_id is not None:
        state = task_rules.Completing(
            task,
            parent=tasks.find_known(connection, task.parent_task_id, at),
            has_open_sibling=tasks.has_open_sibling(connection, task.parent_task_id, task.task_id),
            child_count=tasks.count_children(connection, task.parent_task_id),
        )
    decision = task_rules.decide_complete(state, command, at.now)
    if decision is not None:
        return decision
    done = tasks.find_task(connection, command.task_id, at)
    return Outcome(encode_json(done), event_id=tasks.find_completion(connection, command.task_id))


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


def _integer(value: int) -> int:
    """An id that SQLite can look up; what does not fit into 64 bits is no id of ours."""
    return value if 0 <= value < 2**63 else 0


_HANDLERS: Final[Mapping[type[Command], Callable[[Context, Any, AsOf], Decision]]] = {
    session_rules.OpenSession: _open_session,
    session_rules.RenameSession: _rename_session,
    session_rules.CloseSession: _close_session,
    channel_rules.CreateChannel: _create_channel,
    message_rules.PostMessage: _post_message,
    claim_rules.AcquireClaim: _acquire_claim,
    claim_rules.RefreshClaim: _refresh_claim,
    claim_rules.ReleaseClaim: _release_claim,
    lock_rules.AcquireLock: _acquire_lock,
    lock_rules.RefreshLock: _refresh_lock,
    lock_rules.ReleaseLock: _release_lock,
    task_rules.CompleteTask: _complete_task,
    hub_rules.StartHub: _start_hub,
    hub_rules.StopHub: _stop_hub,
    hub_rules.InitiateShutdown: _initiate_shutdown,
    hub_rules.CancelShutdown: _cancel_shutdown,
    hub_rules.FireShutdown: _fire_shutdown,
    hub_rules.ChangeNetwork: _change_network,
}


def handle(context: Context, command: Command, at: AsOf) -> Decision:
    """Decide a command against the log's head.

    Args:
        context: what to handle against.
        command: the request.
        at: the present, from `intervals.live`.

    Returns:
        The event to append, or the outcome when there is nothing to append.

    Raises:
        ArcError: the rules refuse it.
    """
    return _HANDLERS[type(command)](context, command, at)
