"""Orphans: places whose hub is dead, so that nobody is there who could grant them.

Such a place is kept for its agent like any other, which may go on at it at another hub. But as soon as nothing stands
before it, it would only keep others waiting, and is given up. A hub is dead when the process that it said it runs in is
known to be gone; of another machine's nothing is known, and its places end with their time.
"""

from collections.abc import Callable, Iterator
from typing import Final

from arclog.deciders.holdings import Place
from arclog.deciders.leases import find_grantable
from arclog.deciders.standing import Standing
from arclog.events.processes import Process
from projections.hub.processes import is_dead

FindProcess = Callable[[str], Process | None]
"""Tells the process that a hub said it runs in."""
LOOK_EVERY: Final = 500_000
"""How often it is looked whether the hubs live that others wait at, in microseconds."""


class Orphans:
    """What one hub knows of the others at which somebody waits.

    Args:
        hub_id: this hub.
        is_dead: whether a process is known to be gone.
        look_every: how often that is looked at, in microseconds.
    """

    def __init__(self, hub_id: str, is_dead: Callable[[Process], bool] = is_dead, look_every: int = LOOK_EVERY) -> None:
        self._hub_id: Final = hub_id
        self._is_dead = is_dead
        self._look_every: Final = look_every
        self._dead: set[str] = set()
        self._processes: dict[str, Process] = {}
        """The processes of the hubs at which others wait, which never change."""
        self._look_at = 0

    def may_be(self, standing: Standing) -> bool:
        """Whether anybody waits at another hub."""
        return len(standing.places_at) > (self._hub_id in standing.places_at)

    def next_look_at(self, standing: Standing) -> int | None:
        """When to look again whether those hubs live."""
        return self._look_at if self.may_be(standing) else None

    def look(self, standing: Standing, find_process: FindProcess, now: int) -> bool:
        """Look whether the hubs live that others wait at, unless that was done just now.

        Returns:
            Whether one turned out to be dead.
        """
        if now < self._look_at:
            return False
        self._look_at = now + self._look_every
        found = False
        for hub_id in standing.places_at:
            if hub_id != self._hub_id and hub_id not in self._dead:
                process = self._processes.get(hub_id) or find_process(hub_id)
                if process is None:
                    continue
                self._processes[hub_id] = process
                if self._is_dead(process):
                    self._dead.add(hub_id)
                    found = True
        return found

    def find(self, standing: Standing, find_process: FindProcess, now: int) -> Iterator[Place]:
        """The places that are to be given up; each is to be gone before the next is looked for."""
        self.look(standing, find_process, now)
        for hub_id in self._dead.intersection(standing.places_at):
            found: Place | None = None
            while found is None or found.place_id not in standing.waiting:  # one that goes may free the next
                found = next(find_grantable(standing, list(standing.places_at.get(hub_id, {}).values()), now), None)
                if found is None:
                    break
                yield found
