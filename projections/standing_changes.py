"""What stands, in the memory of a hub: who holds what and who waits, as far as the log has been followed.

It is right at one event only. So a writer that takes the log's lock first catches up, and forgets all of it when a
transaction comes to nothing. It can be had in two ways, which give the same: event by event, or from the tables.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from arclog.codec import Fact
from arclog.deciders.holdings import Place
from arclog.deciders.standing import Standing
from arclog.events import (
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
    SessionExpired,
    SessionOpened,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskLapsed,
    TurnEnded,
)
from arclog.events.locks import OnPaths
from arclog.limits import MICROSECONDS, PLACE_KEPT_SEC


def learn(standing: Standing, event: Fact) -> None:
    """Bring what stands up to date with the next event, one of `CONCERNING_STANDING`."""
    data = event.data
    _CHANGES[type(data)](standing, event, data)


def _on_lock_acquired(standing: Standing, event: Fact, data: LockAcquired) -> None:
    if data.place is not None:
        standing.leave(data.place)
    standing.grant(
        "lock",
        data.keys,
        data.agent_id,
        data.mode,
        event.event_id,
        data.expires_at,
        data.kept,
        is_automatic=data.is_automatic,
    )


def _on_claim_acquired(standing: Standing, event: Fact, data: ClaimAcquired) -> None:
    if data.place is not None:
        standing.leave(data.place)
    standing.grant("claim", (data.claim_key,), data.owner_agent_id, "exclusive", event.event_id, data.expires_at)


def _on_lock_refreshed(standing: Standing, _event: Fact, data: LockRefreshed) -> None:
    standing.prolong(data.fencing_token, data.keys, data.expires_at)


def _on_claim_refreshed(standing: Standing, _event: Fact, data: ClaimRefreshed) -> None:
    standing.prolong(data.fencing_token, (data.claim_key,), data.expires_at)


def _on_lock_released(standing: Standing, _event: Fact, data: LockReleased) -> None:
    standing.release(data.fencing_token, data.keys)


def _on_claim_released(standing: Standing, _event: Fact, data: ClaimReleased) -> None:
    standing.release(data.fencing_token, (data.claim_key,))


def _on_handed_over(standing: Standing, event: Fact, data: LockHandedOver | ClaimHandedOver) -> None:
    for place_id in data.serves:
        standing.leave(place_id)
    standing.hand_over(data.fencing_token, _keys(data), data.to_agent_id, event.event_id)


def _on_left(standing: Standing, _event: Fact, data: LockLeft | ClaimLeft) -> None:
    standing.leave(data.place)


def _on_freed(
    standing: Standing,
    _event: Fact,
    data: MessagePosted | TaskCompleted | TaskFailed | TaskCancelled | TaskLapsed,
) -> None:
    """Something became of a task, and the lease on it is over."""
    if data.freed_token is not None:
        for held in list(standing.grant_of(data.freed_token)):
            standing.release(data.freed_token, (held.key,))


def _on_expired(standing: Standing, _event: Fact, data: SessionExpired | TurnEnded) -> None:
    for claim in data.claims if isinstance(data, SessionExpired) else ():
        standing.release(claim.fencing_token, (claim.claim_key,))
    for lock in data.locks:
        standing.release(lock.fencing_token, (lock.file_path,))


def _on_opened(standing: Standing, _event: Fact, data: SessionOpened) -> None:
    if data.parent is not None:
        standing.families.join(data.agent_id, data.parent)


def ends_at(wait_until: int) -> int:
    """When a place ends whose call waits until then."""
    return wait_until + PLACE_KEPT_SEC * MICROSECONDS


def _on_queued(standing: Standing, event: Fact, data: LockQueued | ClaimQueued) -> None:
    expires_at = ends_at(data.wait_until)
    if data.place is not None:
        standing.wait_on(data.place, expires_at, data.hub_id)
        return
    is_lock = isinstance(data, LockQueued)
    place = Place(
        event.event_id,
        "lock" if is_lock else "claim",
        _keys(data),
        data.agent_id if isinstance(data, LockQueued) else data.owner_agent_id,
        data.mode if isinstance(data, LockQueued) else "exclusive",
        expires_at,
        event.recorded_at,
        data.ttl,
        frozenset(data.passes),
        data.hub_id,
    )
    standing.queue(place)


def _keys(
    data: LockQueued | ClaimQueued | LockHandedOver | ClaimHandedOver,
) -> tuple[str, ...]:
    return data.keys if isinstance(data, OnPaths) else (data.claim_key,)


_CHANGES: Final[Mapping[type[Event], Callable[[Standing, Fact, Any], None]]] = {
    ClaimAcquired: _on_claim_acquired,
    ClaimHandedOver: _on_handed_over,
    ClaimLeft: _on_left,
    ClaimQueued: _on_queued,
    ClaimRefreshed: _on_claim_refreshed,
    ClaimReleased: _on_claim_released,
    LockAcquired: _on_lock_acquired,
    LockHandedOver: _on_handed_over,
    LockLeft: _on_left,
    LockQueued: _on_queued,
    LockRefreshed: _on_lock_refreshed,
    LockReleased: _on_lock_released,
    MessagePosted: _on_freed,
    SessionExpired: _on_expired,
    SessionOpened: _on_opened,
    TaskCancelled: _on_freed,
    TaskCompleted: _on_freed,
    TaskFailed: _on_freed,
    TaskLapsed: _on_freed,
    TurnEnded: _on_expired,
}
"""What each event changes of what stands."""

CONCERNING_STANDING: Final = tuple(_CHANGES)
"""The events that change what stands."""
