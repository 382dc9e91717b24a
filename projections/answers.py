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
    HubStarted,
    HubStopped,
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
from projections.encoding import encode_json
from projections.intervals import AsOf


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
            found = channels.find_channel(connection, data.name, at)
            assert found is not None
            return Outcome(encode_json(found[1]), event_id, created=True)
        case ClaimAcquired() | ClaimRefreshed() | ClaimReleased() | ClaimRefused():
            claim = claims.find_claim(connection, data.claim_key, at)
            return Outcome(encode_json(claim), event_id, acquired=_acquired(data))
        case LockAcquired() | LockRefreshed() | LockReleased() | LockRefused():
            lock = locks.find_lock(connection, data.file_path, at)
            return Outcome(encode_json(lock), event_id, acquired=_acquired(data))
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
        case AgentSeen() | SessionExpired() | HubStarted() | HubStopped() | ShutdownFired():
            return Outcome(b"null", event_id)
        case _:
            assert_never(data)


def _acquired(
    data: ClaimAcquired
    | ClaimRefreshed
    | ClaimReleased
    | ClaimRefused
    | LockAcquired
    | LockRefreshed
    | LockReleased
    | LockRefused,
) -> bool | None:
    if isinstance(data, ClaimReleased | LockReleased):
        return None
    return not isinstance(data, ClaimRefused | LockRefused)
