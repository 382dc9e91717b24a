"""A log elsewhere, which hubs of several machines share, behind a network that takes its time and breaks."""

import asyncio
from collections.abc import Sequence

from arclog.codec import StoredEvent
from arclog.engine import Moved
from arclog.errors import LogAway
from tests.simulation.machines import HubProcess, Lock, Machine
from tests.simulation.world import World
from tests.support.memory_engine import MemoryEngine, MemoryLog

BUSY_SEC = 2.0
LOOK_SEC = 0.5
"""After how long a hub looks though nobody has told it anything."""


def make_log(world: World) -> MemoryLog:
    """A log in the memory of a server that nothing happens to; what lies before it breaks."""
    return MemoryLog(busy_sec=BUSY_SEC, lock=Lock(world))  # type: ignore[arg-type]


class ServerTime:
    """The time of the log's server, read on another machine: by that one's count since its start."""

    def __init__(self, machine: Machine, server: Machine) -> None:
        self.wall = server.wall
        self.elapsed = machine.elapsed
        self.slept = machine.slept
        self.boot_id = machine.boot_id


class Engine(MemoryEngine):
    """The shared log, for one hub.

    Args:
        world: where it is.
        log: what all engines share.
        process: the hub's.
    """

    def __init__(self, world: World, log: MemoryLog, process: HubProcess) -> None:
        super().__init__(log, ServerTime(process.machine, Machine(world, 0)))
        self._world = world
        self._process = process
        self._news: asyncio.Future[None] | None = None
        log.joined.append(self)

    def hold(self, after: int, digest: bytes, *, wait: bool) -> Moved | None:
        if wait:
            self._travel()
        return super().hold(after, digest, wait=wait)

    def append(self, events: Sequence[StoredEvent]) -> None:
        try:
            self._travel()
        except BaseException:
            self.release()
            raise
        before = len(self._log.events)
        super().append(events)
        if len(self._log.events) > before:
            for other in self._log.joined:
                if other is not self and isinstance(other, Engine):
                    other.hear()

    def read(self, after: int, limit: int, *, wait: bool = True) -> Sequence[StoredEvent]:
        self._travel()
        return super().read(after, limit, wait=wait)

    def hear(self) -> None:
        """Another hub has appended something; the word of it takes a moment, too."""
        if not self._process.is_dead:
            self._process.loop.call_later(self._world.draw_sec(usual=0.001, longest=0.2), self._tell)

    async def changed(self) -> None:
        loop = asyncio.get_running_loop()
        self._news = loop.create_future()
        timer = loop.call_later(LOOK_SEC, self._tell)
        try:
            if not self._told.is_set():
                await self._news
        finally:
            timer.cancel()
            self._told.clear()

    def _tell(self) -> None:
        self._told.set()
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _travel(self) -> None:
        """The way there: it takes a while, and others go on meanwhile."""
        self._world.pause(self._world.draw_sec(usual=0.0005, longest=0.05))
        if self._process.is_dead:
            raise LogAway("nobody is there any more")
