"""Handing over: a lease goes from one agent to another, with no moment in between at which it is free.

Those who waited for the giver wait for the receiver from then on, so it is refused where the receiver waits for one of
them. What the receiver was waiting for itself, and gets so, is served by it.
"""

from collections.abc import Iterable

from arclog.deciders.circles import deadlock_of
from arclog.deciders.holdings import Holding, Place, is_enough
from arclog.deciders.standing import Standing
from arclog.deciders.waits import Request, find_chain, find_holders, find_waiters, opposed
from arclog.errors import Conflict, InvalidInput, NotFound
from arclog.events.leases import Wait


def check_handover(standing: Standing, given: Iterable[Holding], receiver: str, now: int) -> tuple[int, ...]:
    """Judge the handing over of some leases of one grant.

    Args:
        standing: who holds what, and who waits.
        given: what is handed over, all of one agent.
        receiver: who is to have it.
        now: the log's time.

    Returns:
        The receiver's places that are served by it.

    Raises:
        Conflict: the giver would keep something that overlaps what it gives, or its parent or a sub-agent of it would.
        Deadlock: the receiver would be waited for by one that it waits for.
    """
    given = list(given)
    for one in given:
        for mode in opposed(one.mode):
            for kept, key in standing.holdings[one.noun][mode].find_own(one.key, one.agent_id):
                if kept not in given and kept.is_active(now):
                    raise Conflict(
                        f"{one.agent_id} would keep {key}, which overlaps {one.key}: hand over both, as one set"
                    )
        if standing.families:
            _check_relatives(standing, one, given, receiver, now)
    served = tuple(place.place_id for place in standing.places_of(receiver) if _serves(given, place))
    for one in given:
        request = Request(one.noun, receiver, (one.key,), one.mode)
        for waiting in find_waiters(standing, request, now):
            chain = find_chain(standing, [receiver], waiting.agent_id, now, without=served, given=given)
            if chain is not None:
                raise deadlock_of(
                    [*chain, Wait(waiting.agent_id, one.noun, one.key, receiver)], "hand it to somebody else"
                )
    return served


def _check_relatives(standing: Standing, one: Holding, given: list[Holding], receiver: str, now: int) -> None:
    """See that a lock does not go to one that it could not have beside the giver's parent, or beside its sub-agents."""
    for obstacle in find_holders(standing, Request(one.noun, receiver, (one.key,), one.mode), now):
        if obstacle.by not in given and standing.families.parent_of(obstacle.agent_id) != receiver:
            raise Conflict(
                f"{obstacle.agent_id} holds {obstacle.held}, which overlaps {one.key}: "
                f"{receiver} can have it only when that is free"
            )


def check_receiver(giver: str, receiver: str) -> None:
    """See that something is handed to somebody else.

    Raises:
        InvalidInput: it is not.
    """
    if receiver == giver:
        raise InvalidInput("to_agent_id", "must be another agent")


def check_presence(receiver: str, *, is_live: bool) -> None:
    """See that there is somebody to whom it can be handed.

    Raises:
        NotFound: the receiver has no live session.
    """
    if not is_live:
        raise NotFound("agent", receiver, "has no active session, so nothing can be handed to it")


def _serves(given: list[Holding], place: Place) -> bool:
    """Whether what is given is all that a place waits for."""
    return all(
        any(one.noun == place.noun and is_enough(one.mode, place.mode) and one.covers(key) for one in given)
        for key in place.keys
    )
