"""Presence: who counts as there, when a hub vouches for its agents, and when somebody's silence is too long.

All times are microseconds of the log's clock.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from msgspec import Struct

from arclog.deciders.sessions import LiveSession
from arclog.events import HubVouched
from arclog.limits import MICROSECONDS

LONGEST_TOOL: Final = 3600 * MICROSECONDS
"""How long an agent counts as there at most, from the start of a tool that has not ended."""


def vouch_interval(presence_ttl: int) -> int:
    """How often a hub vouches at most: every third of the presence TTL."""
    return presence_ttl // 3


def bearable_gap(presence_ttl: int) -> int:
    """How long a hub may have heard nobody, for whatever reason, before that counts as not having listened."""
    return max(MICROSECONDS // 2, min(30 * MICROSECONDS, presence_ttl // 3))


class Vouching(Struct, frozen=True):
    """What is known when a hub may have to vouch for its agents.

    Attributes:
        hub_id: the hub.
        here: the agents with a live session who are there now, or were lately, and when each was last there as the
            tables have it.
        has: the agents whom the hub has already.
        last_at: when it last vouched.
        ttl: the presence TTL.
    """

    hub_id: str
    here: Mapping[str, int]
    has: AbstractSet[str] = frozenset()
    last_at: int = 0
    ttl: int = 0


def vouch_due_at(state: Vouching) -> int | None:
    """When the hub has to vouch, if nobody does anything until then; None while nobody's silence would count.

    An agent's silence would count once a third of the presence TTL has passed since it was last there.
    """
    if not state.here:
        return None
    interval = vouch_interval(state.ttl)
    return max(state.last_at, min(state.here.values())) + interval


def decide_vouch(state: Vouching, now: int) -> HubVouched | None:
    """Vouch for all that are here, if it is time, in terms of what has changed since the hub last did."""
    due_at = vouch_due_at(state)
    if due_at is None or due_at > now:
        return None
    return HubVouched(
        hub_id=state.hub_id,
        taken_up=tuple(sorted(state.here.keys() - state.has)),
        given_up=tuple(sorted(state.has - state.here.keys())),
    )


def expires_at(session: LiveSession, last_here_at: int, listens_since: int, ttl: int) -> int:
    """When a session is over, if nothing is heard of its agent until then: one microsecond after the presence TTL.

    Args:
        session: the session, with the time when its agent was last there as the tables have it.
        last_here_at: when it was last there as the hub that asks has noticed.
        listens_since: when that hub began to listen; what was said before may have met no hub.
        ttl: the presence TTL.
    """
    return max(session.last_seen_at, last_here_at, listens_since) + ttl + 1
