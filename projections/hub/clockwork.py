"""The clockwork: what is due by the log's clock is settled here, first in each batch, and by itself when nobody calls.

    vouching        the hub says that its agents are there, before anyone's silence counts
    silence         a session whose agent was silent for too long is over, and what the agent held is free
    parting         the session of a sub-agent ends with that of its parent, and what it held is free
    leaving         what an agent held that ended its session is free when it has not come back in time

Whichever hub on the log comes first settles a thing; the next finds nothing left to do. What is due is found by a look
at all sessions, a part at a time, well before any of it is due; in between only a schedule is consulted. Little is
settled in one transaction, so that nobody waits for long whatever is due: the rest follows in the next. The agent of a
call is settled before the call is judged (`settle_agent`), so no rule meets what is over but not yet ended.
"""

import heapq
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from arclog.clock import NEVER
from arclog.codec import Metadata
from arclog.deciders.claims import HeldClaim
from arclog.deciders.expiry import Expiring, decide_expiry
from arclog.deciders.locks import HeldLock
from arclog.deciders.presence import Vouching, decide_vouch, expires_at, vouch_due_at
from arclog.deciders.sessions import LiveSession
from arclog.events import Event, HubVouched
from arclog.sqlite.reads import NO_END
from arclog.sqlite.snapshot import Snapshot
from projections import channels, claims, locks, sessions, threads, vouches
from projections.hub.presence import Presence
from projections.hub.processes import is_alive
from projections.intervals import AsOf, live
from projections.sessions import Ended, LastSeen

Append = Callable[[Event, Metadata], object]
Held = TypeVar("Held", HeldClaim, HeldLock)

SLICE: Final = 5_000
"""How long one transaction is kept up by what is due, in microseconds; one thing is always settled."""
MAX_FREED: Final = 500
"""Claims and locks that one event takes back at most; the rest follows with the next."""
MAX_FREED_BYTES: Final = 2**20
"""How much metadata claims or locks may have that one event takes back, the last of them left out."""
LOOKED_AT_ONCE: Final = 200
"""Sessions that are looked at in one go."""
LONGEST_LEASE: Final = 86_400 * 1_000_000
"""How long what an agent held when it left can still be held at most, in microseconds."""


class _Over(Struct, frozen=True):
    """What is over: a session, or what its agent still held in one that `ended` already."""

    agent_id: str
    session_id: str
    last_seen_at: int
    ended: Ended | None = None


class Clockwork:
    """What is due on one log, as one hub sees it. All times are microseconds of the log's clock.

    Args:
        hub_id: the hub.
        presence: who is at it.
        elapsed: microseconds since some moment, to tell how long the work has taken.
        max_freed: claims and locks that one event takes back at most.
        looked_at_once: sessions that are looked at in one go.
    """

    def __init__(
        self,
        hub_id: str,
        presence: Presence,
        elapsed: Callable[[], int],
        *,
        max_freed: int = MAX_FREED,
        looked_at_once: int = LOOKED_AT_ONCE,
    ) -> None:
        self._max_freed = max_freed
        self._looked_at_once = looked_at_once
        self._hub_id = hub_id
        self._presence = presence
        self._elapsed = elapsed
        self._schedule: list[tuple[int, str]] = []
        """When which agent may be gone: a heap of all that is due before the next look at everybody is done."""
        self._due: dict[str, int] = {}
        """The same by agent."""
        self._vouch_at = 0
        self._vouched_at = 0
        self._look_at = 0
        self._looked_to: str | None = None
        """The agent up to which sessions were looked at; None when no look is under way."""
        self._left_to = 0
        """The event up to which those who left were looked at."""
        self.is_behind = False
        """Whether more is due than could be settled so far."""
        self.next_at = 0
        """When there is something to do next. A number that is kept, since every batch looks at it."""

    def notice(self, snapshot: Snapshot, agent_id: str, now: int) -> None:
        """An agent is here, though the log may not show it: the hub vouches for it before its silence counts."""
        if self._presence.notice(agent_id, now):
            session = snapshot.read(sessions.find_live, agent_id, live(now))
            if session is not None:
                due_at = max(self._vouched_at, session.last_seen_at) + self._presence.interval
                self._vouch_at = min(self._vouch_at, due_at)
                self._reckon()

    def forget(self) -> None:
        """What was settled came to nothing: look at everything again."""
        self._schedule.clear()
        self._due.clear()
        self._vouch_at = self._look_at = self._left_to = 0
        self._looked_to = None
        self._reckon()

    def prepare(self, snapshot: Snapshot, now: int) -> bool:
        """Find what is due, by reading only.

        Returns:
            Whether anything is to be written now.
        """
        if now >= self._look_at:
            self._look(snapshot, now)
        vouches = now >= self._vouch_at and self._decide_vouch(snapshot, now) is not None
        is_due = vouches or self._find_over(snapshot, now) is not None
        self._reckon()
        return is_due

    def settle(self, snapshot: Snapshot, now: int, append: Append) -> None:
        """Do what is due, as much of it as fits into one transaction.

        Args:
            snapshot: the storage, in the writer's transaction.
            now: the transaction's time.
            append: takes each event that follows.
        """
        stop_at = self._elapsed() + SLICE
        if now >= self._look_at:
            self._look(snapshot, now)
        if now >= self._vouch_at:
            vouched = self._decide_vouch(snapshot, now)
            if vouched is not None:
                append(vouched, Metadata("hub"))
                self._vouched_at, self._vouch_at = now, now + self._presence.interval
        while (over := self._find_over(snapshot, now)) is not None:
            self._end(snapshot, over, now, append)
            if self._elapsed() >= stop_at:
                break
        self.is_behind = bool(self._schedule) and self._schedule[0][0] <= now
        self._reckon()

    def settle_agent(self, snapshot: Snapshot, agent_id: str, now: int, append: Append) -> bool:
        """End an agent's session if it is over, and free what it still held, though its turn has not come yet.

        Returns:
            Whether anything was appended.
        """
        if not self.is_behind:
            return False
        over, _due_at = self._assess(snapshot, agent_id, now)
        if over is not None:
            self._end(snapshot, over, now, append)
            self._reckon()
        return over is not None

    def end_sub_agents(self, snapshot: Snapshot, agent_id: str, now: int, append: Append) -> None:
        """End the sessions of an agent's sub-agents, since its own ends, and free what they held."""
        for session in snapshot.read(sessions.list_live_below, agent_id):
            over = _Over(session.agent_id, session.session_id, session.last_seen_at)
            self._end(snapshot, over, now, append)
        self._reckon()

    def _reckon(self) -> None:
        """Something is due at another time than before."""
        due_at = self._schedule[0][0] if self._schedule else NEVER
        self.next_at = min(due_at, self._vouch_at, self._look_at)

    # Looking --------------------------------------------------------------------------------------------------------

    def _look(self, snapshot: Snapshot, now: int) -> None:
        """Look at some more agents, and schedule those that may be gone before the next look at them is done.

        Whatever another hub records from here on is due a whole presence TTL later, which is three looks.
        """
        interval = self._presence.interval
        found = snapshot.read(sessions.list_live, self._looked_to or "", self._looked_at_once)
        for session in found:
            due_at = self._expires_at(session, now)
            if due_at <= now + 2 * interval:
                self._plan(session.agent_id, due_at)
        if len(found) == self._looked_at_once:
            self._looked_to, self._look_at = found[-1].agent_id, now
            return
        for ended in snapshot.read(sessions.list_ended, self._left_to):
            self._left_to = ended.event_id
            if ended.left_at > now - LONGEST_LEASE:
                self._plan(ended.agent_id, self._frees_at(snapshot, ended))
        self._looked_to, self._look_at = None, now + interval

    def _plan(self, agent_id: str, due_at: int) -> None:
        if self._due.get(agent_id, NEVER) > due_at:
            self._due[agent_id] = due_at
            heapq.heappush(self._schedule, (due_at, agent_id))

    def _find_over(self, snapshot: Snapshot, now: int) -> _Over | None:
        """The next that is over, at the top of the schedule; who is not, after all, is put off or forgotten."""
        while self._schedule and self._schedule[0][0] <= now:
            planned_at, agent_id = self._schedule[0]
            due_at: int | None = None
            if self._due.get(agent_id) == planned_at:
                over, due_at = self._assess(snapshot, agent_id, now)
                if over is not None:
                    return over
                del self._due[agent_id]
            heapq.heappop(self._schedule)
            if due_at is not None:
                self._plan(agent_id, due_at)
        return None

    def _assess(self, snapshot: Snapshot, agent_id: str, now: int) -> tuple[_Over | None, int | None]:
        """Whether an agent is gone; if not, when it may be, None when there is nothing to wait for."""
        session = snapshot.read(sessions.find_live, agent_id, live(now))
        if session is not None:
            due_at = self._expires_at(session, now)
            over = _Over(agent_id, session.session_id, session.last_seen_at)
            return (over, None) if due_at <= now else (None, due_at)
        ended = snapshot.read(sessions.find_ended, agent_id)
        if ended is None or not holds_anything(snapshot, agent_id, now, ended.event_id):
            return None, None
        due_at = self._frees_at(snapshot, ended)
        over = _Over(agent_id, ended.session_id, ended.left_at, ended)
        return (over, None) if due_at <= now else (None, due_at)

    def _expires_at(self, session: LiveSession, now: int) -> int:
        last_here_at = self._presence.last_here_at(session.agent_id, now)
        return expires_at(session, last_here_at, self._presence.listening.since, self._presence.ttl)

    def _frees_at(self, snapshot: Snapshot, ended: Ended) -> int:
        """When what an agent held that left is free, if it does nothing until then."""
        last_seen_at = snapshot.read(LastSeen, NO_END).find(ended.agent_id) or 0
        return max(ended.left_at, last_seen_at, self._presence.listening.since) + self._presence.ttl + 1

    # Settling -------------------------------------------------------------------------------------------------------

    def _decide_vouch(self, snapshot: Snapshot, now: int) -> HubVouched | None:
        """What the hub is to vouch for now; if nothing, when to ask again."""
        for agent_id, process in snapshot.read(sessions.list_processes):
            if is_alive(process):
                self._presence.notice(agent_id, now)
        here: dict[str, int] = {}
        for agent_id in self._presence.list_here(now):
            session = snapshot.read(sessions.find_live, agent_id, live(now))
            if session is not None:
                here[agent_id] = session.last_seen_at
        has = frozenset(snapshot.read(vouches.list_of_hub, self._hub_id))
        self._vouched_at = snapshot.read(vouches.find_last_vouch, self._hub_id, NO_END) or 0
        state = Vouching(self._hub_id, here, has, self._vouched_at, self._presence.ttl)
        vouched = decide_vouch(state, now)
        if vouched is None:
            self._vouch_at = vouch_due_at(state) or now + self._presence.interval
        return vouched

    def _end(self, snapshot: Snapshot, over: _Over, now: int, append: Append) -> None:
        """Free what somebody held that is gone; what one event cannot name is left for the next."""
        if over.ended is None:
            self.end_sub_agents(snapshot, over.agent_id, now, append)
        before = NO_END if over.ended is None else over.ended.event_id  # grants after that last their full time
        held_claims = snapshot.read(claims.list_held, over.agent_id, now, before, self._max_freed, MAX_FREED_BYTES)
        room = self._max_freed - len(held_claims)
        held_locks = snapshot.read(locks.list_held, over.agent_id, now, before, room, MAX_FREED_BYTES) if room else []
        state = Expiring(
            over.agent_id,
            over.session_id,
            over.last_seen_at,
            tuple(_place(snapshot, claim, now) for claim in held_claims),
            tuple(_place(snapshot, lock, now) for lock in held_locks),
            more=len(held_claims) + len(held_locks)
            < snapshot.read(claims.count_held, over.agent_id, now, before)
            + snapshot.read(locks.count_held, over.agent_id, now, before),
        )
        append(decide_expiry(state, now), Metadata("hub"))
        self._due.pop(over.agent_id, None)
        if state.more:
            self._plan(over.agent_id, now)


def holds_anything(snapshot: Snapshot, agent_id: str, now: int, before: int) -> bool:
    """Whether an agent holds a claim or a lock that was granted before an event."""
    return bool(
        snapshot.read(claims.count_held, agent_id, now, before)
        or snapshot.read(locks.count_held, agent_id, now, before)
    )


def _place(snapshot: Snapshot, held: Held, now: int) -> Held:
    """A lease that says where its recovery is told."""
    channel = _find_channel(snapshot, held.thread_id, held.notice_channel, live(now))
    return msgspec.structs.replace(held, notice_channel=channel)


def _find_channel(snapshot: Snapshot, thread_id: str | None, wanted: str | None, at: AsOf) -> str | None:
    """Where the recovery of a lease is told: its thread's channel, else its own choice, if there is such a channel."""
    channel = wanted
    if thread_id is not None:
        channel = snapshot.read(threads.find_thread_channel, thread_id, at) or channel
    if channel is not None and snapshot.read(channels.find_channel, channel, at) is None:
        return None
    return channel
