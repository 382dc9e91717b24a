"""Answers: what a caller is told about an event, now or when it asks again under the same key.

An answer is a function of the event and of the tables as of that event, so a retry is told what the first call was
told, for as long as the log lives.
"""

from typing import assert_never

import apsw
from msgspec import Struct

from arclog.codec import RecordedEvent
from arclog.deciders.hub import HubState
from arclog.events import (
    AgentSeen,
    ChannelCreated,
    ClaimAcquired,
    ClaimRefreshed,
    ClaimRefused,
    ClaimReleased,
    Event,
    HubStarted,
    HubStopped,
    HubVouched,
    LockAcquired,
    LockRefreshed,
    LockRefused,
    LockReleased,
    MessagePosted,
    NetworkChanged,
    SessionClosed,
    SessionExpired,
    SessionOpened,
    SessionRenamed,
    ShutdownCancelled,
    ShutdownFired,
    ShutdownInitiated,
    TaskCompleted,
)
from projections import channels, claims, locks, messages, sessions, tasks
from projections.claims import Claim
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.locks import Lock
from projections.projector import Writer


class Outcome(Struct, frozen=True):
    """What an accepted command led to.

    Attributes:
        result: the `result` of the answer, as JSON.
        event_id: the event that was appended, or the one that had made things so already; None when there is none.
        created: whether something came into being.
        acquired: for claims and locks that are asked for, whether the asker has it.
        parent_completed: whether the last child that was completed completed its parent.
    """

    result: bytes
    event_id: int | None = None
    created: bool = False
    acquired: bool | None = None
    parent_completed: bool = False


def answer(connection: apsw.Connection, event: RecordedEvent, hub: HubState) -> Outcome:
    """What the caller whose command became `event` is told."""
    event_id, data = event.event_id, event.data
    at = AsOf(event_id, event.recorded_at)
    match data:
        case MessagePosted():
            return Outcome(messages.get_json(connection, event_id), event_id, created=True)
        case SessionOpened() | SessionRenamed():
            session = sessions.find_session(connection, data.agent_id, at)
            return Outcome(encode_json(session), event_id, created=isinstance(data, SessionOpened))
        case SessionClosed():
            return Outcome(encode_json({"session_id": data.session_id, "deleted": True}), event_id)
        case ChannelCreated():
            channel = channels.find_channel(connection, data.name, at)
            return Outcome(encode_json(channel), event_id, created=True)
        case ClaimAcquired() | ClaimRefreshed() | ClaimReleased() | ClaimRefused():
            return _of_lease(event_id, data, claims.find_claim(connection, data.claim_key, at))
        case LockAcquired() | LockRefreshed() | LockReleased() | LockRefused():
            return _of_lease(event_id, data, locks.find_lock(connection, data.file_path, at))
        case TaskCompleted():
            task = tasks.find_task(connection, data.task_id, at)
            return Outcome(encode_json(task), event_id, parent_completed=data.rolled_up_task_id is not None)
        case ShutdownInitiated():
            delay = round(data.delay_sec)
            result = {"status": "shutdown_initiated", "remaining_sec": delay, "delay_sec": delay}
            return Outcome(encode_json(result), event_id)
        case ShutdownCancelled():
            return Outcome(encode_json({"status": "shutdown_cancelled"}), event_id)
        case NetworkChanged():
            result_of_change = {"allow_remote": data.allow_remote, "listen_host": hub.listen_host}
            return Outcome(encode_json(result_of_change), event_id)
        case AgentSeen() | SessionExpired() | HubVouched() | HubStarted() | HubStopped() | ShutdownFired():
            return Outcome(b"null", event_id)
        case _:
            assert_never(data)


def answer_now(writer: Writer, connection: apsw.Connection, event: RecordedEvent, hub: HubState) -> Outcome:
    """The same for the log's last event, from what its writer remembers, so that leases need not be read again."""
    match event.data:
        case ClaimAcquired() | ClaimRefreshed() | ClaimReleased() | ClaimRefused() as data:
            return _of_lease(event.event_id, data, claims.find_current(writer, data.claim_key))
        case LockAcquired() | LockRefreshed() | LockReleased() | LockRefused() as data:
            return _of_lease(event.event_id, data, locks.find_current(writer, data.file_path))
        case _:
            return answer(connection, event, hub)


def _of_lease(event_id: int, data: Event, lease: Claim | Lock | None) -> Outcome:
    """The lease as the event left it, and for a call that asked for it, whether the asker has it."""
    acquired = None
    if not isinstance(data, ClaimReleased | LockReleased):
        acquired = not isinstance(data, ClaimRefused | LockRefused)
    return Outcome(encode_json(lease), event_id, acquired=acquired)
