"""Who waits for whom: what stands in a request's way, and whether waiting for it would close a circle.

A request waits for those who hold what it cannot share, and for those who asked for it earlier and still wait. Agents
wait for agents, whatever it is about: locks and claims are one graph, in which a family (`arclog.deciders.families`)
counts as one agent. It has no circle at any time, because a request that would close one is refused; nor have the waits
inside one family.
"""

from collections.abc import Callable, Container, Iterable, Iterator

from msgspec import Struct

from arclog.deciders.holdings import MODES, Holding, Place
from arclog.deciders.standing import Standing
from arclog.events.leases import Mode, Noun, Wait


class Request(Struct, frozen=True):
    """What somebody wants.

    Attributes:
        noun: what kind of lease.
        agent_id: for whom.
        keys: all that it covers.
        mode: whether others may have it at the same time.
        place: where it waits already; without one it stands after all that do.
    """

    noun: Noun
    agent_id: str
    keys: tuple[str, ...]
    mode: Mode
    place: Place | None = None


class Obstacle(Struct, frozen=True):
    """What stands in the way of a request.

    Attributes:
        key: the key of the request that it concerns.
        held: the key that is held, or asked for.
        by: the lease, or the place.
    """

    key: str
    held: str
    by: Holding | Place

    @property
    def agent_id(self) -> str:
        """Who has to make room."""
        return self.by.agent_id

    @property
    def event_id(self) -> int:
        """The event that made it: the grant of the lease, or the beginning of the wait."""
        return self.by.token if isinstance(self.by, Holding) else self.by.place_id


def find_holders(standing: Standing, request: Request, now: int) -> Iterator[Obstacle]:
    """The leases of others that cannot go together with a request; a sub-agent may use the locks of its parent."""
    parent = standing.families.parent_of(request.agent_id)
    for mode in opposed(request.mode):
        held = standing.holdings[request.noun][mode]
        for key in request.keys:
            for holding, held_key in held.find(key, request.agent_id):
                if holding.is_active(now) and (holding.noun == "claim" or holding.agent_id != parent):
                    yield Obstacle(key, held_key, holding)


def find_places(
    standing: Standing, request: Request, now: int, passes: Container[int] = frozenset()
) -> Iterator[Obstacle]:
    """The places of others that come before a request, and cannot go together with it.

    Args:
        standing: who holds what, and who waits.
        request: what is asked for.
        now: the log's time.
        passes: places that the request passes.
    """
    own = request.place
    for mode in opposed(request.mode):
        for key in request.keys:
            for place, asked_key in standing.lines.places_meeting(request.noun, mode, key, request.agent_id):
                first = place.place_id not in passes if own is None else own.stands_behind(place)
                if first and place.is_active(now):
                    yield Obstacle(key, asked_key, place)


def find_waiters(standing: Standing, held: Request, now: int) -> Iterator[Obstacle]:
    """The places of others in whose way something stands, or would stand if it were held so."""
    if not standing.waiting:
        return
    parent_of = standing.families.parent_of
    for mode in opposed(held.mode):
        for key in held.keys:
            for place, asked_key in standing.lines.places_meeting(held.noun, mode, key, held.agent_id):
                if place.is_active(now) and (held.noun == "claim" or parent_of(place.agent_id) != held.agent_id):
                    yield Obstacle(key, asked_key, place)


def find_obstacles(
    standing: Standing, request: Request, now: int, passes: Container[int] = frozenset()
) -> Iterator[Obstacle]:
    """All that stands in the way of a request, leases first."""
    yield from find_holders(standing, request, now)
    if standing.waiting:
        yield from find_places(standing, request, now, passes)


def find_obstacle(
    standing: Standing, request: Request, now: int, passes: Container[int] = frozenset()
) -> Obstacle | None:
    """The first thing that stands in the way of a request; None when nothing does."""
    return next(find_obstacles(standing, request, now, passes), None)


def find_chain(
    standing: Standing,
    starts: Iterable[str],
    goal: str,
    now: int,
    without: Container[int] = frozenset(),
    given: Container[Holding | Place] = (),
) -> list[Wait] | None:
    """How one of some agents waits for another, directly or through others.

    Args:
        standing: who holds what, and who waits.
        starts: the agents to begin with.
        goal: the agent that they may wait for.
        now: the log's time.
        without: places to leave out, because they are about to end.
        given: leases that are about to be the first of `starts`, so that it does not wait for them.

    Returns:
        The links from one of `starts` to `goal`; none when `goal` is among them, None when nobody waits for it. A
        family counts as one agent there, except where both are of the same family.
    """
    starts = list(starts)
    if goal in starts:
        return []
    if not standing.can_be_waited_for(goal):
        return None
    families = standing.families
    head = families.head_of(goal)
    inside = [one for one in starts if families.head_of(one) == head] if families else []
    outside = [one for one in starts if one not in inside] if inside else starts
    chain = _search(standing, _Goal(goal, head, families.head_of), outside, now, without, given)
    if chain is None and inside:
        chain = _search(standing, _Goal(goal, head, _as_itself, is_inside=True), inside, now, without, given)
    return chain


class _Goal(Struct, frozen=True):
    """Who may be waited for.

    Attributes:
        agent_id: the agent.
        head: the head of its family.
        counts_as: as whom an agent counts in the graph.
        is_inside: whether only waits inside that family are followed.
    """

    agent_id: str
    head: str
    counts_as: Callable[[str], str]
    is_inside: bool = False


def _as_itself(agent_id: str) -> str:
    return agent_id


def _search(
    standing: Standing,
    goal: _Goal,
    starts: Iterable[str],
    now: int,
    without: Container[int],
    given: Container[Holding | Place],
) -> list[Wait] | None:
    families, counts_as, target = standing.families, goal.counts_as, goal.counts_as(goal.agent_id)
    came: dict[str, Wait | None] = dict.fromkeys(map(counts_as, starts))
    waiting = list(came)
    known: dict[tuple[Noun, tuple[str, ...], Mode], int] = {}
    """For requests of one kind, how far back in their queue all are known that stand before them."""
    while waiting:
        one = waiting.pop()
        members = (one,) if goal.is_inside or not families else families.members_of(one)
        for place in [place for member in members for place in standing.places_of(member)]:
            if place.place_id in without or not place.is_active(now):
                continue
            for obstacle in _ahead(standing, place, now, known):
                holder = counts_as(obstacle.agent_id)
                if holder in came or obstacle.by in given:
                    continue
                if goal.is_inside and families.head_of(holder) != goal.head:
                    continue
                came[holder] = Wait(place.agent_id, obstacle.by.noun, obstacle.held, obstacle.agent_id, place.place_id)
                if holder == target:
                    return _trace(came, target, counts_as)
                waiting.append(holder)
    return None


def _ahead(
    standing: Standing, place: Place, now: int, known: dict[tuple[Noun, tuple[str, ...], Mode], int]
) -> Iterator[Obstacle]:
    """What stands in the way of a place, but for what is known from one that stands after it for the same."""
    kind = place.kind
    if place.place_id >= known.get(kind, 0):
        if not place.passes:
            known[kind] = place.place_id
        yield from find_obstacles(standing, request_at(place), now)
        return
    for passer in standing.passers.get(place.place_id, {}).values():
        if passer.is_active(now) and passer.agent_id != place.agent_id:
            yield Obstacle(place.keys[0], passer.keys[0], passer)


def request_at(place: Place) -> Request:
    """The request that waits at a place."""
    return Request(place.noun, place.agent_id, place.keys, place.mode, place)


def _trace(came: dict[str, Wait | None], target: str, counts_as: Callable[[str], str]) -> list[Wait]:
    links: list[Wait] = []
    link = came[target]
    while link is not None:
        links.append(link)
        link = came[counts_as(link.agent_id)]
    return links[::-1]


def opposed(mode: Mode) -> tuple[Mode, ...]:
    """The modes that do not go together with another."""
    return MODES if mode == "exclusive" else ("exclusive",)
