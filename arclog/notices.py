"""Notices: the messages that the hub itself posts with an event, and the ids that they take."""

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
CARRIERS: Final[frozenset[type[Event]]] = frozenset((SessionExpired, *_ONE_NOTICE))
"""Events with which the hub itself may say something."""


def notices_of(event: Event) -> tuple[Notice, ...]:
    """The notices that an event carries."""
    if type(event) not in CARRIERS:  # as nearly always; a look at each class in turn would cost as much as the rest
        return ()
    if isinstance(event, SessionExpired):
        return event.notices
    assert isinstance(event, _ONE_NOTICE)
    return () if event.notice is None else (event.notice,)


def has_notice(event: Event) -> bool:
    """Whether an event carries a notice; of those with which the hub may say something, few do."""
    return bool(notices_of(event))


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
