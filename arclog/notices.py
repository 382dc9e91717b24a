"""Notices: the messages that the hub itself posts with an event, and the ids that they take."""

from collections.abc import Mapping
from typing import Final

from arclog.events import (
    ClaimReleased,
    Event,
    LockReleased,
    Notice,
    SessionExpired,
    ShutdownCancelled,
    ShutdownFired,
    ShutdownInitiated,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TasksOpened,
)

_ONE_NOTICE: Final = (
    ClaimReleased,
    LockReleased,
    TaskCompleted,
    TaskFailed,
    TaskCancelled,
    ShutdownInitiated,
    ShutdownCancelled,
    ShutdownFired,
)
NOTICE_FIELD: Final[Mapping[type[Event], str]] = {SessionExpired: "notices", **dict.fromkeys(_ONE_NOTICE, "notice")}
"""Events with which the hub itself may say something, and the field in which it does; mostly it says nothing."""
CARRIERS: Final[frozenset[type[Event]]] = frozenset(NOTICE_FIELD)


def notices_of(event: Event) -> tuple[Notice, ...]:
    """The notices that an event carries."""
    field = NOTICE_FIELD.get(type(event))
    if field is None:
        return ()
    found: tuple[Notice, ...] | Notice | None = getattr(event, field)
    if isinstance(found, tuple):
        return found
    return () if found is None else (found,)


def count_ids(event: Event) -> int:
    """How many ids an event takes.

    Each message that it posts has one, and the event itself has the last of them. So an event that posts one, as
    nearly all do that post anything, takes one.
    """
    match event:
        case SessionExpired():
            return max(1, len(event.notices))
        case TasksOpened():
            return len(event.messages)
        case _:
            return 1


TAKING_SEVERAL: Final[frozenset[type[Event]]] = frozenset((SessionExpired, TasksOpened))
"""The events that may take several ids."""
