"""Streams: the entities that an event concerns. Most concern one; what concerns several is found from each of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from arclog.events import (
    ClaimAcquired,
    Event,
    FileRead,
    FileWritten,
    HubVouched,
    LockAcquired,
    LockHandedOver,
    LockLeft,
    LockQueued,
    LockRefreshed,
    LockRefused,
    LockReleased,
    MessagePosted,
    SessionExpired,
    TaskCompleted,
    TasksOpened,
    TurnEnded,
)
from arclog.events.files import OnFiles
from arclog.events.locks import OnPaths
from arclog.events.messages import TASK_KINDS


def streams_beside(event_id: int, event: Event) -> Sequence[str]:
    """The streams of the entities that an event concerns, but for the one in which it is recorded.

    Args:
        event_id: the event.
        event: what happened.
    """
    find = _BESIDE.get(type(event))
    return () if find is None else find(event_id, event)


def _of_message(_event_id: int, event: MessagePosted) -> Sequence[str]:
    if event.kind not in TASK_KINDS and event.completes_task_id is None:  # as nearly all messages
        return ()
    waiting = None if event.task is None else event.task.for_task_id
    return (_heard_in(event), *(() if waiting is None else (f"task/{waiting}",)))


def _of_expiry(_event_id: int, event: SessionExpired) -> Sequence[str]:
    claims = tuple(f"claim/{claim.claim_key}" for claim in event.claims)
    return claims + tuple(f"lock/{lock.file_path}" for lock in event.locks)


def _of_turn(_event_id: int, event: TurnEnded) -> Sequence[str]:
    return tuple(f"lock/{lock.file_path}" for lock in event.locks)


def _of_files(_event_id: int, event: OnFiles) -> Sequence[str]:
    return tuple(f"file/{key}" for key in event.keys[1:])


def _of_lock(_event_id: int, event: OnPaths) -> Sequence[str]:
    return tuple(f"lock/{key}" for key in event.keys[1:]) if event.others else ()


def _of_refusal(_event_id: int, event: LockRefused) -> Sequence[str]:
    return () if event.held is None else (f"lock/{event.key or event.file_path}",)


def _of_completion(_event_id: int, event: TaskCompleted) -> Sequence[str]:
    return () if event.rolled_up_task_id is None else (f"task/{event.rolled_up_task_id}",)


def _of_claim(_event_id: int, event: ClaimAcquired) -> Sequence[str]:
    return () if event.pick is None or event.task_message_id is None else (f"task/{event.task_message_id}",)


def _of_tasks(event_id: int, event: TasksOpened) -> Sequence[str]:
    first = event_id - len(event.messages) + 1
    tasks = tuple(f"task/{task_id}" for task_id in range(first, event_id))
    return tasks + tuple(dict.fromkeys(_heard_in(message) for message in event.messages))


def _of_vouching(_event_id: int, event: HubVouched) -> Sequence[str]:
    return tuple(f"session/{agent_id}" for agent_id in (*event.taken_up, *event.given_up))


def _heard_in(message: MessagePosted) -> str:
    return f"channel/{message.channel}" if message.to_agent is None else f"inbox/{message.to_agent}"


_BESIDE: Final[Mapping[type[Event], Callable[[int, Any], Sequence[str]]]] = {
    ClaimAcquired: _of_claim,
    FileRead: _of_files,
    FileWritten: _of_files,
    HubVouched: _of_vouching,
    LockAcquired: _of_lock,
    LockHandedOver: _of_lock,
    LockLeft: _of_lock,
    LockQueued: _of_lock,
    LockRefreshed: _of_lock,
    LockRefused: _of_refusal,
    LockReleased: _of_lock,
    MessagePosted: _of_message,
    SessionExpired: _of_expiry,
    TaskCompleted: _of_completion,
    TasksOpened: _of_tasks,
    TurnEnded: _of_turn,
}

CONCERNING_SEVERAL: Final = tuple(_BESIDE)
"""The events that may concern several entities."""
