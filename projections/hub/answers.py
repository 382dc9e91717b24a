"""Answers: what a caller is told about an event, now or when it asks again under the same key.

An answer is a function of the event and of the tables as of that event, so a retry is told what the first call was
told, for as long as the log lives.
"""

from arclog.codec import RecordedEvent
from arclog.deciders.hub import HubState
from arclog.events import (
    AgentDark,
    AgentSeen,
    ChannelCreated,
    ClaimAcquired,
    CursorsMoved,
    FileRead,
    FileWritten,
    HubStarted,
    HubStopped,
    HubVouched,
    InboxAcknowledged,
    LogAnchored,
    MessagePosted,
    NetworkChanged,
    PayloadErased,
    RulesRaised,
    SessionClosed,
    SessionExpired,
    SessionOpened,
    SessionRenamed,
    ShutdownCancelled,
    ShutdownFired,
    ShutdownInitiated,
    TablesRepaired,
    TokenIssued,
    TokenRevoked,
    TurnEnded,
    WakeAcknowledged,
    WakeFailed,
    WakeRequested,
    WakeSeen,
    WakeSent,
)
from arclog.sqlite.snapshot import Snapshot
from projections import channels, message_pages, sessions, tokens, wakes
from projections.encoding import encode_json
from projections.erasing import Erased
from projections.hub.lease_answers import LEASE_ANSWERS, CurrentRows, PastRows, answer_lease
from projections.hub.outcomes import Outcome
from projections.hub.task_answers import TaskEvent, answer_picked, answer_task
from projections.intervals import AsOf

Untold = (
    AgentDark
    | AgentSeen
    | CursorsMoved
    | FileRead
    | FileWritten
    | HubStarted
    | HubStopped
    | HubVouched
    | LogAnchored
    | RulesRaised
    | SessionExpired
    | ShutdownFired
    | TablesRepaired
    | TurnEnded
    | WakeSeen
)
"""What no caller asks for, or is to be told of beyond its event."""


def answer(snapshot: Snapshot, event: RecordedEvent, hub: HubState) -> Outcome:
    """What the caller whose command became `event` is told."""
    event_id, data = event.event_id, event.data
    at = AsOf(event_id, event.recorded_at)
    match data:
        case MessagePosted():
            return Outcome(snapshot.read(message_pages.get_json, event_id), event_id, created=True)
        case SessionOpened() | SessionRenamed():
            session = snapshot.read(sessions.find_session, data.agent_id, at)
            return Outcome(encode_json(session), event_id, created=isinstance(data, SessionOpened))
        case SessionClosed():
            return Outcome(encode_json({"session_id": data.session_id, "deleted": True}), event_id)
        case ChannelCreated():
            channel = snapshot.read(channels.find_channel, data.name, at)
            return Outcome(encode_json(channel), event_id, created=True)
        case InboxAcknowledged():
            return Outcome(encode_json({"acknowledged": data.message_ids}), event_id)
        case TokenIssued() | TokenRevoked():
            return Outcome(encode_json(snapshot.read(tokens.find_token, data.token_id, at)), event_id, created=True)
        case WakeRequested() | WakeSent() | WakeFailed() | WakeAcknowledged():
            is_new = isinstance(data, WakeRequested)
            wake_id = event_id if isinstance(data, WakeRequested) else data.wake_id
            return Outcome(encode_json(snapshot.read(wakes.find_wake, wake_id, at)), event_id, created=is_new)
        case ShutdownInitiated() | ShutdownCancelled() | NetworkChanged() | PayloadErased():
            return _answer_of_hub(event_id, data, hub)
        case _ if isinstance(data, Untold):
            return Outcome(b"null", event_id)
        case _ if isinstance(data, TaskEvent):
            return answer_task(snapshot, event_id, data, at)
        case ClaimAcquired(pick=str()):
            return answer_picked(snapshot, event_id, data, at)
        case _:
            return answer_lease(PastRows(snapshot, at), event_id, data)


def _answer_of_hub(
    event_id: int, data: ShutdownInitiated | ShutdownCancelled | NetworkChanged | PayloadErased, hub: HubState
) -> Outcome:
    if isinstance(data, ShutdownInitiated):
        delay = round(data.delay_sec)
        said = encode_json({"status": "shutdown_initiated", "remaining_sec": delay, "delay_sec": delay})
    elif isinstance(data, ShutdownCancelled):
        said = encode_json({"status": "shutdown_cancelled"})
    elif isinstance(data, PayloadErased):
        ids = tuple(one.event_id for one in data.events)
        return Outcome(encode_json(Erased(event_id, ids, data.erased_by, data.reason)), event_id, created=True)
    else:
        said = encode_json({"allow_remote": data.allow_remote, "listen_host": hub.listen_host})
    return Outcome(said, event_id)


def answer_now(rows: CurrentRows, snapshot: Snapshot, event: RecordedEvent, hub: HubState) -> Outcome:
    """The same for the log's last event, whose leases its writer remembers, so that they need not be read again."""
    data = event.data
    tell = LEASE_ANSWERS.get(type(data))
    if tell is not None and (type(data) is not ClaimAcquired or data.pick is None):
        return tell(rows, event.event_id, data)
    return answer(snapshot, event, hub)
