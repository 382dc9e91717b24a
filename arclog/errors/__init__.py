"""Everything that can go wrong in the log's own terms.

An error is a value: a stable `code`, a message that a person can act on, and typed fields. Which HTTP status a code has
is the business of `api.http.errors` alone.

    arc_error   `ArcError`, which all of them are, and what can be done about one
    refusals    what a call got wrong
    faults      what the machine got wrong
"""

from arclog.errors.arc_error import Advice, ArcError
from arclog.errors.faults import (
    CopyAlone,
    CutOff,
    FarFromHead,
    LockLost,
    LogAway,
    LogReplaced,
    NotAnArcStorage,
    OldDatabase,
    OutcomeUnknown,
    StorageBusy,
    StorageDamaged,
    StorageError,
    StorageFull,
    StorageGone,
    UnexpectedFailure,
)
from arclog.errors.refusals import (
    ChangedSince,
    Conflict,
    CursorBeyondHead,
    Deadlock,
    DependencyCycle,
    Forbidden,
    HubStopping,
    InvalidInput,
    KeyReused,
    LooksLikeASecret,
    LoopbackOnly,
    NewerRules,
    NotFound,
    NotReady,
    OutsideRoot,
    SessionCollision,
    StaleToken,
)

__all__ = [
    "Advice",
    "ArcError",
    "ChangedSince",
    "Conflict",
    "CopyAlone",
    "CursorBeyondHead",
    "CutOff",
    "Deadlock",
    "DependencyCycle",
    "FarFromHead",
    "Forbidden",
    "HubStopping",
    "InvalidInput",
    "KeyReused",
    "LockLost",
    "LogAway",
    "LogReplaced",
    "LooksLikeASecret",
    "LoopbackOnly",
    "NewerRules",
    "NotAnArcStorage",
    "NotFound",
    "NotReady",
    "OldDatabase",
    "OutcomeUnknown",
    "OutsideRoot",
    "SessionCollision",
    "StaleToken",
    "StorageBusy",
    "StorageDamaged",
    "StorageError",
    "StorageFull",
    "StorageGone",
    "UnexpectedFailure",
]
