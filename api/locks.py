"""Locks over HTTP: who edits which file."""

from typing import Annotated

from msgspec import Meta, Struct

from api.routes import Caller, Change, Read, Route, granted_or_refused
from arclog.deciders.locks import AcquireLock, RefreshLock, ReleaseLock
from projections import locks
from projections.encoding import encode_json
from projections.hub import Hub
from projections.locks import Lock


class LocksQuery(Struct, frozen=True):
    """Which locks to list."""

    agent_id: Annotated[str, Meta(description="only of this agent")] | None = None
    active_only: Annotated[bool, Meta(description="leave out what was released or has lapsed")] = False


async def list_locks(hub: Hub, query: LocksQuery, caller: Caller) -> bytes:
    """Locks, oldest grant first."""
    return encode_json(await hub.read_apart(locks.list_locks, hub.at(), query.agent_id, query.active_only))


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
    ),
)
