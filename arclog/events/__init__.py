"""Event types: the facts that the log keeps, one frozen Struct for each.

An event's type (`lock.acquired`) and its field names are a storage format: fields may be added with a default, nothing
is ever renamed or removed; a change of shape is an upcaster (`arclog.upcasters`). Every event class answers two
questions about itself: `stream(event_id)`, the entity whose life it belongs to, and `actor`, the agent that did it.

What was brought in from elsewhere is recorded later than it happened: `occurred_at`, in microseconds since 1970, then
says when that was. Nothing is judged by it; it is only shown.

One module a noun; `leases` has what claims and locks share, `processes` and `rules` what several need; `rule_numbers`
says which of the log's rules an event needs.

Events refer to no other events, so Python need not look for cycles among them (`gc=False`): a rebuild, which makes a
million of them, is a quarter faster.
"""

from typing import Final, get_args

from arclog.events.channels import ChannelCreated
from arclog.events.claims import (
    ClaimAcquired,
    ClaimHandedOver,
    ClaimLeft,
    ClaimQueued,
    ClaimRefreshed,
    ClaimRefused,
    ClaimReleased,
)
from arclog.events.files import FileRead, FileWritten
from arclog.events.hub import (
    CursorPosition,
    CursorsMoved,
    HubStarted,
    HubStopped,
    HubVouched,
    NetworkChanged,
    ShutdownCancelled,
    ShutdownFired,
    ShutdownInitiated,
)
from arclog.events.inbox import InboxAcknowledged
from arclog.events.locks import (
    LockAcquired,
    LockHandedOver,
    LockLeft,
    LockQueued,
    LockRefreshed,
    LockRefused,
    LockReleased,
)
from arclog.events.log import ErasedEvent, LogAnchored, PayloadErased, TablesRepaired
from arclog.events.messages import (
    DIRECT_CHANNEL,
    GENERAL_CHANNEL,
    SYSTEM,
    Attachment,
    Handling,
    JsonObject,
    MessagePosted,
    Notice,
    TaskTerms,
)
from arclog.events.rules import RulesRaised
from arclog.events.sessions import (
    AgentSeen,
    FreedClaim,
    FreedLock,
    SessionClosed,
    SessionExpired,
    SessionOpened,
    SessionRenamed,
    TurnEnded,
)
from arclog.events.tasks import (
    TaskAssigned,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskLapsed,
    TaskReopened,
    TasksOpened,
)
from arclog.events.tokens import TokenIssued, TokenRevoked
from arclog.events.wakes import AgentDark, WakeAcknowledged, WakeFailed, WakeRequested, WakeSeen, WakeSent

Event = (
    SessionOpened
    | SessionRenamed
    | SessionClosed
    | SessionExpired
    | AgentSeen
    | TurnEnded
    | ChannelCreated
    | MessagePosted
    | ClaimAcquired
    | ClaimRefreshed
    | ClaimReleased
    | ClaimRefused
    | ClaimQueued
    | ClaimLeft
    | ClaimHandedOver
    | LockAcquired
    | LockRefreshed
    | LockReleased
    | LockRefused
    | LockQueued
    | LockLeft
    | LockHandedOver
    | TaskCompleted
    | TasksOpened
    | TaskFailed
    | TaskCancelled
    | TaskReopened
    | TaskAssigned
    | TaskLapsed
    | InboxAcknowledged
    | CursorsMoved
    | HubStarted
    | HubStopped
    | HubVouched
    | ShutdownInitiated
    | ShutdownCancelled
    | ShutdownFired
    | NetworkChanged
    | RulesRaised
    | FileWritten
    | FileRead
    | TokenIssued
    | TokenRevoked
    | WakeRequested
    | WakeSent
    | WakeFailed
    | WakeSeen
    | WakeAcknowledged
    | AgentDark
    | PayloadErased
    | TablesRepaired
    | LogAnchored
)

EVENT_CLASSES: Final[tuple[type[Event], ...]] = get_args(Event)
EVENT_TYPES: Final[tuple[str, ...]] = tuple(cls.type for cls in EVENT_CLASSES)

__all__ = [
    "DIRECT_CHANNEL",
    "EVENT_CLASSES",
    "EVENT_TYPES",
    "GENERAL_CHANNEL",
    "SYSTEM",
    "AgentDark",
    "AgentSeen",
    "Attachment",
    "ChannelCreated",
    "ClaimAcquired",
    "ClaimHandedOver",
    "ClaimLeft",
    "ClaimQueued",
    "ClaimRefreshed",
    "ClaimRefused",
    "ClaimReleased",
    "CursorPosition",
    "CursorsMoved",
    "ErasedEvent",
    "Event",
    "FileRead",
    "FileWritten",
    "FreedClaim",
    "FreedLock",
    "Handling",
    "HubStarted",
    "HubStopped",
    "HubVouched",
    "InboxAcknowledged",
    "JsonObject",
    "LockAcquired",
    "LockHandedOver",
    "LockLeft",
    "LockQueued",
    "LockRefreshed",
    "LockRefused",
    "LockReleased",
    "LogAnchored",
    "MessagePosted",
    "NetworkChanged",
    "Notice",
    "PayloadErased",
    "RulesRaised",
    "SessionClosed",
    "SessionExpired",
    "SessionOpened",
    "SessionRenamed",
    "ShutdownCancelled",
    "ShutdownFired",
    "ShutdownInitiated",
    "TablesRepaired",
    "TaskAssigned",
    "TaskCancelled",
    "TaskCompleted",
    "TaskFailed",
    "TaskLapsed",
    "TaskReopened",
    "TaskTerms",
    "TasksOpened",
    "TokenIssued",
    "TokenRevoked",
    "TurnEnded",
    "WakeAcknowledged",
    "WakeFailed",
    "WakeRequested",
    "WakeSeen",
    "WakeSent",
]
