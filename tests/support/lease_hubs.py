"""Random schedules of claims and locks, played on real hubs of one storage and on the oracle at once.

Calls die, hubs are killed and started again, hubs stand still and go on, leases lapse and sessions end; after each step
every hub that moves has looked, and what is held and waited for must be what the oracle says. What a hub is, a recorder
or a process, is said elsewhere.
"""

from abc import ABC, abstractmethod
from collections import Counter
from contextlib import suppress
from random import Random
from typing import Any, Generic, TypeVar

from arclog.deciders.claims import AcquireClaim, HandOverClaim, LeaveClaimQueue, RefreshClaim, ReleaseClaim
from arclog.deciders.locks import AcquireLock, HandOverLock, LeaveLockQueue, RefreshLock, ReleaseLock
from arclog.deciders.sessions import CloseSession, OpenSession
from arclog.errors import ArcError, Conflict, Deadlock
from arclog.events.leases import Mode
from projections.hub.command_handlers import Command
from tests.support.fake_time import FakeTime
from tests.support.lease_model import SECOND, Model, Row, Waiting
from tests.support.lease_schedule import CLAIMS, PATHS, agents_of

KEPT = 20 * SECOND
TTL_SEC = 10**6
"""The presence TTL: nobody is gone for being silent."""

Held = tuple[str, str, str, str, int]
"""Who holds what, by which key, how, and until when."""
Waits = tuple[str, tuple[str, ...]]
C = TypeVar("C")


class Answer(Generic[C]):
    """What a command came to.

    Attributes:
        acquired: for a request, whether its agent has it.
        result: the result, decoded.
        place: where the call waits, if it does.
        call: that call.
    """

    def __init__(self, acquired: bool | None, result: Any, place: int | None = None, call: C | None = None) -> None:
        self.acquired = acquired
        self.result = result
        self.place = place
        self.call = call


class Hubs(ABC, Generic[C]):
    """Plays one schedule on as many hubs as it is told; `C` is what a call is that waits.

    Args:
        seed: the schedule follows from it.
        hubs: how many there are.
        time: all of them read it.
    """

    WAITS: tuple[int, ...] = (5, 30, 60)
    """How long calls may wait, in seconds."""

    def __init__(self, seed: int, hubs: int, time: FakeTime) -> None:
        self.random = Random(seed)  # noqa: S311 - a schedule is to be played again
        self.time = time
        self.count = hubs
        self.agents, self.parents = agents_of(seed)
        self.model = Model(parents=self.parents)
        self.number = 0
        self.started = 0
        self.dead: set[int] = set()
        """Which of the hubs that were started are dead."""
        self.numbers: list[int] = []
        """Which of them stands where."""
        self.places: dict[int, int] = {}
        """The hub's places by the oracle's."""
        self.calls: dict[int, tuple[int, C, Waiting]] = {}
        """Open calls by their places: the hub, the call, and the oracle's place."""
        self.lost: list[tuple[int, Waiting, int, int]] = []
        """Places whose calls have ended: the hub that knows it, until when they would have lasted, and will now."""
        self.still: set[int] = set()
        """Hubs that stand still."""
        self.seen: Counter[str] = Counter()
        for hub in range(hubs):
            self.started += 1
            self.numbers.append(self.started)
            self.start(hub, self.started)
        self.sessions = {agent: self.execute(self.opening(agent)) for agent in self.agents}

    @property
    def now(self) -> int:
        """The log's time, which is that of the fake machine."""
        return self.time.wall()

    # What a hub is ----------------------------------------------------------------------------------------------------

    @abstractmethod
    def start(self, hub: int, number: int) -> None:
        """Start a hub; `number` says which of all it is that were ever started."""

    @abstractmethod
    def end(self, hub: int) -> None:
        """Kill a hub."""

    @abstractmethod
    def pause(self, hub: int) -> None:
        """Let a hub stand still."""

    @abstractmethod
    def resume(self, hub: int) -> None:
        """Let a hub go on."""

    @abstractmethod
    def ask_hub(self, hub: int, command: Command) -> Answer[C]:
        """Have a command carried out; one that waits has its place when this returns."""

    @abstractmethod
    def close(self, hub: int, call: C) -> None:
        """Give up a call that waits."""

    def can_be_lost(self, call: C) -> bool:
        """Whether a call can be given up by the one that made it."""
        return True

    @abstractmethod
    def find_result(self, call: C) -> Answer[C] | None:
        """What a call was told; None while it waits."""

    def wait_for(self, call: C) -> Answer[C] | None:
        """What a call is told whose place has been granted."""
        return self.find_result(call)

    @abstractmethod
    def look_around(self, hub: int) -> bool:
        """Let a hub do what is due; whether it may have written anything."""

    @abstractmethod
    def see(self, hub: int) -> tuple[list[Held], list[Waits]] | None:
        """Who holds what and who waits, as a hub has it; None where it has not looked."""

    # The schedule -----------------------------------------------------------------------------------------------------

    def play(self, steps: int) -> None:
        actions = [self.ask] * 9 + [self.release] * 4 + [self.hand_over, self.leave, self.lose_call, self.refresh]
        actions += [
            self.kill,
            self.pass_time,
            self.pass_time,
            self.end_session,
            self.upgrade,
            self.stand_still,
            self.go_on,
        ]
        for _ in range(steps):
            self.random.choice(actions)()
            self.look()
            self.model.check()
            self.compare()

    # Steps ------------------------------------------------------------------------------------------------------------

    def execute(self, command: Command, hub: int | None = None) -> Answer[C]:
        return self.ask_hub(self.pick() if hub is None else hub, command)

    @property
    def moving(self) -> list[int]:
        """The hubs that do not stand still."""
        return [hub for hub in range(self.count) if hub not in self.still]

    def pick(self) -> int:
        """A hub that moves."""
        return self.random.choice(self.moving)

    def ask(self) -> None:
        r = self.random
        noun = r.choice(("lock", "lock", "lock", "claim"))
        pool = PATHS if noun == "lock" else CLAIMS
        keys = tuple(dict.fromkeys(r.choice(pool) for _ in range(r.choice((1, 1, 2)) if noun == "lock" else 1)))
        mode: Mode = r.choice(("exclusive", "exclusive", "shared")) if noun == "lock" else "exclusive"
        self.ask_for(noun, r.choice(self.agents), keys, mode, r.choice((0, *self.WAITS)))

    def upgrade(self) -> None:
        """One that shares a lock asks for it alone."""
        shared = [row for row in self.model.rows if row.mode == "shared"]
        if shared:
            row = self.random.choice(shared)
            self.ask_for("lock", row.agent, (row.key,), "exclusive", self.random.choice((0, *self.WAITS)))

    def ask_for(self, noun: str, agent: str, keys: tuple[str, ...], mode: Mode, wait_sec: int) -> None:
        ttl_sec = self.random.choice((5, 20, 60, 300))
        # What an agent waits for at two hubs would be granted in the order in which these look.
        open_at = [hub for hub, _call, waiting in self.calls.values() if waiting.agent == agent]
        hub = open_at[0] if open_at else self.pick()
        if hub in self.still:
            return
        self.model.give_up_orphans()
        self.number += 1
        until = self.now + wait_sec * SECOND + KEPT if wait_sec else None
        want = self.model.ask(noun, agent, keys, mode, ttl_sec * SECOND, until, self.number, self.now)
        command: Command
        if noun == "claim":
            command = AcquireClaim(owner_agent_id=agent, claim_key=keys[0], ttl_sec=ttl_sec, wait_sec=wait_sec)
        else:
            command = AcquireLock(agent_id=agent, paths=list(keys), mode=mode, ttl_sec=ttl_sec, wait_sec=wait_sec)
        try:
            answer = self.execute(command, hub)
        except Deadlock:
            got = "deadlock"
        else:
            got = self.what_came(answer, hub, agent, keys)
        assert got == ("got" if want in {"granted", "prolonged"} else want), (command, got, want)
        self.seen[want] += 1

    def what_came(self, answer: Answer[C], hub: int, agent: str, keys: tuple[str, ...]) -> str:
        place = answer.place
        if place is None:
            return "got" if answer.acquired else "refused"
        places = [one for one in self.model.queue if one.agent == agent and set(one.keys) == set(keys)]
        known = next((one for one in places if one.number == self.number), None)
        waiting = known or next(one for one in places if self.places.get(one.number) == place)
        self.places[waiting.number] = place
        waiting.hub = self.numbers[hub]
        former = self.calls.pop(place, None)
        if former is not None:  # the agent asks again, though its former call has not ended: that one is given up
            self.close(former[0], former[1])
        assert answer.call is not None
        self.calls[place] = (hub, answer.call, waiting)
        return "queued"

    def release(self) -> None:
        if self.model.rows:
            row = self.random.choice(self.model.rows)
            if row.noun == "claim":
                self.execute(ReleaseClaim(claim_key=row.key, agent_id=row.agent))
            else:
                self.execute(ReleaseLock(agent_id=row.agent, file_path=row.key))
            self.model.rows.remove(row)

    def refresh(self) -> None:
        if self.model.rows:
            row = self.random.choice(self.model.rows)
            if row.noun == "claim":
                self.execute(RefreshClaim(claim_key=row.key, owner_agent_id=row.agent, ttl_sec=30))
            else:
                self.execute(RefreshLock(agent_id=row.agent, file_path=row.key, ttl_sec=30))
            row.until = self.now + 30 * SECOND

    def hand_over(self) -> None:
        if not self.model.rows:
            return
        row = self.random.choice(self.model.rows)
        rows = [one for one in self.model.rows if one.token == row.token]
        receiver = self.random.choice([agent for agent in self.agents if agent != row.agent])
        self.number += 1
        served = self.model.hand_over(rows, receiver, self.number)
        command: Command
        if row.noun == "claim":
            command = HandOverClaim(claim_key=row.key, agent_id=row.agent, to_agent_id=receiver)
        else:
            command = HandOverLock(agent_id=row.agent, paths=[one.key for one in rows], to_agent_id=receiver)
        try:
            self.execute(command)
        except (Conflict, Deadlock):
            assert served is None
            self.seen["not handed over"] += 1
        else:
            assert served is not None
            self.seen["handed over"] += 1

    def leave(self) -> None:
        if self.model.queue:
            one = self.random.choice(self.model.queue)
            self.model.queue.remove(one)
            leave = LeaveClaimQueue if one.noun == "claim" else LeaveLockQueue
            self.execute(leave(agent_id=one.agent, place=self.places[one.number]))

    def lose_call(self) -> None:
        """A call ends; its hub sees that, and gives the place up when no other comes."""
        open_at = self.calls.items()
        moving = sorted(p for p, (hub, call, _) in open_at if hub not in self.still and self.can_be_lost(call))
        if moving:
            place = self.random.choice(moving)
            hub, call, waiting = self.calls.pop(place)
            self.close(hub, call)
            waiting.is_open = False
            self.lost.append((hub, waiting, waiting.until, self.now + KEPT))
            waiting.until = min(waiting.until, self.now + KEPT)
            self.seen["calls lost"] += 1

    def kill(self) -> None:
        """A hub is gone at once, and another is started; its calls are gone with it."""
        hub = self.random.randrange(self.count)
        self.end(hub)
        self.dead.add(self.numbers[hub])
        for place in [place for place, (at, _, _) in self.calls.items() if at == hub]:
            self.calls.pop(place)[2].is_open = False
        for waiting in self.model.queue:
            waiting.is_orphan = waiting.is_orphan or waiting.hub == self.numbers[hub]
        for at, waiting, until, _ in self.lost:  # nobody else knows that these calls had ended before their time
            if at == hub and not waiting.is_open:
                waiting.until = until
        self.lost = [one for one in self.lost if one[0] != hub]
        self.still.discard(hub)
        self.started += 1
        self.numbers[hub] = self.started
        self.start(hub, self.started)
        self.seen["hubs killed"] += 1

    def stand_still(self) -> None:
        """A hub is stopped in its tracks: it grants nothing, and does not see who has gone."""
        if len(self.still) < self.count - 1:
            hub = self.pick()
            self.still.add(hub)
            self.pause(hub)
            self._mark(hub, sleeps=True)
            self.seen["hubs that stood still"] += 1

    def go_on(self) -> None:
        """It goes on where it was."""
        if self.still:
            hub = self.random.choice(sorted(self.still))
            self.still.discard(hub)
            self.resume(hub)
            self._mark(hub, sleeps=False)

    def _mark(self, hub: int, *, sleeps: bool) -> None:
        for at, _call, waiting in self.calls.values():
            if at == hub:
                waiting.sleeps = sleeps
        for at, waiting, until, given_up_at in self.lost:
            if at == hub and not waiting.is_open:
                waiting.until = until if sleeps else min(until, given_up_at)

    def end_session(self) -> None:
        """An agent leaves; what it waits for is given up, what it holds is kept until it has been gone for long."""
        agent = self.random.choice(self.agents)
        session_id = self.sessions[agent].result["session_id"]
        with suppress(ArcError):
            self.execute(CloseSession(session_id=session_id))
        self.sessions[agent] = self.execute(self.opening(agent))
        self.model.queue = [one for one in self.model.queue if one.agent != agent]
        for child in [child for child, parent in self.parents.items() if parent == agent]:
            self.model.drop(child)
            self.sessions[child] = self.execute(self.opening(child))

    def opening(self, agent: str) -> OpenSession:
        return OpenSession(agent_id=agent, parent=self.parents.get(agent), replace=True)

    def pass_time(self) -> None:
        self.time.pass_sec(self.random.choice((1, 5, 21, 61)))

    # What every hub does ----------------------------------------------------------------------------------------------

    def look(self) -> None:
        self.model.pass_time(self.now)
        self.model.give_up_orphans()
        while (served := self.model.next_served()) is not None:
            self.number += 1
            self.model.grant(self.number, served, self.now + served.ttl)
            self.model.give_up_orphans()  # a parent's lock lets its sub-agents pass, where its place did not
        orders = [self.random.sample(self.moving, len(self.moving)) for _ in range(3)]
        for order in orders:
            if not sum(self.look_around(hub) for hub in order):  # all of them look, and nothing moves any more
                break
        for place in list(self.calls):
            hub, call, waiting = self.calls[place]
            if waiting in self.model.queue:
                assert self.find_result(call) is None, place
                continue
            if waiting.is_served and hub in self.still:
                continue
            del self.calls[place]
            told = self.find_result(call) if not waiting.is_served else self.wait_for(call)
            if told is None:  # its place is over, and nobody tells it before its time
                if hub not in self.still:
                    self.close(hub, call)
            elif told.acquired:
                assert waiting.is_served
                assert told.result.get("agent_id", told.result.get("owner_agent_id")) == waiting.agent
                self.seen["served"] += 1

    def compare(self) -> None:
        held = sorted(map(_row, self.model.rows))
        waiting = sorted((one.agent, one.keys) for one in self.model.queue)
        for hub in self.moving:
            self.agree(hub, (held, waiting))

    def agree(self, hub: int, expected: tuple[list[Held], list[Waits]]) -> None:
        """See that a hub has it as the oracle has it."""
        found = self.see(hub)
        assert found is None or (sorted(found[0]), sorted(found[1])) == expected, (found, expected)


def _row(row: Row) -> Held:
    return row.agent, row.noun, row.key, row.mode, row.until
