"""Entities: the things that events change, and how one of them stood at a moment."""

import re
from typing import Final, Literal

import apsw
from msgspec import Raw, Struct

from arclog.codec import RecordedEvent
from arclog.events import (
    AgentSeen,
    ChannelCreated,
    ClaimAcquired,
    ClaimHandedOver,
    ClaimLeft,
    ClaimQueued,
    ClaimRefreshed,
    ClaimReleased,
    Event,
    LockAcquired,
    LockHandedOver,
    LockLeft,
    LockQueued,
    LockRefreshed,
    LockReleased,
    MessagePosted,
    SessionClosed,
    SessionExpired,
    SessionOpened,
    SessionRenamed,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskReopened,
    TasksOpened,
    TurnEnded,
)
from arclog.notices import notices_of
from projections import channels, claims, locks, message_pages, places, questions, sessions, tasks, threads
from projections.encoding import encode_json
from projections.history.touched_tasks import find_freed_claim, list_tasks_touched
from projections.intervals import AsOf

_NUMBER: Final = re.compile("[0-9]+")

Noun = Literal["session", "channel", "message", "thread", "claim", "lock", "place", "task", "question"]


class Entity(Struct, frozen=True):
    """One thing, such as the lock on a file. `key` is its id in text."""

    noun: Noun
    key: str

    def __str__(self) -> str:
        return f"{self.noun}/{self.key}"


def touched_by(connection: apsw.Connection, event: RecordedEvent, at: AsOf) -> list[Entity]:
    """What an event may have changed, the event's own entity first.

    Args:
        connection: any connection on the storage.
        event: the event.
        at: a moment at or after it, to see which thread a lease belongs to.
    """
    found: list[Entity] = []
    data = event.data
    touched_tasks = [Entity("task", str(task_id)) for task_id in list_tasks_touched(connection, event, at)]
    if event.stream.startswith("task/"):
        found += touched_tasks
    match data:
        case SessionOpened() | SessionRenamed() | SessionClosed() | SessionExpired() | AgentSeen():
            found.append(Entity("session", data.agent_id))
        case ChannelCreated():
            found.append(Entity("channel", data.name))
        case MessagePosted():
            found += _threads(data.thread_id, data.completes_in_thread_id)
        case ClaimAcquired() | ClaimRefreshed() | ClaimReleased() | ClaimHandedOver():
            claim = claims.find_claim(connection, data.claim_key, at)
            found.append(Entity("claim", data.claim_key))
            found += _threads(claim.thread_id if claim else None)
        case LockAcquired() | LockRefreshed() | LockReleased() | LockHandedOver():
            holder = data.to_agent_id if isinstance(data, LockHandedOver) else data.agent_id
            found += [Entity("lock", key) for key in data.keys]
            found += _threads(*(locks.find_thread(connection, key, holder, at) for key in data.keys))
        case LockQueued() | ClaimQueued():
            found.append(Entity("place", str(data.place or event.event_id)))
        case TaskFailed() | TaskCancelled() | TaskReopened() | TaskCompleted():
            found += _threads(data.thread_id)
        case TasksOpened():
            found += _threads(*(message.thread_id for message in data.messages))
        case _:
            pass
    freed = find_freed_claim(event)
    found += [*touched_tasks, *([] if freed is None else [Entity("claim", freed)])]
    found += [Entity("question", task.key) for task in touched_tasks if _is_question(connection, int(task.key), at)]
    found += _freed(data)
    found += [Entity("place", str(place)) for place in _places_ended_by(event)]
    return list(dict.fromkeys(found + _said(event)))


def _is_question(connection: apsw.Connection, task_id: int, at: AsOf) -> bool:
    row = tasks.find_row(connection, task_id, at)
    return row is not None and bool(row.is_question)


def _freed(data: Event) -> list[Entity]:
    """The leases that an event frees beside what it is about."""
    if isinstance(data, SessionExpired):
        claims_of = [Entity("claim", claim.claim_key) for claim in data.claims]
        return claims_of + [Entity("lock", lock.file_path) for lock in data.locks]
    return [Entity("lock", lock.file_path) for lock in data.locks] if isinstance(data, TurnEnded) else []


def _places_ended_by(event: RecordedEvent) -> tuple[int, ...]:
    match event.data:
        case LockAcquired(place=int(place)) | ClaimAcquired(place=int(place)):
            return (place,)
        case LockLeft(place=place) | ClaimLeft(place=place):
            return (place,)
        case LockHandedOver() | ClaimHandedOver():
            return event.data.serves
        case _:
            return ()


def _said(event: RecordedEvent) -> list[Entity]:
    """The messages that an event posts, and the threads of its notices."""
    if isinstance(event.data, MessagePosted):
        return [Entity("message", str(event.event_id))]
    if isinstance(event.data, TasksOpened):
        first = event.event_id - len(event.data.messages) + 1
        return [Entity("message", str(message_id)) for message_id in range(first, event.event_id + 1)]
    found = []
    notices = notices_of(event.data)
    for message_id, notice in enumerate(notices, event.event_id - len(notices) + 1):
        found += [Entity("message", str(message_id)), *_threads(notice.thread_id)]
    return found


def find_entity(connection: apsw.Connection, entity: Entity, at: AsOf) -> Raw | None:
    """How an entity stood at a moment, as it goes over the wire; None when there was no such thing."""
    found: object
    match entity.noun:
        case "session":
            found = sessions.find_session(connection, entity.key, at)
        case "channel":
            found = channels.find_channel(connection, entity.key, at)
        case "message":
            json = message_pages.find_json(connection, int(entity.key), at)
            return None if json is None else Raw(json)
        case "thread":
            found = threads.find_thread(connection, entity.key, at)
        case "claim":
            found = claims.find_claim(connection, entity.key, at)
        case "lock":
            rows = locks.list_of_key(connection, entity.key, at)
            found = rows if len(rows) > 1 else rows[0] if rows else None
        case "place":
            found = places.find_place(connection, int(entity.key), at)
        case "task":
            found = tasks.find_task(connection, int(entity.key), at)
        case "question":
            found = questions.find_question(connection, int(entity.key), at)
    return None if found is None else Raw(encode_json(found))


def _threads(*thread_ids: str | None) -> list[Entity]:
    return [Entity("thread", thread_id) for thread_id in thread_ids if thread_id is not None]


def natural_order(name: str) -> tuple[str, str]:
    """A key to sort names by: by letters, but numbers by their size, so that `task/9` is before `task/10`.

    Names that differ in leading zeros alone are sorted by letters.
    """
    return _NUMBER.sub(_with_length, name), name


def _with_length(number: re.Match[str]) -> str:
    """A number after the number of its digits: then the letters are in the order of the sizes."""
    digits = number[0].lstrip("0")
    return f"{len(digits):06}{digits}"
