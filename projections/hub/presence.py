"""Presence: who is still there, and taking back what the others held.

Runs inside the writer's transaction, before any command of the batch, so that no rule ever meets a session that is over
but not yet ended. Whichever hub on the file comes first does it; the next finds nothing left to do.

A hub that was away or asleep, or could keep nothing, cannot know who called in vain: it counts silence from the moment
when it began to listen. A hub that was there meanwhile, on the same file, counts it from the last sign of life.
"""

from collections.abc import Callable, Container
from typing import TypeVar

import apsw
import msgspec
from msgspec import Struct

from arclog.deciders import sessions as rules
from arclog.deciders.claims import HeldClaim
from arclog.deciders.expiry import Expiring, decide_expiry
from arclog.deciders.locks import HeldLock
from arclog.events import AgentSeen, Event
from projections import channels, claims, locks, sessions, threads
from projections.intervals import AsOf, live

Append = Callable[[Event], object]


class Listening:
    """Since when a hub has been able to hear its agents.

    It cannot while it is away, nor while its storage takes nothing, nor while its machine is suspended: whoever was
    silent meanwhile may have called in vain, or have slept too. All times are microseconds of the log's clock.

    Args:
        ttl: the presence TTL in microseconds.
    """

    def __init__(self, ttl: int) -> None:
        self.since = 0
        self._failing_since: int | None = None
        self._slept = 0
        self._bearable = rules.seen_interval(ttl)

    def begin(self, now: int, slept: int) -> None:
        """The hub takes calls from now on; its machine was asleep for `slept` until now."""
        self.since, self._slept, self._failing_since = now, slept, None

    def fail(self, now: int) -> None:
        """A call could not be kept."""
        if self._failing_since is None:
            self._failing_since = now

    def try_again(self, now: int, slept: int) -> None:
        """Before anyone is judged by silence: leave out what was lost for longer than agents wait between two calls."""
        if self._failing_since is not None and now - self._failing_since > self._bearable:
            self.since = now
        if slept - self._slept > self._bearable:  # short naps add up
            self.since, self._slept = now, slept

    def hear(self) -> None:
        """A call was kept."""
        self._failing_since = None


class Due(Struct, frozen=True):
    """Whether something is to be written now, and when to look again, in microseconds of the log's clock."""

    now: bool
    next_at: int


def look(connection: apsw.Connection, present: Container[str], ttl: int, now: int, listens_since: int) -> Due:
    """Whether any session is to be ended, or any waiting agent to be noted, by reading only.

    Args:
        connection: any connection on the storage.
        present: agents that wait in a poll or a stream of this hub.
        ttl: the presence TTL in microseconds.
        now: the log's time.
        listens_since: when this hub began to listen; nobody is blamed for silence before it.

    Sessions that other hubs on the file open are met at the next look, so looks are never further apart than an
    interval: none of those sessions can be over before it.
    """
    next_at, due = now + rules.seen_interval(ttl), False
    for session in sessions.list_live(connection, live(now)):
        if session.agent_id in present:
            turn = session.last_seen_at + rules.seen_interval(ttl)
        else:
            turn = max(session.last_seen_at, listens_since) + ttl + 1
        due = due or turn <= now
        next_at = min(next_at, turn)
    return Due(due, next_at)


def sweep(
    connection: apsw.Connection, present: Container[str], ttl: int, now: int, listens_since: int, append: Append
) -> None:
    """End the sessions of agents that are gone, release what they held, and note the agents that wait here.

    The arguments are those of `look`; `append` takes each event that follows.
    """
    for session in sessions.list_live(connection, live(now)):
        if session.agent_id in present:
            if now - session.last_seen_at >= rules.seen_interval(ttl):
                append(AgentSeen(agent_id=session.agent_id))
        elif rules.has_expired(session, ttl, now, listens_since):
            held_claims = [_placed(connection, c, now) for c in claims.list_held(connection, session.agent_id, now)]
            held_locks = [_placed(connection, lock, now) for lock in locks.list_held(connection, session.agent_id, now)]
            state = Expiring(
                session.agent_id, session.session_id, session.last_seen_at, tuple(held_claims), tuple(held_locks)
            )
            append(decide_expiry(state, now))


Held = TypeVar("Held", HeldClaim, HeldLock)


def _placed(connection: apsw.Connection, held: Held, now: int) -> Held:
    """The lease with the channel in which its recovery is told: its thread's, else its own choice, if there is such."""
    at: AsOf = live(now)
    channel = held.notice_channel
    if held.thread_id is not None:
        channel = threads.find_thread_channel(connection, held.thread_id, at) or channel
    if channel is not None and channels.find_channel(connection, channel, at) is None:
        channel = None
    return msgspec.structs.replace(held, notice_channel=channel)
