"""Leases: the one protocol of claims and locks.

    asked --> held                  nothing stands in the way: granted at once
    asked --> refused               something does, and the asker does not wait
    asked --> waiting               something does, and it waits: it has a place
    waiting --> held                what stood before the place is gone, and its call is open: granted
    waiting --> over                it left, or no call came back to it in time
    held --> held                   prolonged, or handed over: then to another agent under a new token
    held --> over                   given back, lapsed, taken away, or its owner is gone

Who is the authority? The log. Every step is decided at its head, under its lock, from what the events before it left
(`arclog.deciders.standing`), and is itself an event, except where time alone ends something that nobody waits for.

First come, first served: a request waits for those who hold what it needs, and for all earlier requests that it cannot
go together with. Two exceptions keep this from locking everybody up. Places that wait for the asker already, directly
or through others, are passed by it: they could not be served before it anyway. And what hooks lock by themselves passes
places that are young. A request that would still close a circle of agents that wait for each other is refused.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import ClassVar, Final, Literal, final

from msgspec import Struct
from msgspec.structs import replace

from arclog.deciders.circles import WaitedFor, may_close_circle, places_of_family
from arclog.deciders.holdings import Holding, Place, is_enough
from arclog.deciders.standing import Standing
from arclog.deciders.waits import (
    Obstacle,
    Request,
    find_chain,
    find_obstacle,
    find_obstacles,
    find_places,
    find_waiters,
    request_at,
)
from arclog.events.leases import Mode, Noun, Wait
from arclog.limits import MICROSECONDS
from arclog.paths import parse_key
from arclog.patterns import find_witness

MAX_OWN_PATTERNS: Final = 100
"""Own patterns that are looked through for one that covers what is asked for; of more, a lock of its own is granted."""
YOUNG_SEC: Final = 60
"""How old a place must be to stop what hooks lock by themselves."""

State = Literal["asked", "refused", "waiting", "held", "over"]


class Transition(Struct, frozen=True):
    """One step of a request.

    Attributes:
        before: where it stands.
        by: what happens: the kind of event, or `time` where none is written.
        after: where it stands then.
        when: under which condition, in a few words.
    """

    before: State
    by: str
    after: State
    when: str


TRANSITIONS: Final = (
    Transition("asked", "acquired", "held", "nothing stands in the way"),
    Transition("asked", "refused", "refused", "something does, and the asker does not wait"),
    Transition("asked", "queued", "waiting", "something does, and the asker waits"),
    Transition("waiting", "queued", "waiting", "another call goes on at the place"),
    Transition("waiting", "acquired", "held", "nothing stands before it, and its call is open"),
    Transition("waiting", "handed_over", "held", "the holder gives it to the one that waits"),
    Transition("waiting", "left", "over", "it gives up, or its agent is gone"),
    Transition("waiting", "time", "over", "no call came back to the place"),
    Transition("held", "refreshed", "held", "its holder asks again, or refreshes"),
    Transition("held", "acquired", "held", "its holder asks for more of it"),
    Transition("held", "handed_over", "held", "by another agent, under a new token"),
    Transition(
        "held", "released", "over", "given back, taken away, lapsed before one that waits, or its owner is gone"
    ),
    Transition("held", "time", "over", "its lease ended, and nobody waited"),
)
"""The protocol as a table; the diagram in docs/explanation/locks.md is drawn from it."""


class GiveBack(Struct, frozen=True, kw_only=True):
    """Free a grant that could not be told to the one that waited for it; the hub itself asks."""

    sender_field: ClassVar[str | None] = None

    fencing_token: int


class TellWaiting(Struct, frozen=True, kw_only=True):
    """Say where a request waits whose call is over; the hub itself asks."""

    sender_field: ClassVar[str | None] = None

    place: int


class Ask(Struct, frozen=True):
    """A request as the protocol sees it.

    Attributes:
        noun: what kind of lease.
        agent_id: for whom.
        keys: all that it is to cover.
        mode: whether others may have it at the same time.
        ttl: how long the lease is to last, in microseconds.
        waits: whether the asker waits where it cannot have it at once.
        is_automatic: whether a hook asks by itself, so that young places do not stop it.
    """

    noun: Noun
    agent_id: str
    keys: tuple[str, ...]
    mode: Mode
    ttl: int
    waits: bool = False
    is_automatic: bool = False


@final
class Granted(Struct, frozen=True):
    """It has it from now on.

    Attributes:
        place: where it waited.
        kept: keys that it had alone already, and so keeps although it asked to share them.
        upgrades: keys that it shared until now, and has alone from here on.
    """

    place: Place | None = None
    kept: tuple[str, ...] = ()
    upgrades: tuple[str, ...] = ()


@final
class Prolonged(Struct, frozen=True):
    """It has it already, by these keys of this grant, which is its own or, of a claim, its parent's.

    `is_automatic` says whether a hook has locked it by itself.
    """

    token: int
    keys: tuple[str, ...]
    expires_at: int
    agent_id: str
    is_automatic: bool = False


@final
class Refused(Struct, frozen=True):
    """Something stands in the way.

    Attributes:
        obstacle: what.
        circle: how that waits for the asker, which therefore may not wait for it; empty where it only asked.
    """

    obstacle: Obstacle
    circle: tuple[Wait, ...] = ()


@final
class Queued(Struct, frozen=True):
    """It waits: at a new place that passes some, or at the one that it has."""

    passes: frozenset[int] = frozenset()
    place: Place | None = None


Answer = Granted | Prolonged | Refused | Queued


def judge(standing: Standing, asked: Ask, now: int) -> Answer:
    """Judge a request."""
    if standing.is_clear(asked.noun, asked.keys):  # as mostly
        return Granted()
    own = _find_own(standing, asked, now)
    if own is None and asked.noun == "claim" and (parent := standing.families.parent_of(asked.agent_id)) is not None:
        own = _find_own(standing, replace(asked, agent_id=parent), now)
    if own is not None:
        if own.is_automatic and not asked.is_automatic and own.keys == asked.keys:
            # What an agent asks for outlasts its turn: a grant of its own.
            return grant(standing, Request(asked.noun, asked.agent_id, asked.keys, asked.mode), now)
        return own
    place = find_place(standing, asked, now) if standing.waiting else None
    request = Request(asked.noun, asked.agent_id, asked.keys, asked.mode, place)
    passes: frozenset[int] = frozenset()
    may_close = place is None and bool(standing.waiting) and may_close_circle(standing, request)
    if may_close:
        passes = _passed(standing, request, now)
    if place is None and standing.waiting and asked.is_automatic:
        young = _passed_by_automatic(standing, request, now, passes)
        if find_obstacle(standing, request, now, young) is None:
            return grant(standing, request, now)
    obstacle = find_obstacle(standing, request, now, passes)
    if obstacle is None:
        return grant(standing, request, now)
    if not asked.waits:
        return Refused(obstacle)
    closed = _find_circle(standing, request, now, passes) if may_close else None
    return closed or Queued(passes, place)


def find_grantable(standing: Standing, places: Iterable[Place], now: int) -> Iterator[Place]:
    """Of some places, those that nothing stands before; each is to be granted before the next is looked for.

    Args:
        standing: who holds what, and who waits; it may change between two places.
        places: in their order.
        now: the log's time.
    """
    left = list(places)
    while left:
        for place in _find_in_order(standing, left, now):
            yield place
            # A sub-agent may have stood before it, and waited for it.
            if standing.families.has_sub_agents(place.agent_id):
                left = [one for one in left if one.place_id in standing.waiting]
                break
        else:
            return


def _find_in_order(standing: Standing, places: Iterable[Place], now: int) -> Iterator[Place]:
    """The same, where no grant lets an earlier place be served."""
    first: dict[tuple[Noun, tuple[str, ...]], Place] = {}
    for place in places:
        ahead = first.get((place.noun, place.keys))
        # A crowd before one file: a place after one that waits for the same alone need not be looked at.
        own = ahead is None or ahead.agent_id in standing.families.and_parent(place.agent_id)
        if ahead is not None and not own and ahead.place_id not in place.passes:
            continue
        if place.mode == "exclusive":
            first.setdefault((place.noun, place.keys), place)
        if place.is_active(now) and find_obstacle(standing, request_at(place), now) is None:
            yield place


def grant(standing: Standing, request: Request, now: int) -> Granted:
    """What a request comes to that nothing stands in the way of.

    What an agent has is never made weaker by asking for more: a key that it has alone stays so.
    """
    place = request.place
    if not standing.held_by(request.agent_id):
        return Granted(place)
    other: Mode = "exclusive" if request.mode == "shared" else "shared"
    held = [standing.find(request.noun, key, request.agent_id) for key in request.keys]
    changed = tuple(one.key for one in held if one is not None and one.mode == other and one.is_active(now))
    return Granted(place, kept=changed) if request.mode == "shared" else Granted(place, upgrades=changed)


def find_place(standing: Standing, asked: Ask, now: int) -> Place | None:
    """Where the same agent waits for the same already."""
    for place in standing.places_of(asked.agent_id):
        same = place.noun == asked.noun and place.mode == asked.mode and set(place.keys) == set(asked.keys)
        if same and place.is_active(now):
            return place
    return None


def witness_of(obstacle: Obstacle) -> str | None:
    """A path that both the request and what stands in its way cover; None for claims."""
    if obstacle.by.noun == "claim":
        return None
    return find_witness(parse_key(obstacle.key).path, parse_key(obstacle.held).path)


def find_lapsed(standing: Standing, now: int) -> Iterator[Holding]:
    """Drop what is over, and tell the leases of it that somebody waits for."""
    for holding in standing.end(now):
        request = Request(holding.noun, holding.agent_id, (holding.key,), holding.mode)
        if next(find_waiters(standing, request, now), None) is not None:
            yield holding


def _find_own(standing: Standing, asked: Ask, now: int) -> Prolonged | None:
    """What the asker has of it already: just that, or a pattern that covers all of it."""
    noun, agent_id, mode = asked.noun, asked.agent_id, asked.mode
    token, longest, is_automatic = 0, now + asked.ttl, False
    for key in asked.keys:
        one = standing.find(noun, key, agent_id)
        if one is None or one.expires_at < now or not is_enough(one.mode, mode) or token not in {0, one.token}:
            break
        token, longest = one.token, max(longest, one.expires_at)
        is_automatic = is_automatic or one.is_automatic
    else:
        return Prolonged(token, asked.keys, longest, agent_id, is_automatic)
    if noun == "lock":
        for pattern in islice(standing.patterns_of(agent_id), MAX_OWN_PATTERNS):
            serves = pattern.is_active(now) and is_enough(pattern.mode, mode)
            if serves and all(pattern.covers(key) for key in asked.keys):
                longest = max(now + asked.ttl, pattern.expires_at)
                return Prolonged(pattern.token, (pattern.key,), longest, agent_id, pattern.is_automatic)
    return None


def _passed(standing: Standing, request: Request, now: int) -> frozenset[int]:
    """The places that wait for the asker already."""
    if not standing.can_be_waited_for(request.agent_id):
        return frozenset()
    before = [obstacle.by for obstacle in find_places(standing, request, now)]
    if find_chain(standing, {place.agent_id for place in before}, request.agent_id, now) is None:
        return frozenset()
    agents = {
        agent: find_chain(standing, [agent], request.agent_id, now) is not None
        for agent in {place.agent_id for place in before}
    }
    return frozenset(place.place_id for place in before if isinstance(place, Place) and agents[place.agent_id])


def _passed_by_automatic(standing: Standing, request: Request, now: int, passes: frozenset[int]) -> frozenset[int]:
    asker = request.agent_id
    waited_for = WaitedFor(standing, places_of_family(standing, asker))
    young = {
        place.place_id
        for place in (obstacle.by for obstacle in find_places(standing, request, now, passes))
        if isinstance(place, Place)
        and now - place.queued_at < YOUNG_SEC * MICROSECONDS
        and not (waited_for.includes(place.agent_id) and find_chain(standing, [asker], place.agent_id, now) is not None)
    }
    return passes | young


def _find_circle(standing: Standing, request: Request, now: int, passes: frozenset[int]) -> Refused | None:
    """Why a request may not wait: what stands in its way waits for the asker."""
    if not standing.can_be_waited_for(request.agent_id):
        return None
    ahead: dict[str, Obstacle] = {}
    for obstacle in find_obstacles(standing, request, now, passes):
        ahead.setdefault(obstacle.agent_id, obstacle)
    chain = find_chain(standing, ahead, request.agent_id, now)
    if not chain:
        return None
    agent_id = chain[0].agent_id
    if agent_id not in ahead:  # another of its family is in the way
        head_of = standing.families.head_of
        agent_id = next(one for one in ahead if head_of(one) == head_of(agent_id))
    first = ahead[agent_id]
    begin = Wait(request.agent_id, request.noun, first.held, agent_id)
    return Refused(first, (begin, *chain))
