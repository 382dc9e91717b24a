"""Who waits for whom: what stands in a request's way, and whether waiting for it would close a circle.

A request waits for those who hold what it cannot share, and for those who asked for it earlier and still wait. Agents
wait for agents, whatever it is about: locks and claims are one graph. It has no circle at any time, because a request
that would close one is refused.
"""

from collections.abc import Container, Iterable, Iterator

from msgspec import Struct

from arclog.deciders.standing import MODES, Holding, Mode, Noun, Place, Standing


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


class Wait(Struct, frozen=True):
    """One link of a chain: an agent waits for a key that another has, or comes first for."""

    agent_id: str
    key: str
    holder: str


def find_holders(standing: Standing, request: Request, now: int) -> Iterator[Obstacle]:
    """The leases of others that cannot go together with a request."""
    for mode in opposed(request.mode):
        held = standing.holdings[request.noun][mode]
        for key in request.keys:
            for holding, held_key in held.find(key, request.agent_id):
                if holding.is_active(now):
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
    if not standing.waiting:
        return
    own = request.place
    for mode in opposed(request.mode):
        asked = standing.places[request.noun][mode]
        for key in request.keys:
            for place, asked_key in asked.find(key, request.agent_id):
                first = place.place_id not in passes if own is None else own.stands_behind(place)
                if first and place.is_active(now):
                    yield Obstacle(key, asked_key, place)


def find_obstacles(
    standing: Standing, request: Request, now: int, passes: Container[int] = frozenset()
) -> Iterator[Obstacle]:
    """All that stands in the way of a request, leases first."""
    yield from find_holders(standing, request, now)
    yield from find_places(standing, request, now, passes)


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
        The links from one of `starts` to `goal`; none when `goal` is among them, None when nobody waits for it.
    """
    came: dict[str, Wait | None] = dict.fromkeys(starts)
    if goal in came:
        return []
    if not standing.can_be_waited_for(goal):
        return None
    waiting = list(came)
    known: dict[tuple[Noun, tuple[str, ...], Mode], int] = {}
    """For requests of one kind, how far back in their queue all are known that stand before them."""
    while waiting:
        agent_id = waiting.pop()
        for place in list(standing.places_of(agent_id)):
            if place.place_id in without or not place.is_active(now):
                continue
            for obstacle in _ahead(standing, place, now, known):
                holder = obstacle.agent_id
                if holder in came or obstacle.by in given:
                    continue
                came[holder] = Wait(agent_id, obstacle.held, holder)
                if holder == goal:
                    return _trace(came, goal)
                waiting.append(holder)
    return None


def _ahead(
    standing: Standing, place: Place, now: int, known: dict[tuple[Noun, tuple[str, ...], Mode], int]
) -> Iterator[Obstacle]:
    """What stands in the way of a place, but for what is known from one that stands after it for the same."""
    kind = (place.noun, place.keys, place.mode)
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


def _trace(came: dict[str, Wait | None], goal: str) -> list[Wait]:
    links: list[Wait] = []
    link = came[goal]
    while link is not None:
        links.append(link)
        link = came[link.agent_id]
    return links[::-1]


def opposed(mode: Mode) -> tuple[Mode, ...]:
    """The modes that do not go together with another."""
    return MODES if mode == "exclusive" else ("exclusive",)
