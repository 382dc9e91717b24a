"""Presence: who is there, as one hub notices it.

What an agent does stands in the log. That it reads, waits in a poll, keeps a stream open, or is in the middle of a tool
does not: that is noticed here, in memory, and the hub vouches for it now and then (`projections.hub.clockwork`).

A hub that was away or asleep, or could keep nothing, cannot know who called in vain: it counts silence from the moment
when it began to listen. A hub that was there meanwhile, on the same log, counts it from the last sign of life.

All times are microseconds of the log's clock.
"""

from collections import Counter
from typing import Final

from arclog.deciders.presence import LONGEST_TOOL, bearable_gap, vouch_interval

MAX_NOTICED: Final = 10_000
"""Agents that are remembered at most; of these the ones that are silent are forgotten first."""


class Listening:
    """Since when a hub has been able to hear its agents.

    It cannot while it is away, nor while its storage takes nothing, nor while it or its machine is suspended: anyone
    who was silent meanwhile may have called in vain, or have slept too.

    Args:
        ttl: the presence TTL.
    """

    def __init__(self, ttl: int) -> None:
        self.since = 0
        self.bearable = bearable_gap(ttl)
        self._failing_since: int | None = None
        self._slept = 0

    def begin(self, now: int, slept: int) -> None:
        """The hub takes calls from now on; its machine was asleep for `slept` until now."""
        self.since, self._slept, self._failing_since = now, slept, None

    def fail(self, now: int) -> None:
        """A call could not be kept."""
        if self._failing_since is None:
            self._failing_since = now

    @property
    def is_failing(self) -> bool:
        """Whether the last call could not be kept."""
        return self._failing_since is not None

    def try_again(self, now: int, slept: int) -> None:
        """Before anyone is judged by silence: leave out what was lost for longer than agents wait between two calls."""
        if self._failing_since is not None and now - self._failing_since > self.bearable:
            self.since = now
        if slept - self._slept > self.bearable:  # short naps add up
            self.since, self._slept = now, slept

    def heed_time(self, now: int, due_at: int) -> None:
        """The hub looks at its clock, as it was to do at `due_at`: when that is long ago, it stood still meanwhile."""
        if now - due_at > self.bearable:
            self.since = now

    def succeed(self) -> None:
        """A call was kept."""
        self._failing_since = None


class Presence:
    """Which agents are at this hub.

    Args:
        ttl: the presence TTL.
        room: how many agents are remembered at most.
    """

    def __init__(self, ttl: int, room: int = MAX_NOTICED) -> None:
        self._room = room
        self.listening = Listening(ttl)
        self.set_ttl(ttl)
        self.waiting: Counter[str] = Counter()
        """Agents that wait in a poll or a stream of this hub, and how often."""
        self._noticed: dict[str, int] = {}
        """When each was last there."""
        self._busy_until: dict[str, int] = {}
        """Until when each counts as there, since it began a tool."""

    def set_ttl(self, ttl: int) -> None:
        """Judge by another presence TTL from now on."""
        self.ttl = ttl
        self.interval = vouch_interval(ttl)
        self.listening.bearable = bearable_gap(ttl)

    def notice(self, agent_id: str, now: int) -> bool:
        """An agent is there.

        Returns:
            Whether that is news: nothing was noticed of it lately.
        """
        before = self._noticed.get(agent_id)
        if before is None and len(self._noticed) >= self._room:
            self._forget_silent(now)
        self._noticed[agent_id] = now
        return before is None or now - before >= self.interval

    def begin_tool(self, agent_id: str, now: int) -> None:
        """An agent begins a tool: until that ends it counts as there, for an hour at most."""
        self._busy_until[agent_id] = now + LONGEST_TOOL

    def end_tool(self, agent_id: str, now: int) -> None:
        """The tool that an agent began has ended."""
        self._busy_until.pop(agent_id, None)
        self.notice(agent_id, now)

    def last_here_at(self, agent_id: str, now: int) -> int:
        """When an agent was last at this hub; 0 when never."""
        if agent_id in self.waiting:
            return now
        until = self._busy_until.get(agent_id)
        if until is None:
            return self._noticed.get(agent_id, 0)
        return max(min(until, now), self._noticed.get(agent_id, 0))

    def list_here(self, now: int) -> list[str]:
        """The agents that are at this hub now, or were since a hub may last have vouched."""
        known = {*self.waiting, *self._busy_until, *self._noticed}
        return sorted(agent for agent in known if now - self.last_here_at(agent, now) < self.interval)

    def _forget_silent(self, now: int) -> None:
        self._noticed = {agent: at for agent, at in self._noticed.items() if now - at < self.interval}
        self._busy_until = {agent: until for agent, until in self._busy_until.items() if until > now}
        if len(self._noticed) >= self._room:
            self._noticed.clear()
