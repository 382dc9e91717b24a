"""Locks over HTTP: who edits which file."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from api.http.lists import Listed, read_list
from api.http.routes import ChangeRoute, ReadCaller, ReadResult, ReadRoute, Route, granted_or_refused
from arclog.deciders.locks import AcquireLock, RefreshLock, ReleaseLock
from arclog.sqlite.snapshot import Snapshot, together
from projections import locks
from projections.hub.hub import Hub
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
    return lock.file_path


ROUTES: tuple[Route, ...] = (
    ChangeRoute(
        does="Ask for the lock on a file, or prolong one's own.",
        path="/v1/locks",
        body=AcquireLock,
        status=granted_or_refused,
        statuses=(200, 201),
        result=Lock,
        beside=("acquired",),
    ),
    ChangeRoute(
        does="Prolong a lock that one holds.",
        path="/v1/locks/refresh",
        body=RefreshLock,
        result=Lock,
        beside=("acquired",),
    ),
    ChangeRoute(
        does="Give a lock back.",
        path="/v1/locks/release",
        body=ReleaseLock,
        result=Lock,
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
