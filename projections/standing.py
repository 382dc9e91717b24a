"""What stands, in the memory of a hub: who holds what and who waits, as far as the log has been followed.

It is right at one event only. So a writer that takes the log's lock first catches up, and forgets all of it when a
transaction comes to nothing. It can be had in two ways, which give the same: event by event, or from the tables.
"""

from arclog.deciders.standing import Place, Standing
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
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskLapsed,
    TurnEnded,
)
from arclog.events.locks import OnPaths
from arclog.limits import MICROSECONDS, PLACE_KEPT_SEC

CONCERNING = (
    ClaimAcquired,
    ClaimHandedOver,
    ClaimLeft,
    ClaimQueued,
    ClaimRefreshed,
    ClaimReleased,
    LockAcquired,
    LockHandedOver,
    LockLeft,
    LockQueued,
    LockRefreshed,
    LockReleased,
    MessagePosted,
    SessionExpired,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskLapsed,
    TurnEnded,
)
"""The events that change what stands."""


def learn(standing: Standing, event_id: int, recorded_at: int, data: Event) -> None:
    """Bring what stands up to date with the next event."""
    match data:
        case LockQueued() | ClaimQueued():
            _queue(standing, event_id, recorded_at, data)
        case LockLeft() | ClaimLeft():
            standing.leave(data.place)
        case LockAcquired():
            _leave(standing, data.place)
            standing.grant("lock", data.keys, data.agent_id, data.mode, event_id, data.expires_at, data.kept)
        case ClaimAcquired():
            _leave(standing, data.place)
            standing.grant("claim", (data.claim_key,), data.owner_agent_id, "exclusive", event_id, data.expires_at)
        case TaskCompleted() | TaskFailed() | TaskCancelled() | TaskLapsed() | MessagePosted():
            if data.freed_token is not None:
                for held in list(standing.grant_of(data.freed_token)):
                    standing.release(data.freed_token, (held.key,))
        case SessionExpired() | TurnEnded():
            for claim in data.claims if isinstance(data, SessionExpired) else ():
                standing.release(claim.fencing_token, (claim.claim_key,))
            for lock in data.locks:
                standing.release(lock.fencing_token, (lock.file_path,))
        case _:
            _change(standing, event_id, data)


def _change(standing: Standing, event_id: int, data: Event) -> None:
    """What becomes of what is held."""
    match data:
        case LockRefreshed() | ClaimRefreshed():
            standing.prolong(data.fencing_token, _keys(data), data.expires_at)
        case LockReleased() | ClaimReleased():
            standing.release(data.fencing_token, _keys(data))
        case LockHandedOver() | ClaimHandedOver():
            for place_id in data.serves:
                standing.leave(place_id)
            standing.hand_over(data.fencing_token, _keys(data), data.to_agent_id, event_id)
        case _:
            pass


def ends_at(wait_until: int) -> int:
    """When a place ends whose call waits until then."""
    return wait_until + PLACE_KEPT_SEC * MICROSECONDS


def _queue(standing: Standing, event_id: int, recorded_at: int, data: LockQueued | ClaimQueued) -> None:
    expires_at = ends_at(data.wait_until)
    if data.place is not None:
        standing.wait_on(data.place, expires_at, data.hub_id)
        return
    is_lock = isinstance(data, LockQueued)
    place = Place(
        event_id,
        "lock" if is_lock else "claim",
        _keys(data),
        data.agent_id if isinstance(data, LockQueued) else data.owner_agent_id,
        data.mode if isinstance(data, LockQueued) else "exclusive",
        expires_at,
        recorded_at,
        data.ttl,
        frozenset(data.passes),
        data.hub_id,
    )
    standing.queue(place)


def _keys(
    data: LockQueued
    | ClaimQueued
    | LockRefreshed
    | ClaimRefreshed
    | LockReleased
    | ClaimReleased
    | LockHandedOver
    | ClaimHandedOver,
) -> tuple[str, ...]:
    return data.keys if isinstance(data, OnPaths) else (data.claim_key,)


def _leave(standing: Standing, place: int | None) -> None:
    if place is not None:
        standing.leave(place)
