"""Attendance: agents that only read, wait, or run a tool are there too, though no event of theirs says so."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from arclog.errors import StorageError
from arclog.sqlite.readers import Readers
from arclog.sqlite.snapshot import together
from projections.hub.clockwork import Clockwork
from projections.hub.presence import Presence


class Attendance:
    """Notes which agents are at one hub; used on its event loop.

    Args:
        presence: who is there.
        clockwork: is told, so that the hub vouches for them in time.
        readers: the way to read the storage.
        microseconds: the log's clock.
        look_sooner: called when something may be due sooner than it was.
    """

    def __init__(
        self,
        presence: Presence,
        clockwork: Clockwork,
        readers: Readers,
        microseconds: Callable[[], int],
        look_sooner: Callable[[], None],
    ) -> None:
        self._presence = presence
        self._notice = together(clockwork.notice)
        self._readers = readers
        self._microseconds = microseconds
        self._look_sooner = look_sooner

    def see(self, agent_id: str) -> None:
        """An agent which only reads is there; cheap, and written rarely."""
        with contextlib.suppress(StorageError):
            self._readers.read(self._notice, agent_id, self._microseconds())
        self._look_sooner()

    @contextmanager
    def present(self, agent_id: str) -> Iterator[None]:
        """While this lasts, the agent waits in a poll or a stream, and its session does not end."""
        waiting = self._presence.waiting
        waiting[agent_id] += 1
        try:
            self.see(agent_id)
            yield
        finally:
            waiting[agent_id] -= 1
            if not waiting[agent_id]:
                del waiting[agent_id]
            self._presence.notice(agent_id, self._microseconds())

    def begin_tool(self, agent_id: str) -> None:
        """An agent begins a tool, and counts as present until that ends, for an hour at most."""
        self._presence.begin_tool(agent_id, self._microseconds())
        self.see(agent_id)

    def end_tool(self, agent_id: str) -> None:
        """The tool that an agent began has ended."""
        self._presence.end_tool(agent_id, self._microseconds())
