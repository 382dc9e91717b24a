"""Claims and locks as one would write them down without thinking of speed: the oracle of the protocol.

Lists, and a look at all of them for each question. What overlaps is found by brute force in a small world of paths.
"""

from dataclasses import dataclass, field
from typing import Literal

from tests.support.covering import all_paths, covered_by

WORLD = all_paths(("src", "docs", "lib", "a", "a.py", "b.py", "c.py", "x.md"), 3)
SECOND = 1_000_000
YOUNG = 60 * SECOND

Kind = Literal["granted", "prolonged", "refused", "queued", "deadlock"]


@dataclass
class Row:
    """One key that is held."""

    token: int
    noun: str
    key: str
    agent: str
    mode: str
    until: int
    automatic: bool = False


@dataclass
class Waiting:
    """One request that waits; `is_open` says whether its call does, `sleeps` whether its hub stands still."""

    number: int
    noun: str
    keys: tuple[str, ...]
    agent: str
    mode: str
    until: int
    since: int
    ttl: int
    passes: frozenset[int]
    is_open: bool = True
    sleeps: bool = False
    hub: int = 0
    """The hub that holds its call, or held the last."""
    is_orphan: bool = False
    """Whether that is dead."""
    is_served: bool = False


def meet(noun: str, one: str, other: str) -> bool:
    return one == other if noun == "claim" else bool(covered_by(one, WORLD) & covered_by(other, WORLD))


def within(noun: str, outer: str, inner: str) -> bool:
    return outer == inner if noun == "claim" else covered_by(inner, WORLD) <= covered_by(outer, WORLD)


def clash(one: "Row | Waiting", other: "Row | Waiting") -> bool:
    """Whether two agents cannot have both at once, where they are strangers to each other."""
    if one.agent == other.agent or one.noun != other.noun or (one.mode == other.mode == "shared"):
        return False
    return any(meet(one.noun, a, b) for a in _keys(one) for b in _keys(other))


def _keys(one: "Row | Waiting") -> tuple[str, ...]:
    return (one.key,) if isinstance(one, Row) else one.keys


@dataclass
class Model:
    """A hub's leases."""

    rows: list[Row] = field(default_factory=list)
    queue: list[Waiting] = field(default_factory=list)
    lapsed: list[Row] = field(default_factory=list)
    parents: dict[str, str] = field(default_factory=dict)
    """Sub-agents, and whose they are."""

    def head(self, agent: str) -> str:
        return self.parents.get(agent, agent)

    def waits_for(self, edges: dict[str, set[str]], start: str, goal: str) -> bool:
        """Whether an agent waits for another; a family is one, but for who waits inside it."""
        if start == goal:
            return True
        if self.head(start) == self.head(goal):
            inside = {a: {b for b in ahead if self.head(b) == self.head(goal)} for a, ahead in edges.items()}
            return reaches(inside, start, goal)
        families: dict[str, set[str]] = {}
        for agent, ahead in edges.items():
            families.setdefault(self.head(agent), set()).update(map(self.head, ahead))
        return reaches(families, self.head(start), self.head(goal))

    def stops(self, row: Row, one: "Waiting | Row") -> bool:
        """Whether what is held stands in the way of a request: a sub-agent may use the locks of its parent."""
        return clash(row, one) and (row.noun == "claim" or self.parents.get(one.agent) != row.agent)

    def ahead(self, one: Waiting, queue: list[Waiting]) -> set[str]:
        """Whom it waits for."""
        found = {row.agent for row in self.rows if self.stops(row, one)}
        for other in queue:
            if other is one or not clash(other, one):
                continue
            passed = other.number in one.passes if other.number < one.number else one.number not in other.passes
            if not passed:
                found.add(other.agent)
        return found

    def graph(self, queue: list[Waiting] | None = None) -> dict[str, set[str]]:
        queue = self.queue if queue is None else queue
        edges: dict[str, set[str]] = {}
        for one in queue:
            edges.setdefault(one.agent, set()).update(self.ahead(one, queue))
        return edges

    def pass_time(self, now: int) -> None:
        for row in [row for row in self.rows if row.until < now]:
            self.rows.remove(row)
            self.lapsed.append(row)
        self.queue = [one for one in self.queue if one.until >= now]

    def ask(
        self, noun: str, agent: str, keys: tuple[str, ...], mode: str, ttl: int, until: int | None,
        number: int, now: int, *, automatic: bool = False,
    ) -> Kind:  # fmt: skip
        """Ask; `until` is when the place would end, None for who does not wait; `number` the event, if it is one."""
        if (had := self._own(noun, agent, keys, mode, ttl, number, now, automatic=automatic)) is not None:
            return had
        known = [one for one in self.queue if (one.noun, one.agent, one.mode) == (noun, agent, mode)]
        own = next((one for one in known if set(one.keys) == set(keys)), None)
        edges = self.graph()
        new = own or Waiting(number, noun, keys, agent, mode, until or 0, now, ttl, frozenset())
        if own is None:
            others = [one for one in self.queue if clash(one, new)]
            behind = frozenset(one.number for one in others if self.waits_for(edges, one.agent, agent))
            new.passes = behind
            if automatic:
                young = {
                    o.number for o in others if now - o.since < YOUNG and not self.waits_for(edges, agent, o.agent)
                }
                eager = Waiting(number, noun, keys, agent, mode, 0, now, ttl, behind | young)
                if not self.ahead(eager, [*self.queue, eager]):
                    new = eager
        queue = self.queue if own is not None else [*self.queue, new]
        blockers = self.ahead(new, queue)
        if not blockers:
            self.grant(number, new, now + ttl, automatic=automatic)
            return "granted"
        if until is None:
            return "refused"
        if own is not None:
            own.until, own.is_open, own.is_orphan = until, True, False
            return "queued"
        edges = self.graph(queue)
        if any(self.waits_for(edges, other, agent) for other in blockers):
            return "deadlock"
        self.queue = queue
        return "queued"

    def _own(
        self, noun: str, agent: str, keys: tuple[str, ...], mode: str, ttl: int, number: int, now: int,
        *, automatic: bool,
    ) -> Kind | None:  # fmt: skip
        """What comes of asking for what one has already; None when one has not."""
        mine = [row for row in self.rows if row.agent == agent and row.noun == noun]
        fit = [row for row in mine if row.mode in {mode, "exclusive"}]
        exact = [row for key in keys for row in fit if row.key == key]
        if len(exact) == len(keys) and len({row.token for row in exact}) == 1:
            if exact[0].automatic and not automatic:
                self.grant(number, Waiting(number, noun, keys, agent, mode, 0, now, ttl, frozenset()), now + ttl)
                return "granted"
            longest = max(now + ttl, *(row.until for row in exact))
            for row in exact:
                row.until = longest
            return "prolonged"
        parents = [r for r in self.rows if r.noun == noun == "claim" and r.agent == self.parents.get(agent)]
        for row in sorted([*fit, *parents], key=lambda row: (row.token, row.key)):
            if ("*" in row.key or row in parents) and all(within(row.noun, row.key, key) for key in keys):
                row.until = max(row.until, now + ttl)
                return "prolonged"
        return None

    def grant(self, token: int, to: Waiting, until: int, *, automatic: bool = False) -> None:
        self.queue = [one for one in self.queue if one is not to]
        to.is_served = True
        for key in to.keys:
            alone = any(
                (row.noun, row.key, row.agent, row.mode) == (to.noun, key, to.agent, "exclusive") for row in self.rows
            )
            self.rows = [
                row for row in self.rows if not (row.noun == to.noun and row.key == key and row.agent == to.agent)
            ]
            self.rows.append(Row(token, to.noun, key, to.agent, "exclusive" if alone else to.mode, until, automatic))

    def next_served(self) -> Waiting | None:
        """The first whose call is open and whom nothing keeps waiting."""
        for one in self.queue:
            if one.is_open and not one.sleeps and not self.ahead(one, self.queue):
                return one
        return None

    def give_up_orphans(self) -> None:
        """Whose hub is dead keeps its place until it would only keep others waiting."""
        while found := [one for one in self.queue if one.is_orphan and not self.ahead(one, self.queue)]:
            self.queue.remove(found[0])

    def hand_over(self, rows: list[Row], receiver: str, token: int) -> tuple[int, ...] | None:
        """The places that it serves, or None when it is refused."""
        for row in rows:
            for kept in self.rows:
                both = "exclusive" in {kept.mode, row.mode} and kept.noun == row.noun
                if kept not in rows and kept.agent == row.agent and both and meet(row.noun, kept.key, row.key):
                    return None
        served = [
            one for one in self.queue
            if one.agent == receiver and all(any(self._gives(row, one, key) for row in rows) for key in one.keys)
        ]  # fmt: skip
        after = Model([row for row in self.rows if row not in rows], [one for one in self.queue if one not in served])
        after.parents = self.parents
        for row in rows:
            after.rows = [
                r for r in after.rows if not (r.noun == row.noun and r.key == row.key and r.agent == receiver)
            ]
            after.rows.append(Row(token, row.noun, row.key, receiver, row.mode, row.until))
        given = [row for row in after.rows if row.token == token]
        if any(after.stops(row, one) and after.stops(one, row) for row in given for one in after.rows):
            return None
        edges = after.graph()
        if any(after.waits_for(edges, other, agent) for agent in edges for other in edges[agent]):
            return None
        self.rows, self.queue = after.rows, after.queue
        for one in served:
            one.is_served = True
        return tuple(one.number for one in served)

    @staticmethod
    def _gives(row: Row, one: Waiting, key: str) -> bool:
        return row.noun == one.noun and row.mode in {one.mode, "exclusive"} and within(row.noun, row.key, key)

    def drop(self, agent: str) -> None:
        """An agent is gone, with all that it has and waits for."""
        self.rows = [row for row in self.rows if row.agent != agent]
        self.queue = [one for one in self.queue if one.agent != agent]

    def check(self) -> None:
        """What must be so at any time."""
        for place, row in enumerate(self.rows):
            for earlier in self.rows[:place]:
                both = self.stops(row, earlier) and self.stops(earlier, row)
                assert not both, ("two incompatible holders", row, earlier)
        edges = self.graph()
        for agent, ahead in edges.items():
            for other in ahead:
                assert not self.waits_for(edges, other, agent), ("a live circle", agent, other)
        assert self.next_served() is None, "somebody waits for nobody"


def reaches(edges: dict[str, set[str]], start: str, goal: str) -> bool:
    """Whether `start` is `goal`, or waits for it."""
    seen, waiting = {start}, [start]
    while waiting:
        one = waiting.pop()
        if one == goal:
            return True
        new = edges.get(one, set()) - seen
        seen |= new
        waiting += new
    return False
