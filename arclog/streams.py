"""Streams: the entities that an event concerns. Most concern one; what concerns several is found from each of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from arclog.events import (
    ClaimAcquired,
    ClaimHandedOver,
    ClaimReleased,
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
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskLapsed,
    TasksOpened,
    TurnEnded,
)
from arclog.events.claims import claim_key_of, task_of_key
from arclog.events.files import OnFiles
from arclog.events.locks import OnPaths
from arclog.events.messages import is_of_task


def streams_beside(event_id: int, event: Event) -> Sequence[str]:
    """The streams of the entities that an event concerns, but for the one in which it is recorded.

    Args:
        event_id: the event.
        event: what happened.
    """
    find = _BESIDE.get(type(event))
    return () if find is None else find(event_id, event)


def _of_message(_event_id: int, event: MessagePosted) -> Sequence[str]:
    if not is_of_task(event):
        return ()
    waiting = None if event.task is None else event.task.for_task_id
    return (_heard_in(event), *(() if waiting is None else (f"task/{waiting}",)), *_lease_on(event.freed_task_id))


def _of_expiry(_event_id: int, event: SessionExpired) -> Sequence[str]:
    claims = tuple(f"claim/{claim.claim_key}" for claim in event.claims)
    tasks = tuple(stream for claim in event.claims for stream in _task_of(claim.claim_key))
    return claims + tasks + tuple(f"lock/{lock.file_path}" for lock in event.locks)


def _of_turn(_event_id: int, event: TurnEnded) -> Sequence[str]:
    return tuple(f"lock/{lock.file_path}" for lock in event.locks)


def _of_files(_event_id: int, event: OnFiles) -> Sequence[str]:
    return tuple(f"file/{key}" for key in event.keys[1:])


def _of_lock(_event_id: int, event: OnPaths) -> Sequence[str]:
    return tuple(f"lock/{key}" for key in event.keys[1:]) if event.others else ()


def _of_refusal(_event_id: int, event: LockRefused) -> Sequence[str]:
    return () if event.held is None else (f"lock/{event.key or event.file_path}",)


def _of_completion(_event_id: int, event: TaskCompleted) -> Sequence[str]:
    parent = () if event.rolled_up_task_id is None else (f"task/{event.rolled_up_task_id}",)
    return (*parent, *_of_end(_event_id, event))


def _of_end(_event_id: int, event: TaskCompleted | TaskFailed | TaskCancelled | TaskLapsed) -> Sequence[str]:
    return () if event.freed_token is None else _lease_on(event.task_id)


def _of_grant(_event_id: int, event: ClaimAcquired) -> Sequence[str]:
    own = _task_of(event.claim_key)
    return own if own or event.task_message_id is None else (f"task/{event.task_message_id}",)


def _of_claim(_event_id: int, event: ClaimReleased | ClaimHandedOver) -> Sequence[str]:
    return _task_of(event.claim_key)


def _of_tasks(event_id: int, event: TasksOpened) -> Sequence[str]:
    first = event_id - len(event.messages) + 1
    tasks = tuple(f"task/{task_id}" for task_id in range(first, event_id))
    return tasks + tuple(dict.fromkeys(_heard_in(message) for message in event.messages))


def _of_vouching(_event_id: int, event: HubVouched) -> Sequence[str]:
    return tuple(f"session/{agent_id}" for agent_id in (*event.taken_up, *event.given_up))


def _task_of(claim_key: str) -> Sequence[str]:
    """The task that a claim is the lease on, if it is one's own."""
    task_id = task_of_key(claim_key)
    return () if task_id is None else (f"task/{task_id}",)


def _lease_on(task_id: int | None) -> Sequence[str]:
    return () if task_id is None else (f"claim/{claim_key_of(task_id)}",)


def _heard_in(message: MessagePosted) -> str:
    return f"channel/{message.channel}" if message.to_agent is None else f"inbox/{message.to_agent}"


_BESIDE: Final[Mapping[type[Event], Callable[[int, Any], Sequence[str]]]] = {
    ClaimAcquired: _of_grant,
    ClaimHandedOver: _of_claim,
    ClaimReleased: _of_claim,
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
    TaskCancelled: _of_end,
    TaskCompleted: _of_completion,
    TaskFailed: _of_end,
    TaskLapsed: _of_end,
    TasksOpened: _of_tasks,
    TurnEnded: _of_turn,
}

CONCERNING_SEVERAL: Final = tuple(_BESIDE)
"""The events that may concern several entities."""
