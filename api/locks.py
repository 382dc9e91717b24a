"""Locks over HTTP: who edits which file."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from api.http.lists import Listed, read_list
from api.http.routes import WAITING, ChangeRoute, ReadCaller, ReadResult, ReadRoute, Route, granted_or_refused
from api.leases import Commands, holder_routes
from arclog.deciders.locks import (
    AcquireLock,
    CheckTokens,
    FindConflicts,
    ForceReleaseLock,
    HandOverLock,
    LeaveLockQueue,
    RefreshLock,
    ReleaseLock,
)
from arclog.events.leases import Mode
from arclog.list_cursors import lock_cursor
from arclog.sqlite.snapshot import Snapshot, together
from projections import locks
from projections.hub.hub import Hub
from projections.hub.lease_reads import TokenChecks
from projections.intervals import AsOf
from projections.locks import Lock


class LocksQuery(Listed, frozen=True, kw_only=True):
    """Which locks to list."""

    agent_id: Annotated[str, Meta(description="only of this agent")] | None = None
    thread_id: Annotated[str, Meta(description="only of this thread")] | None = None
    active_only: Annotated[bool, Meta(description="leave out what was released or has lapsed")] = False


async def list_locks(hub: Hub, query: LocksQuery, reader: ReadCaller) -> ReadResult:
    """Locks, oldest grant first."""
    return await read_list(hub, query, _each_lock, _key, query, reader.at)


@together
def _each_lock(snapshot: Snapshot, query: LocksQuery, at: AsOf) -> Iterator[Lock]:
    if query.thread_id is None:
        return snapshot.read(locks.each_lock, at, query.agent_id, query.active_only)
    found = snapshot.read(locks.each_in_thread, query.thread_id, at, query.active_only)
    return (lock for lock in found if query.agent_id in {None, lock.agent_id})


def _key(lock: Lock) -> str:
    return lock_cursor(lock.file_path, lock.mode, lock.agent_id)


class ConflictsQuery(Struct, frozen=True, kw_only=True):
    """What would be asked for."""

    agent_id: Annotated[str, Meta(description="for whom")]
    path: Annotated[str, Meta(description="the path or pattern")]
    mode: Annotated[Mode, Meta(description="`exclusive`, or `shared` with others that share")] = "exclusive"


async def list_conflicts(hub: Hub, query: ConflictsQuery, reader: ReadCaller) -> ReadResult:
    """What would refuse a lock."""
    found = await hub.execute(FindConflicts(agent_id=query.agent_id, paths=[query.path], mode=query.mode))
    return ReadResult(found.result)


ROUTES: tuple[Route, ...] = (
    ChangeRoute(
        does="Ask for the lock on a file or a pattern, or prolong one's own; wait for it where another has it.",
        path="/v1/locks",
        body=AcquireLock,
        status=granted_or_refused,
        statuses=(200, 201),
        result=Lock,
        beside=("acquired", "holder_left_at", *WAITING, "locks"),
    ),
    *holder_routes(
        "lock",
        Commands(RefreshLock, ReleaseLock, HandOverLock, ForceReleaseLock, LeaveLockQueue),
        Lock,
        beside=("locks",),
    ),
    ChangeRoute(
        does="Say whether fencing tokens are present, for whatever guards a resource.",
        path="/v1/locks/check",
        body=CheckTokens,
        result=TokenChecks,
    ),
    ReadRoute(
        does="List what would refuse a lock, without asking for it.",
        path="/v1/locks/conflicts",
        query=ConflictsQuery,
        answer=list_conflicts,
        result=list[Lock],
    ),
    ReadRoute(
        does="List the locks, oldest first.",
        path="/v1/locks",
        query=LocksQuery,
        answer=list_locks,
        result=list[Lock],
        beside=("more",),
    ),
)
