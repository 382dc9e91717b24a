"""Notices: the messages that the hub itself posts with an event, and the ids that they take."""

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


def notices_of(event: Event) -> tuple[Notice, ...]:
    """The notices that an event carries."""
    match event:
        case SessionExpired():
            return event.notices
        case (
            ClaimReleased()
            | LockReleased()
            | TaskCompleted()
            | TaskFailed()
            | TaskCancelled()
            | ShutdownInitiated()
            | ShutdownCancelled()
            | ShutdownFired()
        ):
            return () if event.notice is None else (event.notice,)
        case _:
            return ()


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
