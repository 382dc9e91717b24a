"""Circles: who may wait for whom at all, told from lines instead of agents.

Who waits for whom is a graph of agents (`arclog.deciders.waits`), and to walk it through two crowds of a thousand takes
milliseconds. But nearly all of a crowd wait at one place only, and so for nobody but those for whom their line waits.
So here the way leads from line to line, by those few agents that wait at several places.

The answer errs on one side: leases and places that are over, and families, which count as one agent, may make it say
yes where nobody waits. Where it says no, nobody does, and the graph of agents need not be walked.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from arclog.deciders.lines import Kind
from arclog.deciders.standing import Standing
from arclog.deciders.waits import Request, opposed
from arclog.errors import Deadlock
from arclog.events.leases import Wait

_AT_THE_END: Final = 2**63 - 1
"""Greater than the id of any place."""
_NOBODY: Final = ""


class WaitedFor:
    """All for whom something may wait, directly or through others.

    Args:
        standing: who holds what, and who waits; it may not change meanwhile.
        begin: what waits: each a kind of request, and before which place; those before that in the queue count.
    """

    def __init__(self, standing: Standing, begin: Iterable[tuple[Kind, int]]) -> None:
        self._standing = standing
        self._heads: set[str] = set()
        """Agents that hold something, or wait at several places; of families their heads."""
        self._until: dict[Kind, int] = {}
        """Lines that are waited for, and before which place."""
        seen: dict[Kind, int] = {}
        left = list(begin)
        while left:
            kind, until = left.pop()
            if seen.get(kind, 0) < until:
                seen[kind] = until
                left += self._look_before(kind, until)

    def includes(self, agent_id: str) -> bool:
        """Whether it may be waited for an agent, or for one of its family."""
        families, standing = self._standing.families, self._standing
        head = families.head_of(agent_id)
        return head in self._heads or any(
            place.place_id < self._until.get(place.kind, 0)
            for member in families.members_of(head)
            for place in standing.places_of(member)
        )

    def _look_before(self, kind: Kind, until: int) -> Iterator[tuple[Kind, int]]:
        """What those wait for who stand before a place of some kind."""
        standing, families = self._standing, self._standing.families
        agents = set(_holders(standing, kind))
        noun, keys, mode = kind
        for other in opposed(mode):
            for key in keys:
                for line, _key in standing.lines.meeting(noun, other, key):
                    self._until[line.kind] = max(until, self._until.get(line.kind, 0))
                    agents |= line.agents.keys() & standing.lines.several
                    if families:
                        agents.update(filter(families.has, line.agents))
                    yield line.kind, until
        heads = set(map(families.head_of, agents)) - self._heads
        self._heads |= heads
        for head in heads:
            yield from places_of_family(standing, head)


def may_close_circle(standing: Standing, request: Request) -> bool:
    """Whether what stands in the way of a new request may wait for its agent."""
    if not standing.can_be_waited_for(request.agent_id):
        return False
    asked: Kind = (request.noun, request.keys, request.mode)
    return WaitedFor(standing, [(asked, _AT_THE_END)]).includes(request.agent_id)


def places_of_family(standing: Standing, agent_id: str) -> Iterator[tuple[Kind, int]]:
    """What an agent and its family wait for, and before which places: those that have passed theirs may be anywhere."""
    families = standing.families
    for member in families.members_of(families.head_of(agent_id)):
        for place in standing.places_of(member):
            yield place.kind, _AT_THE_END if standing.passers else place.place_id


def _holders(standing: Standing, kind: Kind) -> Iterator[str]:
    """Who holds what cannot go together with it."""
    noun, keys, mode = kind
    for other in opposed(mode):
        for key in keys:
            yield from (holding.agent_id for holding, _key in standing.holdings[noun][other].find(key, _NOBODY))


def deadlock_of(chain: Iterable[Wait], advice: str) -> Deadlock:
    """The refusal of what would close a circle."""
    return Deadlock(tuple((wait.agent_id, wait.key, wait.holder) for wait in chain), advice)
