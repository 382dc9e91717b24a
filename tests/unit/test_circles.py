"""Circles: who may wait for whom, told from lines: never a no where somebody waits, and at little cost in a crowd."""

from cProfile import Profile

import pytest

from arclog.deciders.circles import WaitedFor, may_close_circle, places_of_family
from arclog.deciders.holdings import Place
from arclog.deciders.leases import Ask, Queued, judge
from arclog.deciders.standing import Standing
from arclog.deciders.waits import Request, find_chain, find_obstacles
from tests.support.lease_schedule import Player

CROWD = 1_000
LATER = 10**18


class Watcher(Player):
    """A player that compares both ways after each step."""

    compared = 0

    def compare(self) -> None:
        super().compare()
        for asker in self.agents:
            waited_for = WaitedFor(self.standing, places_of_family(self.standing, asker))
            for other in self.agents:
                if other != asker and find_chain(self.standing, [asker], other, self.now) is not None:
                    assert waited_for.includes(other)
                    self.compared += 1
        for place in list(self.standing.waiting.values()):
            request = Request(place.noun, self.random.choice(self.agents), place.keys, place.mode)
            before = {obstacle.agent_id for obstacle in find_obstacles(self.standing, request, self.now)}
            if before and find_chain(self.standing, before, request.agent_id, self.now) is not None:
                assert may_close_circle(self.standing, request)
                self.compared += 1


@pytest.mark.parametrize("seed", range(40))
def test_whoever_is_waited_for_is_found_among_the_lines(seed: int) -> None:
    watcher = Watcher(seed)
    watcher.play(60)
    assert watcher.compared > 0


def two_crowds() -> Standing:
    """A thousand that wait for one file, and a thousand others that wait for another."""
    standing = Standing()
    event = 0
    for path in ("a", "b"):
        event += 1
        standing.grant("lock", (path,), f"holder-{path}", "exclusive", event, LATER)
        for number in range(CROWD):
            event += 1
            standing.queue(Place(event, "lock", (path,), f"{path}-{number}", "exclusive", LATER, 0, LATER))
    return standing


@pytest.mark.parametrize("number", [0, CROWD // 2, CROWD - 1])
def test_one_of_a_crowd_that_asks_where_another_waits_costs_as_much_as_one_alone(number: int) -> None:
    standing, profile = two_crowds(), Profile()
    asked = Ask("lock", f"a-{number}", ("b",), "exclusive", LATER, waits=True)
    assert profile.runcall(judge, standing, asked, 1) == Queued()
    assert sum(entry.callcount for entry in profile.getstats()) < CROWD


@pytest.mark.parametrize("number", [0, CROWD - 1])
def test_a_hook_that_asks_for_one_of_a_crowd_looks_at_each_of_the_other_crowd_once(number: int) -> None:
    standing, profile = two_crowds(), Profile()
    asked = Ask("lock", f"a-{number}", ("b",), "exclusive", LATER, waits=True, is_automatic=True)
    assert profile.runcall(judge, standing, asked, 1) == Queued()
    assert sum(entry.callcount for entry in profile.getstats()) < 30 * CROWD


def test_a_circle_through_two_crowds_is_found() -> None:
    standing = two_crowds()
    standing.queue(Place(10_000, "lock", ("a",), "b-7", "exclusive", LATER, 0, LATER))
    asked = Ask("lock", "holder-a", ("b",), "exclusive", LATER, waits=True)
    passed = judge(standing, asked, 1)
    assert isinstance(passed, Queued)  # before the one that waits for it, it goes; nobody else stands in its way
    standing.grant("lock", ("c",), "b-7", "exclusive", 10_001, LATER)
    refused = judge(standing, Ask("lock", "holder-a", ("c",), "exclusive", LATER, waits=True), 1)
    assert [wait.agent_id for wait in refused.circle] == ["holder-a", "b-7"]  # type: ignore[union-attr]
