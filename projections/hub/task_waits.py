"""Waiting for work: those who ask for the next task stand in no queue and leave no event.

A commit that may have made a task ready wakes them; each then looks, which costs no transaction, and asks again where
there is something. Whose hub commits first gets it. What becomes ready by time alone is looked for when that is.
"""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from arclog.deciders.picking import TakeNextTask
from arclog.limits import MICROSECONDS
from arclog.sqlite.readers import Readers
from projections.hub.outcomes import Outcome
from projections.hub.waiting import Waiters
from projections.readiness import find_next_time, is_there_work


class TaskWaits:
    """The calls of a hub that wait for work; used on one event loop.

    Args:
        waiters: wakes them.
        readers: the way to read the storage.
        microseconds: the log's clock.
        is_closing: whether the hub ends, so that nobody is to wait any more.
    """

    def __init__(
        self,
        waiters: Waiters,
        readers: Readers,
        microseconds: Callable[[], int],
        is_closing: Callable[[], bool],
    ) -> None:
        self._waiters = waiters
        self._readers = readers
        self._microseconds = microseconds
        self._is_closing = is_closing

    async def wait(self, command: TakeNextTask, ask: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """The next task, as soon as there is one; or that there is none.

        Args:
            command: what was asked for, in vain.
            ask: asks it again.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + command.wait_sec
        while True:
            ready: asyncio.Future[None] = loop.create_future()
            self._waiters.wake_at_work(ready)  # before the look: what is committed meanwhile is looked for again
            try:
                now = self._microseconds()
                if self._readers.read(is_there_work, command, now):
                    outcome = await ask()
                    if outcome.event_id is not None:
                        return replace(outcome, waited=True, is_news=True)
                if self._is_closing() or loop.time() >= deadline:
                    return Outcome(b"null", acquired=False)
                next_at = self._readers.read(find_next_time, now)
                sleep_sec = min(deadline - loop.time(), max(0.0, (next_at - now) / MICROSECONDS) + 0.001)
                await asyncio.wait((ready,), timeout=max(0.0, sleep_sec))
            finally:
                ready.cancel()
