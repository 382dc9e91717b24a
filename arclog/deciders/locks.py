"""Locks: who edits which file.

What a request means is judged by the one protocol of leases (`arclog.deciders.leases`); here are the commands about
files, and the events that follow. Paths have become keys before (`arclog.paths`). Everything is decided against the
log's head inside the transaction that appends the event, so two askers never both get what they cannot share, on one
hub or on several. A lease ends at `expires_at` by the log's clock, to the microsecond; the event id of the grant is the
fencing token.
"""

from typing import ClassVar, Final, TypedDict

from msgspec import Struct

from arclog.deciders import fields
from arclog.deciders.fencing import get_held
from arclog.deciders.handover import check_handover, check_presence, check_receiver
from arclog.deciders.leases import Ask, Granted, Prolonged, Queued, Refused, ask, grant, witness_of
from arclog.deciders.standing import Holding, Place, Standing
from arclog.deciders.taking_away import tell_holder
from arclog.deciders.waits import request_at
from arclog.errors import InvalidInput, NotFound
from arclog.events import (
    JsonObject,
    LockAcquired,
    LockHandedOver,
    LockLeft,
    LockQueued,
    LockRefreshed,
    LockRefused,
    LockReleased,
)
from arclog.events.leases import Mode, ReleaseReason
from arclog.events.locks import LockedPath
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
        keys: the keys of the paths that the command names.
        paths: these paths, in the same order.
        hub_id: this hub, which holds the call.
    """

    standing: Standing
    keys: tuple[str, ...] = ()
    paths: tuple[LockedPath, ...] = ()
    hub_id: str = ""


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


def decide_acquire(state: OnLocks, command: AcquireLock, now: int) -> Acquired:
    """Grant what nothing stands in the way of, prolong what the asker holds, queue who waits, refuse who does not.

    Raises:
        Deadlock: it would wait for an agent that waits for it.
    """
    agent_id = fields.agent("agent_id", command.agent_id)
    ttl = fields.ttl(command.ttl_sec)
    wait = fields.wait(command.wait_sec)
    metadata = fields.metadata(command.metadata)
    asked = Ask("lock", agent_id, state.keys, command.mode, ttl, wait > 0, command.is_automatic)
    match ask(state.standing, asked, now):
        case Granted(place, kept, upgrades):
            return LockAcquired(
                **_on(state.paths),
                agent_id=agent_id,
                expires_at=now + ttl,
                metadata=metadata,
                mode=command.mode,
                kept=kept,
                upgrades=upgrades,
                place=None if place is None else place.place_id,
                is_automatic=command.is_automatic,
            )
        case Prolonged(token, keys, expires_at):
            paths = state.paths if keys == state.keys else tuple(LockedPath(key) for key in keys)
            return LockRefreshed(**_on(paths), agent_id=agent_id, expires_at=expires_at, fencing_token=token)
        case Queued(passes, place):
            return LockQueued(
                **_on(state.paths),
                agent_id=agent_id,
                wait_until=now + wait,
                ttl=ttl,
                hub_id=state.hub_id,
                mode=command.mode,
                metadata=metadata,
                passes=tuple(sorted(passes)),
                place=None if place is None else place.place_id,
            )
        case Refused(obstacle):
            path = state.paths[state.keys.index(obstacle.key)]
            return LockRefused(
                file_path=path.file_path,
                asker_agent_id=agent_id,
                agent_id=obstacle.agent_id,
                fencing_token=obstacle.event_id,
                key=path.key,
                held=None if obstacle.held == obstacle.key else obstacle.held,
                witness=None if obstacle.held == obstacle.key else witness_of(obstacle),
                mode=command.mode,
                is_waiting=isinstance(obstacle.by, Place),
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
    )


def decide_refresh(state: OnLocks, command: RefreshLock, now: int) -> LockRefreshed:
    """Let the holder keep what it names until `ttl_sec` from now."""
    agent_id = fields.agent("agent_id", command.agent_id)
    expires_at = now + fields.ttl(command.ttl_sec)
    held = _get_held(state, agent_id, command.fencing_token, now)
    return LockRefreshed(
        **_on(_paths_of(state, held)), agent_id=agent_id, expires_at=expires_at, fencing_token=held[0].token
    )


def decide_release(state: OnLocks, command: ReleaseLock, now: int) -> LockReleased:
    """Let the holder give back what it names."""
    agent_id = fields.agent("agent_id", command.agent_id)
    held = _get_held(state, agent_id, command.fencing_token, now)
    return LockReleased(
        **_on(_paths_of(state, held)),
        agent_id=agent_id,
        fencing_token=held[0].token,
        reason="undelivered" if command.undelivered else "released",
    )


def decide_handover(state: OnLocks, command: HandOverLock, now: int, *, receiver_is_live: bool) -> LockHandedOver:
    """Give what the holder names to another agent.

    Raises:
        Conflict: the giver would keep something that overlaps it.
        Deadlock: the receiver waits for somebody who waits for it.
        NotFound: the receiver has no live session, or the giver does not hold it.
    """
    agent_id = fields.agent("agent_id", command.agent_id)
    receiver = fields.agent("to_agent_id", command.to_agent_id)
    check_receiver(agent_id, receiver)
    held = _get_held(state, agent_id, command.fencing_token, now)
    check_presence(receiver, is_live=receiver_is_live)
    serves = check_handover(state.standing, held, receiver, now)
    return LockHandedOver(
        **_on(_paths_of(state, held)),
        agent_id=agent_id,
        to_agent_id=receiver,
        fencing_token=held[0].token,
        serves=serves,
    )


def decide_force_release(state: OnLocks, command: ForceReleaseLock, now: int) -> LockReleased:
    """Free what another agent holds.

    Raises:
        NotFound: nobody holds it.
        InvalidInput: no reason is given, or several agents hold it and no token says whose is meant.
    """
    operator = fields.agent("agent_id", command.agent_id)
    why = fields.reason(command.reason)
    if state.keys:
        holders = [one for one in state.standing.holders("lock", state.keys[0]) if one.is_active(now)]
    else:
        holders = [one for one in state.standing.grant_of(command.fencing_token or 0) if one.is_active(now)][:1]
    if command.fencing_token is not None:
        holders = [one for one in holders if one.token == command.fencing_token]
    if not holders:
        raise NotFound("lock", state.keys[0] if state.keys else command.fencing_token or 0, "is held by nobody")
    if len(holders) > 1:
        names = ", ".join(sorted(one.agent_id for one in holders))
        raise InvalidInput("fencing_token", f"must say whose lock is meant: {names} share it")
    (holder,) = holders
    paths = _paths_of(state, _get_held(state, holder.agent_id, holder.token, now))
    return LockReleased(
        **_on(paths),
        agent_id=holder.agent_id,
        fencing_token=holder.token,
        reason="forced",
        notice=tell_holder("lock", [path.file_path for path in paths], holder.agent_id, operator, why),
        forced_by=operator,
        why=why,
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


def free(held: tuple[Holding, ...], reason: ReleaseReason) -> LockReleased:
    """What the hub itself takes back, all of one grant."""
    paths = tuple(LockedPath(one.key) for one in held)
    return LockReleased(**_on(paths), agent_id=held[0].agent_id, fencing_token=held[0].token, reason=reason)


def _get_held(state: OnLocks, agent_id: str, token: int | None, now: int) -> tuple[Holding, ...]:
    held = get_held(state.standing, "lock", state.keys, agent_id, token, now)
    if len({one.token for one in held}) != 1:
        raise InvalidInput("paths", "are of several grants; name those of one, or its fencing_token")
    return held


def _paths_of(state: OnLocks, held: tuple[Holding, ...]) -> tuple[LockedPath, ...]:
    return state.paths or tuple(LockedPath(one.key) for one in held)


class _On(TypedDict):
    file_path: str
    key: str | None
    others: tuple[LockedPath, ...]


def _on(paths: tuple[LockedPath, ...]) -> _On:
    first = paths[0]
    return {"file_path": first.file_path, "key": first.key, "others": paths[1:]}
