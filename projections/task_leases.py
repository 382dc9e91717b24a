"""The lease on a task: what claims mean for tasks.

A task has a claim of its own, `task-<id>`; any other claim may be said to belong to a task. While one of these is held,
its holder has the task.
"""

from typing import Final

from msgspec import Struct

from arclog.codec import Fact
from arclog.events import ClaimAcquired, ClaimHandedOver, ClaimRefreshed, ClaimReleased, Event, SessionExpired
from arclog.events.claims import task_of_key
from arclog.sqlite.queries import Queries
from projections.projector import Writer
from projections.task_rows import TaskChanges, TaskRow
from projections.versions import Version, Versioned


class LeaseOn(Struct, frozen=True, gc=False):
    """Which task a claim is the lease on."""

    claim_key: str
    task_id: int | None


VERSIONS: Final = Versioned("task_claims", LeaseOn)
SQL: Final = Queries("projections", "task_claims.sql", VERSIONS.parts)
ON_CLAIMS: Final[frozenset[type[Event]]] = frozenset((ClaimAcquired, ClaimRefreshed, ClaimReleased, ClaimHandedOver))
"""The events of claims; most are about no task."""


def find_leased(writer: Writer, claim_key: str) -> int | None:
    """The task that a claim is the lease on, as the writer knows it."""
    task_id = task_of_key(claim_key)
    if task_id is None:
        known = writer.find(VERSIONS, claim_key)
        task_id = None if known is None else known.row.task_id
    return task_id


def on_claimed(writer: Writer, event: Fact, data: ClaimAcquired) -> None:
    """A claim was granted: on a task, or on something that belongs to one."""
    task_id = task_of_key(data.claim_key)
    if task_id is None:
        known = writer.find(VERSIONS, data.claim_key)
        task_id = data.task_message_id
        if task_id is not None or (known is not None and known.row.task_id is not None):
            version = Version(event.event_id, LeaseOn(data.claim_key, task_id))
            writer.replace(VERSIONS, data.claim_key, version)
    changes = TaskChanges(writer, event)
    row = None if task_id is None else changes.find(task_id)
    if row is not None:
        lease = {"claimed_by": data.owner_agent_id, "claimed_until": data.expires_at, "claim_token": event.event_id}
        changes.set(row, **lease, is_counted=int(data.pick is not None))
        changes.write()


def on_lease(writer: Writer, event: Fact, data: ClaimRefreshed | ClaimReleased) -> None:
    """A claim was prolonged or given back."""
    task_id = find_leased(writer, data.claim_key)
    if task_id is None:  # as for all claims that have nothing to do with a task
        return
    changes = TaskChanges(writer, event)
    row = changes.find(task_id)
    if row is not None and row.claim_token == data.fencing_token:
        if isinstance(data, ClaimRefreshed):
            changes.set(row, claimed_until=data.expires_at)
        else:
            _end_lease(changes, row, is_gone=data.reason in {"owner_gone", "lapsed"})
        changes.write()


def on_handed_over(writer: Writer, event: Fact, data: ClaimHandedOver) -> None:
    """A claim has another holder."""
    changes = TaskChanges(writer, event)
    row = _leased(writer, changes, data.claim_key)
    if row is not None and row.claim_token == data.fencing_token:
        changes.set(row, claimed_by=data.to_agent_id, claim_token=event.event_id)
        changes.write()


def on_expired(writer: Writer, event: Fact, data: SessionExpired) -> None:
    """A session ended, and with it the claims of its agent."""
    changes = TaskChanges(writer, event)
    for claim in data.claims:
        row = _leased(writer, changes, claim.claim_key)
        if row is not None and row.claim_token == claim.fencing_token:
            _end_lease(changes, row, is_gone=True)
    changes.write()


def _end_lease(changes: TaskChanges, row: TaskRow, *, is_gone: bool) -> None:
    """A lease ends before its time; when its holder is gone, one that counts was an attempt."""
    changes.free(row, attempts=row.attempts + (is_gone and row.is_counted and row.state == "open"))


def _leased(writer: Writer, changes: TaskChanges, claim_key: str) -> TaskRow | None:
    task_id = find_leased(writer, claim_key)
    return None if task_id is None else changes.find(task_id)
