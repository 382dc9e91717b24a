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

LOOK_SEC: Final = 0.1
"""How often a hub that started without its log looks whether that is back."""


class Beginning:
    """Records the start of one hub; used on its event loop.

    Args:
        execute: has the start judged and recorded.
        trouble: what keeps the hub from recording, as far as it knows.
    """

    def __init__(
        self, execute: Callable[[StartHub], Awaitable[object]], trouble: Callable[[], StorageError | None]
    ) -> None:
        self._execute = execute
        self._trouble = trouble
        self._later: asyncio.Task[None] | None = None

    async def record(self, start: StartHub) -> None:
        """Record the start; where the log is away, later.

        Raises:
            StorageError: it cannot be kept.
        """
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
