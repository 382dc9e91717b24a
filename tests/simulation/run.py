"""A run: what one seed makes of hubs, agents, disks and the network, and whether all of it was right."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from arclog.codec import RecordedEvent
from tests.simulation import oracle
from tests.simulation.agents import Agent, Group, Sharer, Talker, Watcher, Worker
from tests.simulation.calls import Heard
from tests.simulation.chaos import Chaos
from tests.simulation.cluster import Cluster
from tests.simulation.disk import simulated_disk
from tests.simulation.engine import make_log
from tests.simulation.loop import Loop
from tests.simulation.machines import WALL, replaced
from tests.simulation.network import Network
from tests.simulation.world import SECOND, World
from tests.support.lease_histories import Told
from tests.support.recorders import check_storage, events_in

SHORT_TTL_SEC: Final = 6.0
LONG_TTL_SEC: Final = 120.0
LONGEST_SEC: Final = 300
"""How long a run may take, by its own clock; nobody waits longer for anything."""
CHAOS_SEC: Final = 0.6
"""How often something goes wrong, about."""
SHOWN_LINES: Final = 40


class Failed(AssertionError):
    """A run came to something that cannot be right.

    Args:
        seed: how to play it again.
        why: what was wrong.
        trace: what happened.
    """

    def __init__(self, seed: int, why: BaseException | str, trace: list[str]) -> None:
        self.why = why
        self.trace = trace
        lines = "\n".join(trace[-SHOWN_LINES:])
        super().__init__(f"seed {seed}: {why!r}\nthe last of {len(trace)} lines:\n{lines}")


@dataclass(frozen=True)
class Plan:
    """What a run is made of.

    Attributes:
        hubs: how many there are.
        agents: how many there are.
        acts: how much each of them does.
        is_elsewhere: whether the log is on a server, and each hub on a machine of its own.
        is_calm: whether nothing goes wrong.
        presence_ttl_sec: how long agents may be silent.
    """

    hubs: int
    agents: int
    acts: int
    is_elsewhere: bool
    is_calm: bool
    presence_ttl_sec: float


def plan_of(seed: int, *, is_large: bool = False) -> Plan:
    """What a seed makes a run of; large ones are for those who have an hour."""
    r = Random(seed)  # noqa: S311 - a run is to be played again
    return Plan(
        hubs=r.choice((1, 2, 3, 4, 5) if is_large else (1, 1, 1, 2, 2, 3)),
        agents=r.choice((2, 3, 5, 8, 12, 20, 50) if is_large else (2, 3, 3, 4, 5, 6)),
        acts=r.choice((4, 6, 8, 12) if is_large else (4, 6, 8)),
        is_elsewhere=r.random() < 0.5,
        is_calm=r.random() < 0.3,
        presence_ttl_sec=r.choice((SHORT_TTL_SEC, LONG_TTL_SEC)),
    )


@dataclass(frozen=True)
class Played:
    """What came of a run.

    Attributes:
        plan: what it was made of.
        trace: what happened, a line each.
        events: the log.
        answered: how many calls were answered.
        seen: what went wrong, and how often.
    """

    plan: Plan
    trace: list[str]
    events: list[RecordedEvent]
    answered: int
    seen: Mapping[str, int]


class Outside:
    """Those who are no hub: agents, and whatever goes wrong."""

    name = "outside"
    is_dead = False


def play(seed: int, folder: Path, *, is_large: bool = False) -> Played:
    """Play a seed.

    Args:
        seed: all that happens follows from it.
        folder: an empty one, for the storages.
        is_large: whether there are many hubs and agents.

    Raises:
        Failed: it came to something that cannot be right.
    """
    world = World(seed)
    try:
        with _playing(world, plan_of(seed, is_large=is_large), folder) as run:
            run.play()
        return run.check()
    except Failed:
        raise
    except Exception as error:
        raise Failed(seed, error, world.trace) from error


@contextmanager
def _playing(world: World, plan: Plan, folder: Path) -> Iterator["_Run"]:
    with simulated_disk(world) as disk:
        log = make_log(world) if plan.is_elsewhere else None
        cluster = Cluster(world, disk, folder, plan.hubs, log, plan.presence_ttl_sec)
        outside = Loop(world, Outside(), "outside")  # type: ignore[abstract]
        for actor in (outside, *outside.threads):
            world.add(actor)
        cluster.later = outside.call_later
        if not plan.is_calm:
            cluster.noticed_agents = 3
        network = Network(world, cluster, outside, 0.0 if plan.is_calm else 0.01)
        chaos = Chaos(world, cluster, disk, log)
        with replaced(world, cluster.find_running):
            try:
                yield _Run(world, plan, cluster, outside, network, chaos)
            finally:
                cluster.end()


class _Run:
    def __init__(
        self, world: World, plan: Plan, cluster: Cluster, outside: Loop, network: Network, chaos: Chaos
    ) -> None:
        self.world, self.plan, self.cluster = world, plan, cluster
        self.outside, self.network, self.chaos = outside, network, chaos
        self.heard = Heard()
        self.histories: list[list[Told]] = []
        self.left_at: dict[str, int] = {}
        """When each agent did its last act."""

    def play(self) -> None:
        """Let it happen."""
        self.outside.run(self._story())

    async def _story(self) -> None:
        plan, cluster = self.plan, self.cluster
        for place in cluster.places:
            cluster.start(place)
        async with asyncio.timeout(LONGEST_SEC):
            await self._all_up()
            raging = None if plan.is_calm else self.outside.create_task(self.chaos.rage(CHAOS_SEC))
            agents = self._make_agents()
            names = [agent.name for agent in agents]
            await asyncio.gather(*(self._live(agent, names) for agent in agents))
            if raging is not None:
                raging.cancel()
                cluster.kill_damaged()
            await self._all_up()
            if plan.presence_ttl_sec == SHORT_TTL_SEC:
                await asyncio.sleep(3 * SHORT_TTL_SEC)
            while self.network.unanswered:  # noqa: ASYNC110 - others change it, by the world's clock
                await asyncio.sleep(0.1)
            await self._all_up()
            for place in cluster.places:
                assert place.process is not None
                await self._on(place.process.loop, cluster.stop(place))

    def _make_agents(self) -> list[Agent]:
        plan, r = self.plan, self.world.random
        given = (self.world, self.network, self.cluster, self.heard)
        kinds: list[type[Talker | Worker | Watcher]] = [Talker, Talker, Worker]
        if plan.presence_ttl_sec == SHORT_TTL_SEC:
            return [r.choice([*kinds, Watcher])(f"a{number}", *given) for number in range(plan.agents)]
        agents: list[Agent] = []
        while len(agents) < plan.agents:
            number = len(agents)
            if r.random() < 0.5:
                agents.append(r.choice(kinds)(f"a{number}", *given))
                continue
            group = Group(f"g{number}/" if r.random() < 0.7 else f"g{number}")
            self.histories.append(group.told)
            agents += [Sharer(f"g{number}{letter}", *given, group) for letter in "abc"]
        return agents

    async def _live(self, agent: Agent, names: list[str]) -> None:
        await agent.live(self.plan.acts, [name for name in names if name != agent.name])
        self.left_at[agent.name] = self.world.now

    async def _on(self, loop: Loop, story: Coroutine[Any, Any, None]) -> None:
        """Have something done on another loop."""
        done: asyncio.Future[None] = self.outside.create_future()
        task = loop.create_task(story)
        task.add_done_callback(lambda _task: self.outside.call_soon(done.set_result, None))
        await done
        await task

    async def _all_up(self) -> None:
        while any(place.hub is None for place in self.cluster.places):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.01)

    def check(self) -> Played:
        """See that all of it was right."""
        plan = self.plan
        storages = dict.fromkeys(place.storage for place in self.cluster.places)
        logs = [events_in(storage) for storage in storages]
        events = logs[0]
        if plan.is_elsewhere:
            assert self.chaos.log is not None
            events = [event.decode() for event in self.chaos.log.events]
            for log in logs:
                assert log == events[: len(log)], "a copy is not what the log has"
        for storage in storages:
            check_storage(storage)
        ttl = round(plan.presence_ttl_sec * SECOND)
        slack_sec = 0.3 if plan.is_calm and not plan.is_elsewhere else None
        fold = oracle.check(events, self.heard, self.histories, ttl, slack_sec, is_calm=plan.is_calm)
        if plan.is_calm and not plan.is_elsewhere:
            for agent, at in fold.expired:
                assert at - WALL > self.left_at[agent], f"{agent} counts as gone while it is there"
        if plan.presence_ttl_sec == SHORT_TTL_SEC:
            assert not fold.present, f"{sorted(fold.present)} have been silent for long, and still count as there"
        answered = sum(asked.outcome is not None for asked in self.heard.asked) + len(self.heard.reads)
        return Played(plan, self.world.trace, events, answered, self.chaos.seen)
