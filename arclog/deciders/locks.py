"""Locks: who edits which file.

What a request means is judged by the one protocol of leases (`arclog.deciders.leases`). Here are the commands about
files, and the events that follow a request; `held_locks` judges what is done with what is held. Paths have become keys
before (`arclog.paths`). Everything is decided against the log's head inside the transaction that appends the event, so
two askers never both get what they cannot share, on one hub or on several. A lease ends at `expires_at` by the log's
clock, to the microsecond; the event id of the grant is the fencing token.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from msgspec import Struct

from arclog.deciders import fields
from arclog.deciders.holdings import Place
from arclog.deciders.leases import Ask, Granted, Prolonged, Queued, grant, judge, witness_of
from arclog.deciders.standing import Standing
from arclog.deciders.waits import request_at
from arclog.errors import InvalidInput, NotFound
from arclog.events import (
    JsonObject,
    LockAcquired,
    LockLeft,
    LockQueued,
    LockRefreshed,
    LockRefused,
)
from arclog.events.leases import Mode
from arclog.events.locks import LockedPath, OnPaths
from arclog.limits import TTL_SEC

MAX_PATHS: Final = 100
"""Paths in one request at most."""


class AcquireLock(Struct, frozen=True, kw_only=True):
    """Ask for the lock on a file or a pattern, or on several, all or none. `metadata.thread_id` names its thread.

    Attributes:
        agent_id: who asks.
        file_path: one path.
        paths: several; either is given.
        ttl_sec: how long the lease lasts; at most a day.
        metadata: the asker's own.
        mode: `exclusive`, or `shared` with others that share.
        wait_sec: how long to wait for it where it cannot be had at once; a call waits a minute at most.
        is_automatic: whether a hook asks by itself.
    """

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    file_path: str | None = None
    paths: list[str] | None = None
    ttl_sec: float = TTL_SEC
    metadata: JsonObject | None = None
    mode: Mode = "exclusive"
    wait_sec: float = 0
    is_automatic: bool = False


class RefreshLock(Struct, frozen=True, kw_only=True):
    """Prolong what one holds: by path, by several paths, or all that a fencing token stands for."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    file_path: str | None = None
    paths: list[str] | None = None
    ttl_sec: float = TTL_SEC
    fencing_token: int | None = None


class ReleaseLock(Struct, frozen=True, kw_only=True):
    """Give back what one holds: by path, by several paths, or all that a fencing token stands for.

    `undelivered` says that its agent never learned of the grant.
    """

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    file_path: str | None = None
    paths: list[str] | None = None
    fencing_token: int | None = None
    undelivered: bool = False


class HandOverLock(Struct, frozen=True, kw_only=True):
    """Give what one holds to another agent, with no moment in between at which it is free."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    to_agent_id: str
    file_path: str | None = None
    paths: list[str] | None = None
    fencing_token: int | None = None


class ForceReleaseLock(Struct, frozen=True, kw_only=True):
    """Free what another agent holds; `agent_id` takes it away and says why."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    reason: str
    file_path: str | None = None
    paths: list[str] | None = None
    fencing_token: int | None = None


class LeaveLockQueue(Struct, frozen=True, kw_only=True):
    """Give up a place in the queue."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    place: int


class FindConflicts(Struct, frozen=True, kw_only=True):
    """Ask what would refuse a lock, without asking for it."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    paths: list[str]
    mode: Mode = "exclusive"


class CheckTokens(Struct, frozen=True, kw_only=True):
    """Ask whether fencing tokens are present: for whatever guards a resource."""

    sender_field: ClassVar[str | None] = None

    tokens: list[int]


class HeldLock(Struct, frozen=True):
    """A lock that was granted and not released, as the end of a session sees it.

    `notice_channel` is where its recovery is told, None for the default channel.
    """

    file_path: str
    agent_id: str
    fencing_token: int
    expires_at: int
    thread_id: str | None = None
    notice_channel: str | None = None


class OnLocks(Struct, frozen=True):
    """What is known when a lock is asked for or acted upon.

    Attributes:
        standing: who holds what, and who waits.
        sent: the paths that the command names, as they were sent, by their keys; none where a token says it all.
    """

    standing: Standing
    sent: Mapping[str, str]


def on_paths(sent: Mapping[str, str]) -> OnPaths:
    """What an event names: some paths, as they were sent, by their keys."""
    (first, path), *others = sent.items()
    return OnPaths(
        file_path=path,
        key=None if first == path else first,
        others=tuple([LockedPath(path, None if key == path else key) for key, path in others]) if others else (),
    )


def named_paths(
    command: AcquireLock | RefreshLock | ReleaseLock | HandOverLock | ForceReleaseLock,
) -> list[str]:
    """The paths that a command names; none where a fencing token says it all.

    Raises:
        InvalidInput: there is no path and no token, or both forms, or too many.
    """
    if command.paths is None:
        if command.file_path is None and not isinstance(command, AcquireLock) and command.fencing_token is not None:
            return []
        return [fields.file_path("file_path", command.file_path or "")]
    if command.file_path is not None:
        raise InvalidInput("paths", "and file_path are two ways to say it; give one")
    return several_paths(command.paths)


def several_paths(paths: list[str]) -> list[str]:
    """Paths that a command names as `paths`.

    Raises:
        InvalidInput: there are none, or too many, or one cannot be used.
    """
    if not 1 <= len(paths) <= MAX_PATHS:
        raise InvalidInput("paths", f"must be from 1 to {MAX_PATHS}, not {len(paths)}")
    return [fields.file_path("paths", path) for path in paths]


Acquired = LockAcquired | LockRefreshed | LockRefused | LockQueued


def decide_acquire(state: OnLocks, command: AcquireLock, now: int, hub_id: str = "") -> Acquired:
    """Grant what nothing stands in the way of, prolong what the asker holds, queue who waits, refuse the others.

    Args:
        state: what is known; the command names some paths.
        command: what is asked for.
        now: the log's time.
        hub_id: this hub, which holds the call.

    Raises:
        InvalidInput: the command is not well-formed.
    """
    agent_id = fields.agent("agent_id", command.agent_id)
    ttl = fields.ttl(command.ttl_sec)
    wait = fields.wait(command.wait_sec) if command.wait_sec else 0
    metadata = fields.metadata(command.metadata) if command.metadata else {}
    keys = tuple(state.sent)
    asked = Ask("lock", agent_id, keys, command.mode, ttl, wait > 0, command.is_automatic)
    on = on_paths(state.sent)
    answer = judge(state.standing, asked, now)
    if type(answer) is Granted:
        return LockAcquired(
            file_path=on.file_path,
            key=on.key,
            others=on.others,
            agent_id=agent_id,
            expires_at=now + ttl,
            metadata=metadata,
            mode=command.mode,
            kept=answer.kept,
            upgrades=answer.upgrades,
            place=None if answer.place is None else answer.place.place_id,
            is_automatic=command.is_automatic,
            parent=state.standing.families.parent_of(agent_id),
        )
    if type(answer) is Prolonged:
        if answer.keys != keys:
            on = on_paths({key: key for key in answer.keys})
        return LockRefreshed(
            file_path=on.file_path,
            key=on.key,
            others=on.others,
            agent_id=agent_id,
            expires_at=answer.expires_at,
            fencing_token=answer.token,
        )
    if type(answer) is Queued:
        return LockQueued(
            file_path=on.file_path,
            key=on.key,
            others=on.others,
            agent_id=agent_id,
            wait_until=now + wait,
            ttl=ttl,
            hub_id=hub_id,
            mode=command.mode,
            metadata=metadata,
            passes=tuple(sorted(answer.passes)),
            place=None if answer.place is None else answer.place.place_id,
        )
    obstacle = answer.obstacle
    path = state.sent[obstacle.key]
    return LockRefused(
        file_path=path,
        asker_agent_id=agent_id,
        agent_id=obstacle.agent_id,
        fencing_token=obstacle.event_id,
        key=None if path == obstacle.key else obstacle.key,
        held=None if obstacle.held == obstacle.key else obstacle.held,
        witness=None if obstacle.held == obstacle.key else witness_of(obstacle),
        mode=command.mode,
        is_waiting=isinstance(obstacle.by, Place),
        circle=answer.circle,
    )


def grant_place(standing: Standing, place: Place, queued: LockQueued, now: int) -> LockAcquired:
    """The grant of a request that waited; its lease begins now."""
    granted = grant(standing, request_at(place), now)
    return LockAcquired(
        file_path=queued.file_path,
        key=queued.key,
        others=queued.others,
        agent_id=place.agent_id,
        expires_at=now + place.ttl,
        metadata=queued.metadata,
        mode=place.mode,
        kept=granted.kept,
        upgrades=granted.upgrades,
        place=place.place_id,
        parent=standing.families.parent_of(place.agent_id),
    )


def decide_leave(standing: Standing, queued: LockQueued | None, command: LeaveLockQueue, now: int) -> LockLeft:
    """Let an agent give up its place.

    Raises:
        NotFound: it is not waiting there.
    """
    agent_id = fields.agent("agent_id", command.agent_id)
    if queued is None or not standing.is_waiting(agent_id, command.place, now):
        raise NotFound("place", command.place, f"is not one at which {agent_id} waits")
    return leave_place(queued, command.place)


def leave_place(queued: LockQueued, place_id: int) -> LockLeft:
    """The end of a place at which its agent gave up."""
    return LockLeft(
        file_path=queued.file_path, key=queued.key, others=queued.others, agent_id=queued.agent_id, place=place_id
    )
