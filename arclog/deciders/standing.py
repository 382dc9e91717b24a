"""What stands: who holds what, and who waits for what, right after one event of the log.

It follows from the events of claims and locks alone, one after the other, so every hub has the same. What has lapsed is
kept until it is looked for: whether a lease or a place still counts depends on the time, and nobody here knows it.
"""

from collections.abc import Container, Iterable, Iterator
from heapq import heapify, heappop, heappush
from typing import Final, TypeVar

from arclog.deciders.families import Families
from arclog.deciders.holdings import MODES, Holding, Place
from arclog.deciders.lines import Lines
from arclog.events.leases import Mode, Noun
from arclog.overlaps import Overlaps, SameKeys
from arclog.patterns import is_pattern

K = TypeVar("K")
I = TypeVar("I")  # noqa: E741 - key, inner key, value
V = TypeVar("V")

LEAST_ENDINGS: Final = 1_024
"""How many ends are known before it is looked which of them still matter."""

Overlapping = Overlaps[Holding] | SameKeys[Holding]


class Standing:
    """Who holds what, and who waits for what. The verbs are those of the events."""

    def __init__(self) -> None:
        self.holdings: dict[Noun, dict[Mode, Overlapping]] = {
            "lock": {mode: Overlaps() for mode in MODES},
            "claim": {mode: SameKeys() for mode in MODES},
        }
        self.lines = Lines()
        self.families = Families()
        self.waiting: dict[int, Place] = {}
        """All places by their ids, which is their order."""
        self.places_at: dict[str, dict[int, Place]] = {}
        """The places of each hub: that which holds the call, or held the last."""
        self.passers: dict[int, dict[int, Place]] = {}
        """For a place that was passed, the places that passed it."""
        self.is_loosened = False
        """Whether something ended since this was last set back, so that somebody may have been waiting for it."""
        self._grants: dict[int, dict[str, Holding]] = {}
        self._of_key: dict[tuple[Noun, str], dict[str, Holding]] = {}
        self._of_agent: dict[str, dict[Holding, None]] = {}
        self._patterns_of: dict[str, dict[Holding, None]] = {}
        self._places_of: dict[str, dict[int, Place]] = {}
        self._endings: list[tuple[int, int, Holding | Place]] = []
        """What ends when, the next first: each is there once, and looked at again when it is due."""
        self._most_endings = LEAST_ENDINGS
        self._turn = 0

    # Questions --------------------------------------------------------------------------------------------------------

    def find(self, noun: Noun, key: str, agent_id: str) -> Holding | None:
        """What an agent holds by just that key."""
        return self._of_key.get((noun, key), {}).get(agent_id)

    def holders(self, noun: Noun, key: str) -> Iterable[Holding]:
        """All that hold just that key."""
        return self._of_key.get((noun, key), {}).values()

    def is_held(self, noun: Noun, key: str) -> bool:
        """Whether anybody holds just that key."""
        return (noun, key) in self._of_key

    def grant_of(self, token: int) -> Iterable[Holding]:
        """All that is still held of a grant."""
        return self._grants.get(token, {}).values()

    def held_by(self, agent_id: str) -> Iterable[Holding]:
        """All that an agent holds."""
        return self._of_agent.get(agent_id, {})

    def patterns_of(self, agent_id: str) -> Iterable[Holding]:
        """An agent's locks with a wildcard, by grant and key, so that every caller sees them in the same order."""
        return self._patterns_of.get(agent_id, {})

    def places_of(self, agent_id: str) -> Iterable[Place]:
        """All places at which an agent waits."""
        return self._places_of.get(agent_id, {}).values()

    def is_waiting(self, agent_id: str, place_id: int, now: int) -> bool:
        """Whether an agent waits at a place."""
        place = self.waiting.get(place_id)
        return place is not None and place.agent_id == agent_id and place.is_active(now)

    def has_anything(self, agent_id: str, now: int) -> bool:
        """Whether an agent holds something, or waits for something."""
        held, waiting = self.held_by(agent_id), self.places_of(agent_id)
        return any(one.is_active(now) for one in held) or any(one.is_active(now) for one in waiting)

    def can_be_waited_for(self, agent_id: str) -> bool:
        """Whether an agent, or one of its family, holds anything or stands anywhere."""
        if not self.families:  # as nearly always
            return agent_id in self._of_agent or agent_id in self._places_of
        members = self.families.members_of(self.families.head_of(agent_id))
        return any(one in self._of_agent or one in self._places_of for one in members)

    def is_clear(self, noun: Noun, keys: Iterable[str]) -> bool:
        """Whether surely nobody waits, and nobody holds anything that overlaps these keys, the asker included."""
        if self.waiting:
            return False
        for held in self.holdings[noun].values():
            for key in keys:
                if not held.is_clear(key):
                    return False
        return True

    # Facts ------------------------------------------------------------------------------------------------------------

    def grant(
        self,
        noun: Noun,
        keys: Iterable[str],
        agent_id: str,
        mode: Mode,
        token: int,
        expires_at: int,
        kept: Container[str] = (),
        *,
        is_automatic: bool = False,
    ) -> None:
        """Somebody got something; what it held by the same keys is part of it from now on.

        Args:
            noun: what kind of lease it is.
            keys: what was granted.
            agent_id: to whom.
            mode: whether others may have it too.
            token: the event that granted it.
            expires_at: the last microsecond at which it is held.
            kept: keys that the agent had alone already, and has so whatever the mode.
            is_automatic: whether a hook asked by itself.
        """
        asked = mode
        patterns: list[Holding] = []
        for key in keys:
            mode = "exclusive" if key in kept else asked
            on = (noun, key)
            for before in list(self._of_key[on].values()) if on in self._of_key else ():
                shares = mode == "shared" or (noun == "lock" and self.families.are_related(before.agent_id, agent_id))
                if before.agent_id == agent_id or not shares:
                    self._drop(before)
            holding = Holding(noun, key, agent_id, mode, token, expires_at, is_automatic)
            self.holdings[noun][mode].add(key, agent_id, holding)
            self._grants.setdefault(token, {})[key] = holding
            self._of_key.setdefault(on, {})[agent_id] = holding
            self._of_agent.setdefault(agent_id, {})[holding] = None
            if noun == "lock" and is_pattern(key):
                patterns.append(holding)
            self._note_end(holding)
        if patterns:
            self._patterns_of.setdefault(agent_id, {}).update(dict.fromkeys(sorted(patterns, key=_key_of)))

    def prolong(self, token: int, keys: Iterable[str], expires_at: int) -> None:
        """Some keys of a grant are held until another time."""
        for key in keys:
            holding = self._grants.get(token, {}).get(key)
            if holding is not None:
                holding.expires_at = expires_at
                self._note_end(holding)

    def release(self, token: int, keys: Iterable[str]) -> None:
        """Some keys of a grant are free."""
        for key in keys:
            holding = self._grants.get(token, {}).get(key)
            if holding is not None:
                self._drop(holding)
                self.is_loosened = True

    def queue(self, place: Place) -> None:
        """Somebody waits from now on."""
        self.waiting[place.place_id] = place
        of_agent = self._places_of.setdefault(place.agent_id, {})
        of_agent[place.place_id] = place
        if len(of_agent) > 1:
            self.lines.several.add(place.agent_id)
        self.places_at.setdefault(place.hub_id, {})[place.place_id] = place
        self.lines.add(place)
        for passed in place.passes:
            self.passers.setdefault(passed, {})[place.place_id] = place
        self._note_end(place)

    def hand_over(self, token: int, keys: Iterable[str], to_agent_id: str, new_token: int) -> None:
        """Some keys of a grant are another agent's from now on, as they were held."""
        for key in sorted(keys):
            holding = self._grants.get(token, {}).get(key)
            if holding is not None:
                self._drop(holding)
                self.grant(holding.noun, (key,), to_agent_id, holding.mode, new_token, holding.expires_at)
        self.is_loosened = True

    def wait_on(self, place_id: int, expires_at: int, hub_id: str = "") -> None:
        """Another call goes on at a place."""
        place = self.waiting.get(place_id)
        if place is not None:
            place.expires_at = expires_at
            if hub_id != place.hub_id:
                _discard(self.places_at, place.hub_id, place_id)
                self.places_at.setdefault(hub_id, {})[place_id] = place
                place.hub_id = hub_id
            self._note_end(place)

    def leave(self, place_id: int) -> None:
        """A place is over: its request was granted, or gave up."""
        place = self.waiting.pop(place_id, None)
        if place is None:
            return
        self.is_loosened = True
        self.lines.remove(place)
        for passed in place.passes:
            _discard(self.passers, passed, place_id)
        self.passers.pop(place_id, None)
        _discard(self._places_of, place.agent_id, place_id)
        if len(self._places_of.get(place.agent_id, ())) <= 1:
            self.lines.several.discard(place.agent_id)
        _discard(self.places_at, place.hub_id, place_id)

    def end(self, now: int) -> Iterator[Holding]:
        """Drop what is over by `now`.

        Yields:
            Each lease that lapsed; the places go quietly.
        """
        while self._endings and self._endings[0][0] < now:
            look_at, _turn, ending = heappop(self._endings)
            if look_at != ending.look_at or not self._is_there(ending):
                continue
            ending.look_at = 0
            if ending.is_active(now):
                self._note_end(ending)
            elif isinstance(ending, Holding):
                self._drop(ending)
                self.is_loosened = True
                yield ending
            else:
                self.leave(ending.place_id)

    def next_end(self) -> int | None:
        """The last microsecond before `end` may have something to drop; it may come too early, never too late."""
        return self._endings[0][0] if self._endings else None

    def _note_end(self, ending: Holding | Place) -> None:
        """Look at something when it is due; what was put off is looked at when it was due first, and put off then."""
        if not ending.look_at or ending.expires_at < ending.look_at:
            ending.look_at = ending.expires_at
            self._turn += 1
            heappush(self._endings, (ending.expires_at, self._turn, ending))
            if len(self._endings) > self._most_endings:
                self._forget_ended()

    def _forget_ended(self) -> None:
        """What was given back long before its time does not stay in memory until then."""
        self._endings = [one for one in self._endings if one[0] == one[2].look_at and self._is_there(one[2])]
        heapify(self._endings)
        self._most_endings = max(LEAST_ENDINGS, 2 * len(self._endings))

    def _is_there(self, ending: Holding | Place) -> bool:
        if isinstance(ending, Place):
            return self.waiting.get(ending.place_id) is ending
        return self._grants.get(ending.token, {}).get(ending.key) is ending

    def _drop(self, holding: Holding) -> None:
        self.holdings[holding.noun][holding.mode].remove(holding.key, holding.agent_id, holding)
        _discard(self._grants, holding.token, holding.key)
        _discard(self._of_key, (holding.noun, holding.key), holding.agent_id)
        _discard(self._of_agent, holding.agent_id, holding)
        if holding.agent_id in self._patterns_of:
            _discard(self._patterns_of, holding.agent_id, holding)


def _key_of(holding: Holding) -> str:
    return holding.key


def _discard(outer: dict[K, dict[I, V]], key: K, inner: I) -> None:
    """Take one out of a dict of dicts, and the dict with it when it was the last."""
    members = outer.get(key)
    if members is not None:
        members.pop(inner, None)
        if not members:
            del outer[key]
