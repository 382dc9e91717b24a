"""Holdings and places: one key of a grant, and one request that waits."""

from typing import Final

from msgspec import Struct

from arclog.events.leases import Mode, Noun
from arclog.paths import key_contains

MODES: Final[tuple[Mode, Mode]] = ("exclusive", "shared")


def is_enough(has: Mode, wants: Mode) -> bool:
    """Whether one mode gives what another asks for."""
    return has in {wants, "exclusive"}


class Holding(Struct, eq=False, gc=False):
    """One key of a grant.

    Attributes:
        noun: what kind of lease it is.
        key: what is held.
        agent_id: who holds it.
        mode: whether others may hold it too.
        token: the event of the grant.
        expires_at: the last microsecond at which it is held.
        is_automatic: whether a hook asked for it by itself, so that it ends with its holder's turn.
        look_at: when to see whether it is over.
    """

    noun: Noun
    key: str
    agent_id: str
    mode: Mode
    token: int
    expires_at: int
    is_automatic: bool = False
    look_at: int = 0

    def is_active(self, now: int) -> bool:
        """A lease holds up to and including the microsecond at which it expires."""
        return self.expires_at >= now

    def covers(self, key: str) -> bool:
        """Whether all that is meant by a key is surely held with it."""
        return self.key == key or (self.noun == "lock" and key_contains(self.key, key))


class Place(Struct, eq=False, gc=False):
    """One request that waits.

    Attributes:
        place_id: the event that queued it; who came earlier has a smaller one.
        noun: what kind of lease it waits for.
        keys: all that it asks for.
        agent_id: who waits.
        mode: how it asks for it.
        expires_at: the last microsecond at which the place counts, unless another call goes on at it.
        queued_at: when it was made.
        ttl: how long its lease will last, in microseconds.
        passes: earlier places that it does not wait for.
        hub_id: the hub that holds its call, or held the last.
        look_at: when to see whether it is over.
    """

    place_id: int
    noun: Noun
    keys: tuple[str, ...]
    agent_id: str
    mode: Mode
    expires_at: int
    queued_at: int
    ttl: int
    passes: frozenset[int] = frozenset()
    hub_id: str = ""
    look_at: int = 0

    @property
    def kind(self) -> tuple[Noun, tuple[str, ...], Mode]:
        """What is waited for: who waits for the same stands in one line."""
        return self.noun, self.keys, self.mode

    def is_active(self, now: int) -> bool:
        """Whether it still counts."""
        return self.expires_at >= now

    def stands_behind(self, other: "Place") -> bool:
        """Whether `other` comes first, where the two cannot go together."""
        if other.place_id < self.place_id:
            return other.place_id not in self.passes
        return self.place_id in other.passes
