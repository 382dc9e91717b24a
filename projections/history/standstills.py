"""Standstills: what others wait for, and nobody will give up by itself.

    stuck     a holder that has done nothing for longer than an agent may be silent, while somebody waits for it
    deadlock  a circle: an agent was not let wait, since what it asked for is had by one that waits for it

A holder that waits itself is not named: the one for whom all of them wait in the end is. Whether its process lives does
not matter, and a hub that vouches for it does not count: it has to do something, or one of its family has.
"""

from collections.abc import Iterator
from typing import Final

import apsw
from msgspec import Struct

from arclog.deciders.holdings import Holding, Place
from arclog.deciders.standing import Standing
from arclog.deciders.waits import find_holders, request_at
from arclog.events.leases import Noun, Wait
from arclog.sqlite.reads import Filter, read_from_end
from projections import places
from projections.deadlocks import Deadlock, list_deadlocks
from projections.intervals import AsOf
from projections.queue import read_standing
from projections.wakes import OWN_EVENTS

LOOKED_AT: Final = 1_000
"""Places that are looked at, oldest first."""


class Stuck(Struct, frozen=True):
    """A lease that somebody waits for, and whose holder does nothing.

    Attributes:
        noun: what kind of lease.
        key: what is held.
        holder: by whom.
        token: the event of its grant.
        moved_at: when the holder last did anything; in microseconds, as the time after it.
        waiting: who waits for it longest.
        since: since when.
    """

    noun: Noun
    key: str
    holder: str
    token: int
    moved_at: int
    waiting: str
    since: int


def list_standstills(connection: apsw.Connection, at: AsOf, borne: int) -> tuple[list[Stuck], list[Deadlock]]:
    """What stands still at a moment, as far as the log says.

    Args:
        connection: in a transaction, so that all of it is of one moment.
        at: the moment.
        borne: for how long a holder may do nothing while others wait, in microseconds.
    """
    waiting = places.list_standing(connection, at)[:LOOKED_AT]
    if not waiting:
        return [], []
    circles = list_deadlocks(connection, at, [place.place_id for place in waiting])
    long = [place for place in waiting if place.queued_at <= at.now - borne]
    if not circles and not long:
        return [], []
    standing = read_standing(connection, at)
    stuck = list(_find_stuck(connection, standing, long, at, borne))
    return stuck, [one for one in circles if all(_stands(standing, link, at.now) for link in one.circle)]


def _find_stuck(
    connection: apsw.Connection, standing: Standing, long: list[Place], at: AsOf, borne: int
) -> Iterator[Stuck]:
    moved: dict[str, int] = {}
    told: set[Holding] = set()
    for place in long:
        for obstacle in find_holders(standing, request_at(place), at.now):
            held = obstacle.by
            if not isinstance(held, Holding) or held in told:
                continue
            holder = held.agent_id
            family = tuple(standing.families.members_of(standing.families.head_of(holder)))
            if any(one.is_active(at.now) for member in family for one in standing.places_of(member)):
                continue
            if holder not in moved:
                moved[holder] = max(_find_moved(connection, member, at) for member in family)
            if moved[holder] <= at.now - borne:
                told.add(held)
                times = moved[holder], place.agent_id, place.queued_at
                yield Stuck(held.noun, held.key, holder, held.token, *times)


def _find_moved(connection: apsw.Connection, agent_id: str, at: AsOf) -> int:
    """When an agent last did anything itself, in microseconds; what others say of it about a wake does not count."""
    last = next(read_from_end(connection, 1, Filter(actor=agent_id, without=OWN_EVENTS), at.at), None)
    return 0 if last is None else last.recorded_at


def _stands(standing: Standing, link: Wait, now: int) -> bool:
    """Whether an agent in a circle waits still, and the other still has what it waits for, or comes first for it."""
    if link.place is not None and not standing.is_waiting(link.agent_id, link.place, now):
        return False
    held = standing.find(link.noun, link.key, link.holder)
    return (held is not None and held.is_active(now)) or any(
        place.noun == link.noun and link.key in place.keys and place.is_active(now)
        for place in standing.places_of(link.holder)
    )
