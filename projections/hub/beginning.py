"""The start of a hub is recorded: at once, or as soon as its log is back.

A hub whose log is away starts on its copy all the same and answers reads from it. Nothing can be recorded then, its own
start included.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from arclog.deciders.hub import StartHub
from arclog.errors import LogAway, NewerRules, StorageError
from arclog.limits import MICROSECONDS
from projections.history.hubs import find_shared_ttl
from projections.hub.presence import Presence
from projections.hub.processes import find_own, is_alive
from projections.hub.reading_side import ReadingSide
from projections.hub.settings import Settings

LOOK_SEC: Final = 0.1
"""How often a hub that started without its log looks whether that is back."""


class Beginning:
    """Records the start of one hub; used on its event loop.

    Args:
        settings: how the hub is run.
        presence: who is there, as it notices them.
        reading: reads the storage.
        execute: has the start judged and recorded.
        trouble: what keeps the hub from recording, as far as it knows.

    Attributes:
        presence_ttl_sec: how long an agent may be silent: as the hubs have it that run on the storage already, else as
            it was set.
    """

    def __init__(
        self,
        settings: Settings,
        presence: Presence,
        reading: ReadingSide,
        execute: Callable[[StartHub], Awaitable[object]],
        trouble: Callable[[], StorageError | None],
    ) -> None:
        self.presence_ttl_sec = settings.presence_ttl_sec
        self._version = settings.version
        self._presence = presence
        self._reading = reading
        self._execute = execute
        self._trouble = trouble
        self._later: asyncio.Task[None] | None = None

    async def record(self, url: str | None) -> None:
        """Record the start; where the log is away, later.

        Args:
            url: where the hub can be reached.

        Raises:
            StorageError: it cannot be kept.
        """
        shared = await self._reading.read_on_thread(find_shared_ttl, is_alive)
        if shared is not None:
            self.presence_ttl_sec = shared
            self._presence.set_ttl(round(shared * MICROSECONDS))
        start = StartHub(version=self._version, url=url, presence_ttl_sec=self.presence_ttl_sec, process=find_own())
        if isinstance(self._trouble(), LogAway):
            self._later = asyncio.create_task(self._record_later(start))
        else:
            await self._record(start)

    def cancel(self) -> None:
        """The hub ends."""
        if self._later is not None:
            self._later.cancel()

    async def _record(self, start: StartHub) -> None:
        with contextlib.suppress(NewerRules):  # it shows everything all the same
            await self._execute(start)

    async def _record_later(self, start: StartHub) -> None:
        while True:
            if not isinstance(self._trouble(), LogAway):
                with contextlib.suppress(StorageError):  # it has gone again, or is busy
                    return await self._record(start)
            await asyncio.sleep(LOOK_SEC)
