"""Agents: they talk, wait for what is said, share files and work, fall silent, and ask again when no answer comes."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from arclog.deciders.claims import AcquireClaim, ReleaseClaim
from arclog.deciders.locks import AcquireLock, HandOverLock, LeaveLockQueue, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.picking import TakeNextTask
from arclog.deciders.sessions import OpenSession
from arclog.deciders.tasks import CompleteTask
from arclog.errors import ArcError, Deadlock, NotFound, StorageError, UnexpectedFailure
from arclog.events.leases import Mode
from projections.hub.command_handlers import Command
from projections.hub.hub import Hub
from projections.hub.log_feed import EventPage, EventQuery
from projections.hub.outcomes import Outcome
from projections.intervals import live
from projections.message_pages import MessageQuery, Page
from tests.simulation.calls import Asked, Heard, Read
from tests.simulation.cluster import Cluster, Place
from tests.simulation.network import Lost, Network
from tests.simulation.world import SECOND, World
from tests.support.lease_histories import Told

PATIENCE_SEC: Final = 4.0
TRIES: Final = 4
WATCH_SEC: Final = 8.0
"""How long a watcher waits at a time: longer than agents may be silent in some runs."""
LONG_SEC: Final = 3_600
KEYS: Final = ("src/a.py", "src/*.py", "src", "src/**", "src/b.py", "docs/x.md", "**")


class Agent:
    """One agent.

    Args:
        name: its name.
        world: where it is.
        network: how it calls.
        cluster: whom it may call.
        heard: where all that it is told is written down.
    """

    def __init__(self, name: str, world: World, network: Network, cluster: Cluster, heard: Heard) -> None:
        self.name = name
        self.world = world
        self.random = world.random
        self._network = network
        self._cluster = cluster
        self._heard = heard
        self._calls = 0
        self._home = self.random.choice(cluster.places)
        self._seen: dict[MessageQuery, int] = {}
        self._haste_sec = self.random.choice((0.005, 0.1))

    async def live(self, acts: int, others: list[str]) -> None:
        """Do so many things, beside others."""
        raise NotImplementedError

    async def rest(self) -> None:
        """Do nothing for a moment."""
        await asyncio.sleep(self.world.draw_sec(usual=self._haste_sec, longest=10 * self._haste_sec))

    def pick(self) -> Place:
        """The hub that it calls: mostly its own."""
        return self.random.choice(self._cluster.places) if self.random.random() < 0.2 else self._home

    async def ask(self, command: Command, *, tries: int = TRIES) -> Asked:
        """Have something done; without an answer, ask again under the same key."""
        self._calls += 1
        asked = Asked(self.name, command, f"{self.name}-{self._calls}", self.world.now)
        self._heard.asked.append(asked)

        async def serve(hub: Hub) -> Outcome:
            return await hub.execute(command, key=asked.key, request=asked.key.encode(), sender=self.name)

        while asked.tried < tries:
            asked.tried += 1
            try:
                place = self.pick()
                asked.process = 0 if place.process is None else place.process.number
                asked.outcome = await self._network.call(place, serve, PATIENCE_SEC)
            except Lost:
                self.world.tell(f"{asked.key} gets no answer")
                self._home = self.random.choice(self._cluster.places)
                await asyncio.sleep(0.1)
                continue
            except (StorageError, UnexpectedFailure) as error:
                self.world.tell(f"{asked.key} is told {error.code}")
                await asyncio.sleep(0.1)
                continue
            except ArcError as error:
                asked.error = error
            asked.ended_at = self.world.now
            came = asked.outcome.event_id if asked.outcome else asked.error and asked.error.code
            self.world.tell(f"{asked.key} {type(command).__name__} -> {came}")
            if asked.outcome is not None and self.world.chance(0.05):
                await self._ask_again(asked, serve)
            break
        return asked

    async def _ask_again(self, asked: Asked, serve: Callable[[Hub], Coroutine[Any, Any, Outcome]]) -> None:
        """The same once more, as after an answer that was lost: the same is told."""
        with suppress(Lost, ArcError):
            asked.again = await self._network.call(self.pick(), serve, PATIENCE_SEC)

    async def look(self, query: MessageQuery, wait_sec: float) -> None:
        """Read on after what it has seen, and wait for more where there is nothing."""
        place = self.pick()
        process = 0 if place.process is None else place.process.number
        wanted = msgspec.structs.replace(query, since_id=self._seen.get(query, 0))
        read = Read(self.name, self._cluster.places.index(place), process, wanted, self.world.now, wait_sec)

        async def serve(hub: Hub) -> Page:
            hub.attendance.see(self.name)
            page = (await hub.reading.read_messages(wanted, live(hub.clock.now()))).page
            if page.rows or not wait_sec:
                return page
            with hub.attendance.present(self.name):
                hub.reading.check_cursor("since_id", wanted.since_id)
                return await hub.reading.wait_for_messages(wanted, wait_sec)

        try:
            read.page = await self._network.call(place, serve, PATIENCE_SEC + wait_sec)
        except (Lost, ArcError) as error:
            self.world.tell(f"{self.name} reads nothing: {error!r}")
            self._home = self.random.choice(self._cluster.places)
            await asyncio.sleep(0.05)
            return
        read.ended_at = self.world.now
        self._heard.reads.append(read)
        self.world.tell(f"{self.name} reads {read.page.ids} after {wanted.since_id}")
        if read.page.ids:
            self._seen[query] = read.page.ids[-1]

    async def run_tool(self) -> None:
        """Be in a tool for a while, and call nobody meanwhile."""
        place = self.pick()
        seconds = self.world.draw_sec(usual=0.2, longest=8)

        async def begin(hub: Hub) -> None:
            hub.attendance.begin_tool(self.name)

        async def end(hub: Hub) -> None:
            hub.attendance.end_tool(self.name)

        with suppress(Lost, ArcError):
            await self._network.call(place, begin, PATIENCE_SEC)
            await asyncio.sleep(seconds)
        while True:  # a hub that never hears of the end takes the agent for busy for an hour
            with suppress(Lost, ArcError):
                return await self._network.call(place, end, PATIENCE_SEC)
            await asyncio.sleep(0.1)

    async def follow(self, after: int, wait_sec: float) -> None:
        """Read the log itself."""

        async def serve(hub: Hub) -> EventPage:
            with hub.attendance.present(self.name):
                return await hub.reading.wait_for_events(EventQuery(after=after), wait_sec)

        try:
            page = await self._network.call(self.pick(), serve, PATIENCE_SEC + wait_sec)
        except (Lost, ArcError):
            return
        self._heard.followed.append((after, page.ids))


class Talker(Agent):
    """Says things, to all and to some, and reads what others say."""

    async def live(self, acts: int, others: list[str]) -> None:
        r = self.random
        await self.ask(OpenSession(agent_id=self.name, replace=True))
        queries = (
            MessageQuery(agent_id=self.name),
            MessageQuery(agent_id=self.name, exclude_self=True),
            MessageQuery(channel="general"),
            MessageQuery(thread_id="t1", limit=2),
            MessageQuery(agent_id=self.name, channels=("direct", "general"), limit=3),
        )
        for number in range(acts):
            what = r.random()
            if what < 0.5:
                to = r.choice(others) if r.random() < 0.3 else None
                thread = None if to else r.choice((None, None, "t1", "t2"))
                body = f"{self.name} {number}" + "x" * r.choice((0, 0, 300, 6_000))
                await self.ask(PostMessage(from_agent=self.name, body=body, to_agent=to, thread_id=thread))
            elif what < 0.6:
                await self.run_tool()
            elif what < 0.95:
                await self.look(r.choice(queries), r.choice((0, 0.3, 1.0, 2.0)))
            else:
                await self.follow(r.randrange(30), r.choice((0, 0.5)))
            await self.rest()


class Worker(Agent):
    """Gives out tasks, and does those of others."""

    async def live(self, acts: int, _others: list[str]) -> None:
        r = self.random
        await self.ask(OpenSession(agent_id=self.name, replace=True))
        for number in range(acts):
            if r.random() < 0.5:
                await self.ask(
                    PostMessage(from_agent=self.name, kind="task", body=f"{self.name} {number}", thread_id="w")
                )
            else:
                wait_sec = r.choice((0, 0.5, 1.0))
                taken = (await self.ask(TakeNextTask(agent_id=self.name, wait_sec=wait_sec, ttl_sec=LONG_SEC))).outcome
                if taken is not None and taken.acquired:
                    task_id = int(msgspec.json.decode(taken.result)["task"]["task_id"])
                    await self.ask(CompleteTask(agent_id=self.name, task_id=task_id))
            await self.rest()


class Watcher(Agent):
    """Never says anything: it waits in polls, and is there all the while."""

    async def live(self, acts: int, _others: list[str]) -> None:
        await self.ask(OpenSession(agent_id=self.name, replace=True))
        for _ in range(acts):
            await self.look(MessageQuery(agent_id=self.name, channel="nowhere"), WATCH_SEC)


@dataclass
class Group:
    """Agents that share some keys with each other, and with nobody else.

    Attributes:
        base: what all keys begin with: paths, where it ends in a slash; else it is the one claim that there is.
        told: what they are told, for the judge.
        there: those who are known to have a session.
    """

    base: str
    told: list[Told] = field(default_factory=list)
    there: list[str] = field(default_factory=list)


class Sharer(Agent):
    """Shares files with others: asks, waits, hands over and gives back.

    Args:
        group: those with whom it does.
    """

    def __init__(self, name: str, world: World, network: Network, cluster: Cluster, heard: Heard, group: Group) -> None:
        super().__init__(name, world, network, cluster, heard)
        self.base = group.base
        self.noun = "lock" if group.base.endswith("/") else "claim"
        self.told = group.told
        self._there = group.there
        self._asking = Told(name, self.base, "ask", self.noun)
        self._held: dict[int, tuple[str, ...]] = {}
        self._places: dict[tuple[tuple[str, ...], str], int] = {}

    async def live(self, acts: int, _others: list[str]) -> None:
        opened = await self.ask(OpenSession(agent_id=self.name, replace=True))
        if opened.outcome is not None:
            self._there.append(self.name)
        for _ in range(acts):
            others = [name for name in self._there if name != self.name]
            what = self.random.random()
            if what < 0.55 or not self._held:
                await self._ask_for()
            elif what < 0.85:
                await self._give_back()
            elif what < 0.93 and self.noun == "lock" and others:
                await self._hand_over(self.random.choice(others))
            elif self._places and self.noun == "lock":
                await self._leave()
            await self.rest()

    async def _ask_for(self) -> None:
        r = self.random
        is_lock = self.noun == "lock"
        keys = tuple(sorted({r.choice(KEYS) for _ in range(r.choice((1, 1, 2)))})) if is_lock else ("",)
        mode: Mode = r.choice(("exclusive", "exclusive", "shared")) if is_lock else "exclusive"
        wait_sec = r.choice((0, 0.3, 1.0))
        one = Told(self.name, self.base, "ask", self.noun, keys, mode, waits=wait_sec > 0)
        command: Command
        if is_lock:
            paths = [self.base + key for key in keys]
            command = AcquireLock(agent_id=self.name, paths=paths, mode=mode, ttl_sec=LONG_SEC, wait_sec=wait_sec)
        else:
            command = AcquireClaim(owner_agent_id=self.name, claim_key=self.base, ttl_sec=LONG_SEC, wait_sec=wait_sec)
        asked = await self._record(one, command)
        if isinstance(asked.error, Deadlock):
            one.got = "deadlock"
        if asked.outcome is not None:
            self._note(one, asked.outcome)

    def _note(self, one: Told, outcome: Outcome) -> None:
        row = msgspec.json.decode(outcome.result)
        if outcome.acquired:
            one.got, one.token = "acquired", row["fencing_token"]
            self._held[row["fencing_token"]] = one.keys
            self._places.pop((one.keys, one.mode), None)
            return
        one.got = "waiting" if one.waits else "refused"
        one.holder = row.get("agent_id") or row["owner_agent_id"]
        if outcome.queue is not None:
            self._places[one.keys, one.mode] = outcome.queue.place

    async def _ask_again(self, asked: Asked, serve: Callable[[Hub], Coroutine[Any, Any, Outcome]]) -> None:
        """What left no event burns no key: asked once more, it may be a new request.

        An answer that is told again word for word is none: it is what the event says that was left.
        """
        first = asked.outcome
        if first is None or first.acquired is not False:
            await super()._ask_again(asked, serve)
            return
        one = replace(self._asking, begun_at=self.world.now / SECOND)
        self.told.append(one)
        await super()._ask_again(asked, serve)
        again = asked.again
        if again is not None and (again.event_id, again.acquired) == (first.event_id, False):
            self.told[:] = [told for told in self.told if told is not one]
        elif again is not None:
            one.ended_at = self.world.now / SECOND
            self._note(one, again)

    async def _give_back(self) -> None:
        token, keys = self.random.choice(sorted(self._held.items()))
        del self._held[token]
        one = Told(self.name, self.base, "release", self.noun, keys[:1], token=token)
        command: Command
        if self.noun == "lock":
            command = ReleaseLock(agent_id=self.name, file_path=self.base + keys[0], fencing_token=token)
        else:
            command = ReleaseClaim(agent_id=self.name, claim_key=self.base, fencing_token=token)
        asked = await self._record(one, command)
        if asked.outcome is not None:
            one.got = "done"
        elif asked.error is not None:
            one.got = "missing"
        if len(keys) > 1:
            self._held[token] = keys[1:]

    async def _hand_over(self, to: str) -> None:
        token, keys = self.random.choice(sorted(self._held.items()))
        del self._held[token]
        one = Told(self.name, self.base, "hand_over", "lock", keys, to=to)
        paths = [self.base + key for key in keys]
        asked = await self._record(one, HandOverLock(agent_id=self.name, to_agent_id=to, paths=paths))
        if asked.outcome is not None:
            one.got, one.token = "done", msgspec.json.decode(asked.outcome.result)["fencing_token"]
        elif asked.error is not None:
            one.got = "missing" if asked.error.code in {"not_found", "invalid_input"} else "conflict"

    async def _leave(self) -> None:
        keys, mode = self.random.choice(sorted(self._places))
        one = Told(self.name, self.base, "leave", "lock", keys, mode)
        asked = await self._record(one, LeaveLockQueue(agent_id=self.name, place=self._places.pop((keys, mode))))
        if asked.outcome is not None:
            one.got = "done"
        elif isinstance(asked.error, NotFound):
            one.got = "missing"

    async def _record(self, one: Told, command: Command) -> Asked:
        """Ask once: what was lost, or came to nothing for the machine's sake, may have happened or not."""
        self.told.append(one)
        one.begun_at = self.world.now / SECOND
        self._asking = one
        asked = await self.ask(command, tries=1)
        if asked.outcome is not None or asked.error is not None:
            one.ended_at = asked.ended_at / SECOND
        return asked
