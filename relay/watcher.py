"""The relay: finds what agents put into the spool, and has one courier for each agent carry it.

Requests are found in two ways. The kernel tells of them, where it can; and we look, since it cannot over many mounts.
How often we look follows from what looking was good for: when the last request was announced, a look is only for
safety. When a look has found what nobody had announced, this spool is one of those that must be looked at, and the
pause between two looks is a fiftieth of the time since the last request: an agent that works is answered within
milliseconds, and one that sleeps costs nothing. Looking never takes more than a fifth of the time.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from arclog.deciders.fields import Limits
from relay.courier import Courier, Send
from relay.envelope import MAX_ENVELOPE_BYTES
from relay.intake import Intake
from relay.notifications import Notifications, find_notifications
from relay.spool import Spool

T = TypeVar("T")

FILE_THREADS: Final = 4
SHORTEST_PAUSE_SEC: Final = 0.002
DEFAULT_POLL_INTERVAL_SEC: Final = 0.25
IDLE_SHARE: Final = 1 / 50
"""The pause between two looks, as a share of the time since the last request."""
BUSY_COST: Final = 4
IDLE_COST: Final = 200
"""The pause between two looks is at least so many times what a look takes, while agents work and while they do not."""
PRUNE_EVERY_SEC: Final = 60.0
PRUNE_AFTER: Final = 200
"""How many responses of one agent make it worth while to delete old ones."""
GRACE_SEC: Final = 2.0


class Relay:
    """Serves a spool: `run` it as a task, and `aclose` it.

    Args:
        spool: the files; its folders are made if they are missing.
        send: the way to the hub.
        max_request_bytes: the size of a request's body beyond which its file is refused unread.
        poll_interval_sec: the longest pause between two looks.
        notifications: whether the kernel's notifications are used.
    """

    def __init__(
        self,
        spool: Spool,
        send: Send,
        *,
        max_request_bytes: int = Limits().max_request_bytes,
        poll_interval_sec: float = DEFAULT_POLL_INTERVAL_SEC,
        notifications: bool = True,
    ) -> None:
        self._spool = spool
        self._send = send
        self._max_file_bytes = max_request_bytes + MAX_ENVELOPE_BYTES
        self._poll_interval_sec = poll_interval_sec
        self._wants_notifications = notifications
        self._notifications: Notifications | None = None
        self._couriers: dict[str, Courier] = {}
        self._early: dict[str, dict[str, None]] = {}
        """What was announced in folders whose watch is newer than the last look, in its order."""
        self._watched: set[str] = set()
        """The folders that were watched during the last look, so that nothing older is to come."""
        self._pruned: dict[str, int] = {}
        self._files = ThreadPoolExecutor(FILE_THREADS, "arc-relay")
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()
        self._closing = False
        self._announced = False
        self._request_at = time.monotonic()
        self._cost_sec = 0.0

    async def run(self) -> None:
        """Serve until `aclose`.

        Raises:
            OSError: the spool's folders cannot be made.
        """
        try:
            await self._in_thread(self._spool.ensure)
            tasks = [asyncio.create_task(self._prune())]
            if self._wants_notifications:
                tasks.append(asyncio.create_task(self._listen()))
            try:
                while not self._closing:
                    await self._look()
                    await self._pause()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                if self._notifications is not None:
                    self._notifications.close()
        finally:
            self._files.shutdown(wait=False)
            self._ended.set()

    async def aclose(self, grace_sec: float = GRACE_SEC) -> None:
        """Take nothing more, let what is under way end within `grace_sec`, and stop. The rest is for the next relay."""
        self._closing = True
        await asyncio.gather(*(courier.finish(grace_sec) for courier in self._couriers.values()))
        self._wake.set()
        await self._ended.wait()

    # Looking --------------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        self._wake.clear()
        listening = self._notifications is not None
        began_at = time.monotonic()
        try:
            found = await self._in_thread(self._survey)
        except OSError:  # a mount that is away; it is looked for again
            found = {}
        self._cost_sec = time.monotonic() - began_at
        if self._notifications is not None:
            self._notifications.drain()
        for folder in [name for name, courier in self._couriers.items() if name not in found and not courier.busy]:
            del self._couriers[folder]
        for folder, names in found.items():
            self._find(folder, names)
        self._early.clear()
        self._watched = set(found) if listening else set()

    def _find(self, folder: str, names: list[str]) -> None:
        early = self._early.get(folder, {})
        courier = self._couriers.get(folder)
        if courier is None:
            intake = Intake(folder, self._spool, self._max_file_bytes)
            courier = self._couriers[folder] = Courier(intake, self._send, self._in_thread)
        # What lies there unannounced is older than the watch.
        for name in [*(name for name in names if name not in early), *early]:
            if courier.enqueue(name):
                self._request_at = time.monotonic()
                self._announced = self._announced and name in early

    def _survey(self) -> dict[str, list[str]]:
        """What lies there for each agent, on a thread. What is watched is watched before it is listed."""
        if self._notifications is not None:
            self._notifications.watch_spool()
        folders = self._spool.list_folders()
        if self._notifications is not None:
            self._notifications.watch_folders(folders)
        return self._spool.list_requests(folders, self._couriers)

    async def _pause(self) -> None:
        idle_sec = time.monotonic() - self._request_at
        longest_sec = max(self._poll_interval_sec, IDLE_COST * self._cost_sec)
        shortest_sec = max(SHORTEST_PAUSE_SEC, BUSY_COST * self._cost_sec)
        pause_sec = longest_sec if self._announced else min(max(idle_sec * IDLE_SHARE, shortest_sec), longest_sec)
        began_at = time.monotonic()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), pause_sec)
        # News of folders come as fast as a sandbox makes them; looking must not take all the time.
        rest_sec = began_at + min(shortest_sec, pause_sec) - time.monotonic()
        if rest_sec > 0 and not self._closing:
            await asyncio.sleep(rest_sec)

    # Listening ------------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        found = await self._in_thread(lambda: find_notifications(self._spool.path, self._hear, self._wake.set))
        if found is not None:
            self._notifications = found
            found.listen()
            self._wake.set()

    def _hear(self, folder: str, name: str) -> None:
        if folder not in self._watched:
            # It is watched, and what lay there before is not known yet: that comes first.
            self._early.setdefault(folder, {})[name] = None
            self._wake.set()
        elif self._couriers[folder].enqueue(name):
            self._announced = True
            self._request_at = time.monotonic()

    # Work on files --------------------------------------------------------------------------------------------------

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_EVERY_SEC)
            for folder, courier in list(self._couriers.items()):
                if courier.answered - self._pruned.get(folder, -PRUNE_AFTER) >= PRUNE_AFTER:
                    self._pruned[folder] = courier.answered
                    await courier.prune()

    def _in_thread(self, work: Callable[[], T], /) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._files, work)
