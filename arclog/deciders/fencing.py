"""Fencing: is a holder still the holder?

A lease may end while its holder sleeps, and be granted to another. The fencing token, the event that granted it, tells
the two apart: a caller that names one is believed only while it is the current one.
"""

from arclog.deciders.holdings import Holding
from arclog.deciders.standing import Standing
from arclog.errors import InvalidInput, NotFound, StaleToken
from arclog.events.leases import Noun


def get_held(
    standing: Standing, noun: Noun, keys: tuple[str, ...], agent_id: str, token: int | None, now: int
) -> tuple[Holding, ...]:
    """What an agent names of what it holds.

    Args:
        standing: who holds what, and who waits.
        noun: what kind of lease it is.
        keys: the keys that it names; without any, all that is left of the grant `token`.
        agent_id: the agent.
        token: the fencing token that it has, if it tells it.
        now: the log's time.

    Raises:
        NotFound: it does not hold one of the keys.
        StaleToken: it does not hold it under that token.
    """
    if not keys:
        keys = tuple(one.key for one in standing.grant_of(token or 0))
    found: list[Holding] = []
    for name in keys:
        one = standing.find(noun, name, agent_id)
        if one is None or not one.is_active(now):
            others = [other.agent_id for other in standing.holders(noun, name) if other.is_active(now)]
            instead = f"; {' and '.join(others)} {'has' if len(others) == 1 else 'have'} it" if others else ""
            if token is not None:
                raise StaleToken(noun, token, f"{name} is not held by {agent_id}{instead}")
            raise NotFound(noun, name, f"is not held by {agent_id}{instead}")
        if token is not None and one.token != token:
            raise StaleToken(noun, token, f"{agent_id} holds {one.key} under {one.token}")
        found.append(one)
    if not found and token is not None:
        raise StaleToken(noun, token, "no such grant is held")
    return tuple(found)


def check_required(standing: Standing, stream: str, token: int, agent_id: str, now: int) -> None:
    """See that an agent, or its parent, still has what it relies on.

    Args:
        standing: who holds what, and who waits.
        stream: what it relies on, such as `lock/src/a.py` or `claim/task-42`.
        token: the fencing token that it was granted under.
        agent_id: the agent.
        now: the log's time.

    Raises:
        InvalidInput: the stream is not that of a lease.
        StaleToken: it has not.
    """
    noun, _, key = stream.partition("/")
    if noun not in {"lock", "claim"} or not key:
        raise InvalidInput("require", f"names locks and claims, such as lock/src/a.py, not {stream!r}")
    theirs = standing.families.and_parent(agent_id)
    for one in standing.grant_of(token):
        if one.noun == noun and one.agent_id in theirs and one.is_active(now) and one.covers(key):
            return
    raise StaleToken(noun, token, f"it gives {agent_id} no {stream} now")
