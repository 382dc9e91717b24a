"""What a caller is told about an event of a claim or a lock: the lease as it stands, or what is in its way."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol, TypeGuard

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from arclog.deciders.circles import deadlock_of
from arclog.deciders.holdings import Place
from arclog.deciders.leases import witness_of
from arclog.deciders.positions import positions_of
from arclog.deciders.standing import Standing
from arclog.deciders.waits import Obstacle, find_obstacle, request_at
from arclog.events import (
    ClaimAcquired,
    ClaimHandedOver,
    ClaimLeft,
    ClaimQueued,
    ClaimRefreshed,
    ClaimRefused,
    ClaimReleased,
    Event,
    LockAcquired,
    LockHandedOver,
    LockLeft,
    LockQueued,
    LockRefreshed,
    LockRefused,
    LockReleased,
)
from arclog.sqlite.snapshot import Snapshot
from projections import claims, locks, places, sessions
from projections.claims import Claim
from projections.encoding import encode_json
from projections.hub.outcomes import Outcome, Queue
from projections.intervals import AsOf
from projections.locks import Lock
from projections.places import QueuePlace
from projections.projector import Writer
from projections.times import optional_timestamp

LeaseEvent = (
    ClaimAcquired
    | ClaimHandedOver
    | ClaimLeft
    | ClaimQueued
    | ClaimRefreshed
    | ClaimRefused
    | ClaimReleased
    | LockAcquired
    | LockHandedOver
    | LockLeft
    | LockQueued
    | LockRefreshed
    | LockRefused
    | LockReleased
)

_NO_METADATA = msgspec.Raw(b"{}")


class Rows(Protocol):
    """Where leases are looked up."""

    def lock(self, key: str, agent_id: str, token: int) -> Lock | None: ...
    def claim(self, claim_key: str) -> Claim | None: ...
    def place(self, place_id: int) -> QueuePlace | None: ...
    def left_at(self, agent_id: str, fencing_token: int) -> int | None: ...


class PastRows:
    """Leases as they were at a moment."""

    def __init__(self, snapshot: Snapshot, at: AsOf) -> None:
        self._snapshot = snapshot
        self._at = at

    def lock(self, key: str, agent_id: str, token: int) -> Lock | None:
        return self._snapshot.read(locks.find_lock, key, agent_id, self._at)

    def claim(self, claim_key: str) -> Claim | None:
        return self._snapshot.read(claims.find_claim, claim_key, self._at)

    def place(self, place_id: int) -> QueuePlace | None:
        return self._snapshot.read(places.find_place, place_id, self._at)

    def left_at(self, agent_id: str, fencing_token: int) -> int | None:
        return self._snapshot.read(sessions.find_left_at, agent_id, fencing_token, self._at)


class CurrentRows:
    """Leases as they are now, as the writer remembers them, so that they need not be read again."""

    def __init__(self, writer: Writer) -> None:
        self.lock = partial(locks.find_current, writer)
        self.claim = partial(claims.find_current, writer)
        self.place = partial(places.find_current, writer)
        self.left_at = partial(sessions.find_current_left_at, writer)


def answer_lease(rows: Rows, event_id: int, data: LeaseEvent) -> Outcome:
    """What the caller whose command became an event is told."""
    return LEASE_ANSWERS[type(data)](rows, event_id, data)


def is_of_lease(data: Event) -> TypeGuard[LeaseEvent]:
    """Whether an event is one of a claim or a lock."""
    return type(data) in LEASE_ANSWERS


def answer_refused(rows: Rows, event_id: int | None, data: LockRefused | ClaimRefused) -> Outcome:
    """What is in the way of a request: a lease, or a place in the form of one.

    Raises:
        Deadlock: what is in the way waits for the asker.
    """
    if data.circle:
        raise deadlock_of(data.circle, "give back what they wait for, or ask without waiting")
    found: Lock | Claim | None
    left_at: int | None = None
    if data.is_waiting:
        place = rows.place(data.fencing_token)
        found = None if place is None else _as_lease(place)
    elif isinstance(data, LockRefused):
        found = rows.lock(data.held or data.key or data.file_path, data.agent_id, data.fencing_token)
    else:
        found = rows.claim(data.claim_key)
    if isinstance(data, LockRefused) and data.witness is not None and isinstance(found, Lock):
        found = replace(found, witness=data.witness)
    if not data.is_waiting:
        holder = data.agent_id if isinstance(data, LockRefused) else data.owner_agent_id
        left_at = rows.left_at(holder, data.fencing_token)
    return Outcome(encode_json(found), event_id, acquired=False, holder_left_at=optional_timestamp(left_at))


def still_waiting(rows: Rows, standing: Standing, place_id: int, event_id: int, now: int) -> Outcome:
    """What a call is told whose time is over: what is in its way first, and where it waits."""
    place = standing.waiting.get(place_id)
    if place is None or not place.is_active(now):
        found = rows.place(place_id)
        return Outcome(encode_json(None if found is None else _as_lease(found)), event_id, acquired=False)
    ((position, ahead),) = positions_of(standing, [place], now)
    obstacle = find_obstacle(standing, request_at(place), now)
    if obstacle is not None:
        result = show_obstacle(rows, obstacle)
    else:
        own = rows.place(place_id)
        result = None if own is None else _as_lease(own)
    return Outcome(encode_json(result), event_id, acquired=False, queue=Queue(place_id, position, tuple(ahead)))


def show_obstacle(rows: Rows, obstacle: Obstacle) -> Lock | Claim | None:
    """What is in the way, in the form of a lease; with a path that both cover where the two are not the same."""
    found: Lock | Claim | None
    if isinstance(obstacle.by, Place):
        place = rows.place(obstacle.by.place_id)
        found = None if place is None else _as_lease(place)
    elif obstacle.by.noun == "claim":
        found = rows.claim(obstacle.held)
    else:
        found = rows.lock(obstacle.held, obstacle.agent_id, obstacle.by.token)
    if isinstance(found, Lock) and obstacle.held != obstacle.key:
        found = replace(found, witness=witness_of(obstacle) or UNSET)
    return found


def _granted_lock(rows: Rows, event_id: int, data: LockAcquired) -> Outcome:
    return _of_locks(rows, event_id, data.keys, data.agent_id, event_id, acquired=True)


def _prolonged_lock(rows: Rows, event_id: int, data: LockRefreshed) -> Outcome:
    return _of_locks(rows, event_id, data.keys, data.agent_id, data.fencing_token, acquired=True)


def _freed_lock(rows: Rows, event_id: int, data: LockReleased) -> Outcome:
    return _of_locks(rows, event_id, data.keys, data.agent_id, data.fencing_token)


def _given_lock(rows: Rows, event_id: int, data: LockHandedOver) -> Outcome:
    return _of_locks(rows, event_id, data.keys, data.to_agent_id, event_id)


def _asked_claim(rows: Rows, event_id: int, data: ClaimAcquired | ClaimRefreshed) -> Outcome:
    return Outcome(encode_json(rows.claim(data.claim_key)), event_id, acquired=True)


def _ended_claim(rows: Rows, event_id: int, data: ClaimReleased | ClaimHandedOver) -> Outcome:
    return Outcome(encode_json(rows.claim(data.claim_key)), event_id)


def _queued(rows: Rows, event_id: int, data: LockQueued | ClaimQueued) -> Outcome:
    place = rows.place(data.place or event_id)
    return Outcome(encode_json(None if place is None else _as_lease(place)), event_id, acquired=False)


def _left(rows: Rows, event_id: int, data: LockLeft | ClaimLeft) -> Outcome:
    return Outcome(encode_json(rows.place(data.place)), event_id)


def _of_locks(
    rows: Rows, event_id: int, keys: tuple[str, ...], agent_id: str, token: int, *, acquired: bool | None = None
) -> Outcome:
    if len(keys) == 1:
        return Outcome(encode_json(rows.lock(keys[0], agent_id, token)), event_id, acquired=acquired)
    found = [rows.lock(key, agent_id, token) for key in keys]
    return Outcome(encode_json(found[0]), event_id, acquired=acquired, locks=encode_json(found))


def _as_lease(place: QueuePlace) -> Lock | Claim:
    """A place in the form of the lease that is waited for."""
    if place.noun == "lock":
        return Lock(
            place.name,
            place.agent_id,
            place.queued_at,
            place.expires_at,
            place.ended_at,
            _NO_METADATA,
            place.place,
            place.keys[0],
            place.mode,
            waiting=True,
        )
    return Claim(
        place.name,
        None,
        None,
        place.agent_id,
        place.queued_at,
        place.expires_at,
        place.ended_at,
        _NO_METADATA,
        place.place,
        waiting=True,
    )


LEASE_ANSWERS: Final[Mapping[type[Event], Callable[[Rows, int, Any], Outcome]]] = {
    ClaimAcquired: _asked_claim,
    ClaimHandedOver: _ended_claim,
    ClaimLeft: _left,
    ClaimQueued: _queued,
    ClaimRefreshed: _asked_claim,
    ClaimRefused: answer_refused,
    ClaimReleased: _ended_claim,
    LockAcquired: _granted_lock,
    LockHandedOver: _given_lock,
    LockLeft: _left,
    LockQueued: _queued,
    LockRefreshed: _prolonged_lock,
    LockRefused: answer_refused,
    LockReleased: _freed_lock,
}
