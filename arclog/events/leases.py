"""What the events of claims and of locks have in common."""

from typing import Final, Literal

from msgspec import Struct

from arclog.events.messages import SYSTEM

Mode = Literal["exclusive", "shared"]
Noun = Literal["lock", "claim"]
ReleaseReason = Literal["released", "owner_gone", "lapsed", "forced", "undelivered"]
LeaveReason = Literal["left", "owner_gone", "no_call", "hub_gone"]

FIRST_REASONS: Final[frozenset[ReleaseReason]] = frozenset(("released", "owner_gone"))
"""Why leases were freed under the first rules; after a release for another reason a hub must know newer ones."""


class Wait(Struct, frozen=True, omit_defaults=True, gc=False):
    """One link of a chain: an agent waits for a key that another has, or comes first for.

    Attributes:
        agent_id: who waits.
        noun: what the key is of.
        key: what is held, or asked for.
        holder: who has to make room.
        place: where it waits; None for the request that would close the circle.
    """

    agent_id: str
    noun: Noun
    key: str
    holder: str
    place: int | None = None


def releases(holder: str, reason: ReleaseReason, forced_by: str | None) -> str:
    """Who frees a lease: its holder, the operator who takes it away, or the hub."""
    if forced_by is not None:
        return forced_by
    return holder if reason == "released" else SYSTEM


def leaves(agent_id: str, reason: LeaveReason) -> str:
    """Who gives up a place in the queue: its agent, or the hub."""
    return agent_id if reason == "left" else SYSTEM
