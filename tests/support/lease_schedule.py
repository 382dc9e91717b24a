"""Random schedules of claims and locks, played on the rules and on the oracle at once.

The player does here what a hub does: it settles what is over, and grants to those whose calls are open.
"""

from collections import Counter
from itertools import pairwise
from random import Random

from arclog.deciders.fencing import get_held
from arclog.deciders.handover import check_handover
from arclog.deciders.holdings import Place
from arclog.deciders.leases import Ask, Granted, Prolonged, Queued, Refused, find_grantable, find_lapsed, grant, judge
from arclog.deciders.positions import positions_of
from arclog.deciders.standing import Standing
from arclog.deciders.waits import find_holders, find_places, request_at
from arclog.errors import Conflict, Deadlock
from arclog.events.leases import Mode, Noun
from tests.support.lease_model import SECOND, Model, Row

AGENTS = tuple("ABCDEF")
PARENTS = {"A.x": "A", "A.y": "A", "B.x": "B"}
FAMILIES = ("A", "B", "C", *PARENTS)


def agents_of(seed: int) -> tuple[tuple[str, ...], dict[str, str]]:
    """The agents of a schedule, and which of them are sub-agents of whom: every other pair of schedules has some."""
    return (AGENTS, {}) if seed % 4 < 2 else (FAMILIES, PARENTS)


PATHS = (
    "src/a.py",
    "src/b.py",
    "src",
    "src/**",
    "src/*.py",
    "docs/**",
    "docs/x.md",
    "**",
    "src/a/**",
    "*/c.py",
    "lib/c.py",
)
CLAIMS = ("k1", "k2")


class Player:
    """Plays one schedule; every step asserts that rules and oracle agree."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # a schedule is to be played again  # noqa: S311
        self.standing = Standing()
        self.agents, parents = agents_of(seed)
        self.model = Model(parents=parents)
        for child, parent in parents.items():
            self.standing.families.join(child, parent)
        self.now = 1_000 * SECOND
        self.event = 0
        self.open: set[int] = set()
        self.seen: Counter[str] = Counter()

    def play(self, steps: int) -> None:
        actions = (self.request,) * 9 + (self.release,) * 5 + (self.hand_over, self.leave, self.lose_call, self.drop)
        for _ in range(steps):
            self.random.choice((*actions, self.refresh, self.touch, self.wait))()
            self.settle()
            self.model.check()
            self.compare()

    def drain(self) -> None:
        """Everybody who waits for nobody gives back what it has, until nothing is left."""
        self.model.queue = [one for one in self.model.queue if one.is_open]
        for place_id in [p for p in self.standing.waiting if p not in self.open]:
            self.standing.leave(place_id)
        self.settle()
        while self.model.rows or self.model.queue:
            waiting = {one.agent for one in self.model.queue}
            free = [row for row in self.model.rows if row.agent not in waiting]
            assert free, "nobody can go on"
            self.give_back(free[0])
            self.settle()
            self.model.check()
        self.compare()

    # Steps ------------------------------------------------------------------------------------------------------------

    def request(self) -> None:
        r = self.random
        noun: Noun = r.choice(("lock", "lock", "lock", "claim"))
        pool = PATHS if noun == "lock" else CLAIMS
        keys = tuple(dict.fromkeys(r.choice(pool) for _ in range(r.choice((1, 1, 2)) if noun == "lock" else 1)))
        mode: Mode = r.choice(("exclusive", "exclusive", "shared")) if noun == "lock" else "exclusive"
        waits = r.random() < 0.8
        self.ask(
            noun,
            r.choice(self.agents),
            keys,
            mode,
            waits=waits,
            automatic=noun == "lock" and not waits and r.random() < 0.5,
        )

    def ask(
        self, noun: Noun, agent: str, keys: tuple[str, ...], mode: Mode, *, waits: bool, automatic: bool = False
    ) -> str:
        ttl = self.random.choice((5, 20, 60, 300)) * SECOND
        until = self.now + self.random.choice((21, 40, 80)) * SECOND
        self.event += 1
        want = self.model.ask(
            noun, agent, keys, mode, ttl, until if waits else None, self.event, self.now, automatic=automatic
        )
        asked = Ask(noun, agent, keys, mode, ttl, waits, automatic)
        got = self.apply(asked, judge(self.standing, asked, self.now), until)
        assert got == want, (asked, got, want)
        self.seen[got] += 1
        return got

    def apply(self, asked: Ask, answer: Granted | Prolonged | Refused | Queued, until: int) -> str:
        standing = self.standing
        match answer:
            case Granted(place, kept, _):
                if place is not None:
                    standing.leave(place.place_id)
                    self.open.discard(place.place_id)
                until = self.now + asked.ttl
                automatic = asked.is_automatic
                standing.grant(
                    asked.noun, asked.keys, asked.agent_id, asked.mode, self.event, until, kept, is_automatic=automatic
                )
                return "granted"
            case Prolonged(token, keys, expires_at):
                standing.prolong(token, keys, expires_at)
                return "prolonged"
            case Queued(passes, None):
                place = Place(
                    self.event, asked.noun, asked.keys, asked.agent_id, asked.mode, until, self.now, asked.ttl, passes
                )
                standing.queue(place)
                self.open.add(self.event)
                return "queued"
            case Queued(_, Place(place_id=place_id)):
                standing.wait_on(place_id, until)
                self.open.add(place_id)
                return "queued"
            case Refused(_, ()):
                return "refused"
            case Refused(_, circle):
                head = self.model.head
                assert all(head(one.holder) == head(other.agent_id) for one, other in pairwise(circle))
                assert circle[0].agent_id == asked.agent_id
                assert head(circle[-1].holder) == head(asked.agent_id)
                return "deadlock"
        raise AssertionError(answer)

    def release(self) -> None:
        if self.model.rows:
            self.give_back(self.random.choice(self.model.rows))

    def give_back(self, row: Row) -> None:
        token = self.random.choice((None, row.token))
        (held,) = get_held(self.standing, _noun(row), (row.key,), row.agent, token, self.now)
        self.standing.release(held.token, (held.key,))
        self.model.rows.remove(row)

    def refresh(self) -> None:
        if self.model.rows:
            row = self.random.choice(self.model.rows)
            until = self.now + self.random.choice((5, 60)) * SECOND
            self.standing.prolong(row.token, (row.key,), until)
            row.until = until

    def touch(self) -> None:
        """A holder that asks for what it has is never refused."""
        if self.model.rows:
            row = self.random.choice(self.model.rows)
            automatic = row.noun == "lock" and self.random.random() < 0.5
            wanted = "granted" if row.automatic and not automatic else "prolonged"
            got = self.ask(_noun(row), row.agent, (row.key,), _mode(row), waits=False, automatic=automatic)
            assert got == wanted

    def hand_over(self) -> None:
        if not self.model.rows:
            return
        row = self.random.choice(self.model.rows)
        rows = [one for one in self.model.rows if one.token == row.token]
        if self.random.random() < 0.3:
            rows = [row]
        receiver = self.random.choice([agent for agent in self.agents if agent != row.agent])
        held = get_held(self.standing, _noun(row), tuple(one.key for one in rows), row.agent, row.token, self.now)
        self.event += 1
        want = self.model.hand_over(rows, receiver, self.event)
        try:
            served = check_handover(self.standing, held, receiver, self.now)
        except (Conflict, Deadlock):
            served = None
        assert (served and sorted(served)) == (want and sorted(want))
        if served is None:
            self.seen["not handed over"] += 1
            return
        self.seen["handed over"] += 1
        self.seen["served by it"] += len(served)
        for place_id in served:
            self.standing.leave(place_id)
            self.open.discard(place_id)
        self.standing.hand_over(row.token, [one.key for one in rows], receiver, self.event)

    def leave(self) -> None:
        if self.model.queue:
            one = self.random.choice(self.model.queue)
            self.model.queue.remove(one)
            self.standing.leave(one.number)
            self.open.discard(one.number)

    def lose_call(self) -> None:
        """A call ends, and its place stays for a while."""
        if self.model.queue:
            one = self.random.choice(self.model.queue)
            one.is_open = False
            self.open.discard(one.number)

    def drop(self) -> None:
        agent = self.random.choice(self.agents)
        self.model.drop(agent)
        for holding in list(self.standing.held_by(agent)):
            self.standing.release(holding.token, (holding.key,))
        for place in list(self.standing.places_of(agent)):
            self.standing.leave(place.place_id)
            self.open.discard(place.place_id)

    def wait(self) -> None:
        self.now += self.random.choice((1, 5, 20, 61)) * SECOND

    # What a hub does --------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        self.model.pass_time(self.now)
        gone = {(row.token, row.key) for row in self.model.lapsed}
        for holding in find_lapsed(self.standing, self.now):
            assert (holding.token, holding.key) in gone
            self.seen["lapsed before one that waits"] += 1
        self.open &= set(self.standing.waiting)
        places = [place for number, place in self.standing.waiting.items() if number in self.open]
        for place in find_grantable(self.standing, places, self.now):
            served = self.model.next_served()
            assert served is not None
            assert served.number == place.place_id
            self.event += 1
            self.standing.leave(place.place_id)
            self.open.discard(place.place_id)
            self.standing.grant(
                place.noun,
                place.keys,
                place.agent_id,
                place.mode,
                self.event,
                self.now + place.ttl,
                grant(self.standing, request_at(place), self.now).kept,
            )
            self.model.grant(self.event, served, self.now + place.ttl)
            self.seen["served"] += 1

    def compare(self) -> None:
        held = {
            (h.token, h.noun, h.key, h.agent_id, h.mode, h.expires_at)
            for agent in self.agents
            for h in self.standing.held_by(agent)
        }
        assert held == {(r.token, r.noun, r.key, r.agent, r.mode, r.until) for r in self.model.rows}
        places = list(self.standing.waiting.values())
        for place, (number, ahead) in zip(places, positions_of(self.standing, places, self.now), strict=True):
            before = {o.by for o in find_places(self.standing, request_at(place), self.now)}
            holders = {o.agent_id for o in find_holders(self.standing, request_at(place), self.now)}
            assert (number, set(ahead)) == (len(before) + 1, holders | {one.agent_id for one in before})
        waiting = {(p.place_id, p.agent_id, p.keys, p.expires_at, p.passes) for p in self.standing.waiting.values()}
        assert waiting == {(o.number, o.agent, o.keys, o.until, o.passes) for o in self.model.queue}


def _noun(row: Row) -> Noun:
    return "claim" if row.noun == "claim" else "lock"


def _mode(row: Row) -> Mode:
    return "shared" if row.mode == "shared" else "exclusive"
