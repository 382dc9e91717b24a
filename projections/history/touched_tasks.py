"""Which tasks and leases on tasks an event may have changed: those that it names, and those that wait for them."""

from collections.abc import Iterator

import apsw

from arclog.codec import RecordedEvent
from arclog.events import (
    ClaimAcquired,
    ClaimHandedOver,
    ClaimRefreshed,
    ClaimReleased,
    MessagePosted,
    SessionExpired,
    TaskAssigned,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskLapsed,
    TaskReopened,
    TasksOpened,
)
from arclog.events.claims import claim_key_of, task_of_key
from arclog.events.messages import TASK_KINDS
from projections import claims, tasks
from projections.intervals import AsOf


def list_tasks_touched(connection: apsw.Connection, event: RecordedEvent, at: AsOf) -> list[int]:
    """The tasks that an event may have changed, those first that it names.

    Args:
        connection: any connection on the storage.
        event: the event.
        at: a moment at or after it.
    """
    named = list(dict.fromkeys(_named(connection, event, at)))
    ended = () if isinstance(event.data, TaskAssigned | TaskLapsed) else named
    beside = (other for task_id in ended for other in _beside(connection, task_id, at))
    return list(dict.fromkeys((*named, *(beside if _counts(event) else ()))))


def find_freed_claim(event: RecordedEvent) -> str | None:
    """The key of the claim that ends with what became of a task."""
    match event.data:
        case TaskCompleted() | TaskFailed() | TaskCancelled() | TaskLapsed() as data if data.freed_token is not None:
            return claim_key_of(data.task_id)
        case MessagePosted(freed_task_id=int(task_id)):
            return claim_key_of(task_id)
        case _:
            return None


def _named(connection: apsw.Connection, event: RecordedEvent, at: AsOf) -> Iterator[int]:
    match event.data:
        case MessagePosted() as data:
            if data.kind in TASK_KINDS:
                yield event.event_id
            if data.completes_task_id is not None:
                yield data.completes_task_id
            if data.task is not None and data.task.for_task_id is not None:
                yield data.task.for_task_id
        case TasksOpened() as data:
            yield from range(event.event_id - len(data.messages) + 1, event.event_id + 1)
        case TaskCompleted() as data:
            yield data.task_id
            if data.rolled_up_task_id is not None:
                yield data.rolled_up_task_id
        case TaskFailed() | TaskCancelled() | TaskReopened() | TaskAssigned() | TaskLapsed() as data:
            yield data.task_id
        case ClaimAcquired() | ClaimRefreshed() | ClaimReleased() | ClaimHandedOver() as data:
            yield from _leased(connection, data.claim_key, at)
        case SessionExpired() as data:
            for claim in data.claims:
                yield from _leased(connection, claim.claim_key, at)
        case _:
            pass


def _leased(connection: apsw.Connection, claim_key: str, at: AsOf) -> Iterator[int]:
    claim = claims.find_claim(connection, claim_key, at)
    own = task_of_key(claim_key)
    task_id = own if own is not None or claim is None else claim.task_message_id
    if task_id is not None and tasks.find_row(connection, task_id, at) is not None:
        yield task_id


def _counts(event: RecordedEvent) -> bool:
    """Whether it opens or ends tasks, or opens them again, so that others wait for more or fewer."""
    return isinstance(
        event.data, MessagePosted | TasksOpened | TaskCompleted | TaskFailed | TaskCancelled | TaskReopened
    )


def _beside(connection: apsw.Connection, task_id: int, at: AsOf) -> Iterator[int]:
    row = tasks.find_row(connection, task_id, at)
    if row is not None and row.parent_task_id is not None:
        yield row.parent_task_id
    yield from tasks.list_dependents(connection, task_id, at)
