"""Lines: the places of those who wait for the very same, in their order.

A thousand that wait for one file are one line, and what it overlaps is found once for all of them.
"""

from collections.abc import Iterator

from arclog.deciders.holdings import MODES, Place
from arclog.events.leases import Mode, Noun
from arclog.overlaps import Overlaps, SameKeys

Kind = tuple[Noun, tuple[str, ...], Mode]
"""What is waited for."""
_OWNER = ""
"""A line is nobody's."""
_NO_OWNER = "\n"
"""Whose lines are left out: those of none."""


class Line:
    """The places at which the very same is waited for.

    Attributes:
        kind: what that is.
        places: the places by their ids, which is their order.
        agents: how many of the places are each agent's.
    """

    __slots__ = ("agents", "kind", "places")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.places: dict[int, Place] = {}
        self.agents: dict[str, int] = {}


class Lines:
    """All lines.

    Attributes:
        several: agents that wait at several places.
    """

    def __init__(self) -> None:
        self.several: set[str] = set()
        self._of_kind: dict[Kind, Line] = {}
        self._meeting: dict[Noun, dict[Mode, Overlaps[Line] | SameKeys[Line]]] = {
            "lock": {mode: Overlaps() for mode in MODES},
            "claim": {mode: SameKeys() for mode in MODES},
        }

    def add(self, place: Place) -> None:
        """Somebody waits from now on, after all others."""
        line = self._of_kind.get(place.kind)
        if line is None:
            line = self._of_kind[place.kind] = Line(place.kind)
            for key in place.keys:
                self._meeting[place.noun][place.mode].add(key, _OWNER, line)
        line.places[place.place_id] = place
        line.agents[place.agent_id] = line.agents.get(place.agent_id, 0) + 1

    def remove(self, place: Place) -> None:
        """A place is over."""
        line = self._of_kind[place.kind]
        del line.places[place.place_id]
        if line.agents[place.agent_id] > 1:
            line.agents[place.agent_id] -= 1
            return
        del line.agents[place.agent_id]
        if not line.places:
            del self._of_kind[place.kind]
            for key in place.keys:
                self._meeting[place.noun][place.mode].remove(key, _OWNER, line)

    def meeting(self, noun: Noun, mode: Mode, key: str) -> Iterator[tuple[Line, str]]:
        """The lines in one mode that overlap a key, each with its own key that does."""
        return self._meeting[noun][mode].find(key, _NO_OWNER)

    def places_meeting(self, noun: Noun, mode: Mode, key: str, but: str) -> Iterator[tuple[Place, str]]:
        """The places in these lines that are not of the agent `but`."""
        for line, own_key in self.meeting(noun, mode, key):
            for place in line.places.values():
                if place.agent_id != but:
                    yield place, own_key
