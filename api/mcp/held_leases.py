"""What an agent got and has not given back, so that it learns at once when it holds something no longer.

A lease that lapses leaves no event, and an agent that was silent too long loses what it held without being asked. Both
are told with the agent's next answer, whatever that is about, for until then it works on as if nothing had happened.
"""

import time
from collections.abc import Callable, Collection
from typing import Final

from msgspec import Struct

from api.mcp.port import Port, read_all
from arclog.events import JsonObject
from arclog.list_cursors import lock_cursor

MAX_HELD: Final = 1000
"""What is remembered of one agent; the lease that was taken longest ago is forgotten first."""
NOUNS: Final = {"locks": "lock on", "claims": "claim"}


class HeldLease(Struct, frozen=True):
    """A lease: `kind` is `locks` or `claims`, `name` the path or the key."""

    kind: str
    name: str


class HeldLeases:
    """The leases of one agent, each with the time when it lapses.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._until: dict[HeldLease, float] = {}
        self._clock = clock

    def __bool__(self) -> bool:
        return bool(self._until)

    def add(self, kind: str, name: str, ttl_sec: float) -> None:
        """A lease was granted or prolonged."""
        self._until.pop(HeldLease(kind, name), None)
        self._until[HeldLease(kind, name)] = self._clock() + ttl_sec
        if len(self._until) > MAX_HELD:
            del self._until[next(iter(self._until))]

    def drop(self, kind: str, name: str) -> None:
        """A lease was given back, or turned out to be another's."""
        self._until.pop(HeldLease(kind, name), None)

    def take_lapsed(self) -> list[str]:
        """Say of each lease that lapsed since the last call that it did, and forget it."""
        now = self._clock()
        lapsed = [held for held, until in self._until.items() if until < now]
        for held in lapsed:
            del self._until[held]
        return [f"Your {_phrase(held)} has lapsed: ask for it again before you go on." for held in lapsed]

    async def compare(self, port: Port, agent_id: str) -> list[str]:
        """Ask the hub what the agent still holds, and say of each lease that it does not that it is lost.

        Raises:
            HubRefused: the hub would not, or is not there.
        """
        lost: list[str] = []
        kinds = self.kinds()
        if "locks" in kinds:
            held = await read_all(port, "/v1/locks", name_lock, agent_id=agent_id, active_only=True)
            lost += self.keep_only("locks", {one["file_path"] for one in held})
        if "claims" in kinds:
            held = await read_all(port, "/v1/claims", name_claim, active_only=True)
            lost += self.keep_only("claims", {one["claim_key"] for one in held if one["owner_agent_id"] == agent_id})
        return lost

    def keep_only(self, kind: str, names: Collection[str]) -> list[str]:
        """Say of each lease of a kind that is not among `names` that it is lost, and forget it."""
        lost = [held for held in self._until if held.kind == kind and held.name not in names]
        for held in lost:
            del self._until[held]
        return [
            f"You were silent for too long, and your {_phrase(held)} was released: ask for it again before you go on."
            for held in lost
        ]

    def kinds(self) -> set[str]:
        """The kinds of what is held."""
        return {held.kind for held in self._until}


def name_claim(row: JsonObject) -> str:
    """The name of a claim's row in the hub's list."""
    return str(row["claim_key"])


def name_lock(row: JsonObject) -> str:
    """The name of a lock's row in the hub's list."""
    return lock_cursor(row["file_path"], row.get("mode", "exclusive"), row["agent_id"])


def _phrase(held: HeldLease) -> str:
    return f"{NOUNS[held.kind]} {held.name}"
