"""Locks over HTTP: who edits which file."""

from typing import Annotated

from msgspec import Meta

from api.http.as_of import Dated
from api.http.lists import After, read_list
from api.http.routes import Change, Found, Read, Reader, Route, granted_or_refused
from arclog.deciders.locks import AcquireLock, RefreshLock, ReleaseLock
from projections import locks
from projections.hub.hub import Hub
from projections.locks import Lock


class LocksQuery(Dated, frozen=True, kw_only=True):
    """Which locks to list."""

    agent_id: Annotated[str, Meta(description="only of this agent")] | None = None
    active_only: Annotated[bool, Meta(description="leave out what was released or has lapsed")] = False
    after: After | None = None


async def list_locks(hub: Hub, query: LocksQuery, reader: Reader) -> Found:
    """Locks, oldest grant first."""
    return await read_list(hub, locks.list_locks, _key, query.after, reader.at, query.agent_id, query.active_only)


def _key(lock: Lock) -> str:
    return lock.file_path


ROUTES: tuple[Route, ...] = (
    Change(
        does="Ask for the lock on a file, or prolong one's own.",
        path="/v1/locks",
        body=AcquireLock,
        status=granted_or_refused,
        statuses=(200, 201),
        result=Lock,
        beside=("acquired",),
    ),
    Change(
        does="Prolong a lock that one holds.",
        path="/v1/locks/refresh",
        body=RefreshLock,
        result=Lock,
        beside=("acquired",),
    ),
    Change(
        does="Give a lock back.",
        path="/v1/locks/release",
        body=ReleaseLock,
        result=Lock,
    ),
    Read(
        does="List the locks, oldest first.",
        path="/v1/locks",
        query=LocksQuery,
        answer=list_locks,
        result=list[Lock],
        beside=("more",),
    ),
)
