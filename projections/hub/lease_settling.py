"""Settling: what follows from time and from other events, before and after the calls of a batch.

    whose session ended                       -> gives up its places
    leases that lapsed before one that waits  -> an event each, for the one who asks why the next one got it
    places that no call came back to          -> given up
    places whose hub is dead                  -> given up as soon as nothing stands before them
    places that nothing stands before         -> granted, where this hub holds their call and sees it open
    calls whose place has ended               -> told so, once all of this is on disk

It runs under the log's lock, so no other hub does the same at once; and whichever hub comes first does what is due,
except for the grants, which only the hub that holds the call can make.
"""

from collections.abc import Callable

from msgspec.structs import replace

from arclog.deciders import claims as claim_rules
from arclog.deciders import held_locks as held_lock_rules
from arclog.deciders import locks as lock_rules
from arclog.deciders.holdings import Holding
from arclog.deciders.leases import find_grantable, find_lapsed
from arclog.events import ClaimLeft, ClaimQueued, Event, LockLeft
from arclog.events.leases import LeaveReason
from arclog.sqlite.reads import find_event
from arclog.sqlite.snapshot import Snapshot
from projections import places
from projections.history.hubs import find_process
from projections.hub.lease_answers import PastRows, answer_lease, is_of_lease, still_waiting
from projections.hub.lease_memory import LeaseMemory, get_queued
from projections.hub.open_calls import OpenCall
from projections.hub.outcomes import Outcome
from projections.intervals import AsOf, live

Append = Callable[[Event], object]
Told = list[tuple[OpenCall[Outcome], Outcome]]


def settle_leases(leases: LeaseMemory, snapshot: Snapshot, now: int, append: Append) -> None:
    """Write what is due, and grant what can be; to be called only while `leases.concerns_us`.

    Args:
        leases: what stands, which learns from each event that is appended.
        snapshot: the storage, in the transaction.
        now: the log's time.
        append: takes each event that follows.
    """
    standing = leases.standing
    for agent_id in sorted(leases.gone):
        for place in list(standing.places_of(agent_id)):
            append(_leave(snapshot, place.place_id, "owner_gone"))
    leases.gone.clear()
    _write_lapses(leases, now, append)
    for place_id in leases.calls.take_left(now):
        if place_id in standing.waiting and standing.waiting[place_id].hub_id == leases.hub_id:
            append(_leave(snapshot, place_id, "no_call"))
    settle_orphans(leases, snapshot, now, append)
    if not standing.is_loosened:
        return
    standing.is_loosened = False
    for place in find_grantable(standing, leases.open_places(), now):
        queued = get_queued(snapshot, place.place_id)
        if isinstance(queued, ClaimQueued):
            append(claim_rules.grant_place(place, queued, now))
        else:
            append(lock_rules.grant_place(standing, place, queued, now))


def settle_orphans(leases: LeaseMemory, snapshot: Snapshot, now: int, append: Append) -> None:
    """Give up what keeps others waiting though nobody is there who could grant it."""
    if leases.orphans.may_be(leases.standing):
        for place in leases.orphans.find(leases.standing, lambda hub_id: snapshot.read(find_process, hub_id), now):
            append(_leave(snapshot, place.place_id, "hub_gone"))


def collect_told(leases: LeaseMemory, snapshot: Snapshot, now: int) -> Told:
    """The calls of this hub whose place has ended, and what they are to be told."""
    told: Told = []
    for place_id in sorted(leases.ended):
        calls = leases.calls.at(place_id)
        if calls:
            outcome = find_end(leases, snapshot, place_id, now)
            told += ((call, outcome) for call in calls)
    leases.ended.clear()
    return told


def find_end(leases: LeaseMemory, snapshot: Snapshot, place_id: int, now: int) -> Outcome:
    """How the wait at a place ended; or where it waits still."""
    rows = PastRows(snapshot, live(now))
    row = snapshot.read(places.find_place, place_id, live(now))
    if row is None or row.event_id is None or row.ending not in {"granted", "handed_over"}:
        return still_waiting(rows, leases.standing, place_id, place_id, now)
    stored = snapshot.read(find_event, row.event_id)
    assert stored is not None
    event = stored.decode()
    assert is_of_lease(event.data)
    answer = answer_lease(PastRows(snapshot, AsOf(event.event_id, event.recorded_at)), event.event_id, event.data)
    return replace(answer, acquired=True, waited=True)


def _write_lapses(leases: LeaseMemory, now: int, append: Append) -> None:
    lapsed: dict[int, list[Holding]] = {}
    for holding in find_lapsed(leases.standing, now):
        lapsed.setdefault(holding.token, []).append(holding)
    for held in lapsed.values():
        if held[0].noun == "claim":
            append(claim_rules.free(held[0], "lapsed"))
        else:
            append(held_lock_rules.free(tuple(held), "lapsed"))


def _leave(snapshot: Snapshot, place_id: int, reason: LeaveReason) -> LockLeft | ClaimLeft:
    queued = get_queued(snapshot, place_id)
    if isinstance(queued, ClaimQueued):
        return ClaimLeft(
            claim_key=queued.claim_key, owner_agent_id=queued.owner_agent_id, place=place_id, reason=reason
        )
    return LockLeft(
        file_path=queued.file_path,
        key=queued.key,
        others=queued.others,
        agent_id=queued.agent_id,
        place=place_id,
        reason=reason,
    )
