"""The scanner: finds what agents put into the spool, and has one courier for each agent carry it.

Requests are found in two ways: the kernel announces them, which it cannot over many mounts; and we look. As long as
requests are announced we look rarely, for safety only. Once a look has found one that was not, we look fast: the pause
between two looks is then a fiftieth of the time since the last request, so an agent that works is answered within
milliseconds, and one that sleeps costs nothing. Looking takes a fifth of the time at most, and a folder that is slow to
read, since somebody has filled it, is read so seldom that the others do not notice.

All that touches files is done here and now, on this event loop, which is why it is not the hub's: see `relay.relay`.
"""

import asyncio
import logging
import time
from collections.abc import Container
from contextlib import suppress
from functools import partial
from typing import Final

from relay.courier import Courier
from relay.notifications import Notifications, find_notifications
from relay.pace import Pace
from relay.send import Send
from relay.spool import Spool

SHORTEST_PAUSE_SEC: Final = 0.002
BUSY_COST: Final = 4
IDLE_COST: Final = 200
"""The pause between two looks is at least so many times what a look takes, while agents work and while they do not."""
FOLDER_COST: Final = 50
"""The same for each folder."""
LONGEST_PAUSE_SEC: Final = 2.0
"""What the cost of looking can stretch a pause to."""

log = logging.getLogger("arc.relay")


class Scanner:
    """Serves a spool on one event loop: `run` it until `aclose`.

    Args:
        spool: the files.
        send: the way to the hub.
        max_file_bytes: the size of a request's file beyond which it is refused unread.
        poll_interval_sec: the longest pause between two looks at a spool that costs little to look at.
        notifications: whether the kernel's notifications are used.
        pace: how long couriers wait for what, and how much they take on.
    """

    def __init__(
        self,
        spool: Spool,
        send: Send,
        *,
        max_file_bytes: int,
        poll_interval_sec: float,
        notifications: bool,
        pace: Pace,
    ) -> None:
        self._spool = spool
        self._send = send
        self._max_file_bytes = max_file_bytes
        self._poll_interval_sec = poll_interval_sec
        self._wants_notifications = notifications
        self._pace = pace
        self._notifications: Notifications | None = None
        self._couriers: dict[str, Courier] = {}
        self._early: dict[str, dict[str, None]] = {}
        """What was announced in other folders since the last look, in its order."""
        self._watched: set[str] = set()
        """The folders that were read while they were watched, and of which nothing older is to come."""
        self._look_at: dict[str, float] = {}
        """When a folder that is slow to read may be read again."""
        self._wake = asyncio.Event()
        self._closing = False
        self._complained = False
        self._announced = False
        self._request_at = time.monotonic()
        self._cost_sec = 0.0

    async def run(self) -> None:
        """Serve until `aclose`."""
        tasks = [asyncio.create_task(self._prune())]
        if self._wants_notifications:
            tasks.append(asyncio.create_task(self._listen()))
        try:
            while not self._closing:
                try:
                    self._look()
                except Exception:  # the shell of the relay: whatever lies there must not end it
                    log.exception("relay: looking at %s", self._spool.path)
                await self._pause()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._notifications is not None:
                self._notifications.close()

    async def aclose(self, grace_sec: float) -> None:
        """Take nothing more, let what is under way end within `grace_sec`, and stop. The rest is for the next relay."""
        self._closing = True
        await asyncio.gather(*(courier.finish(grace_sec) for courier in self._couriers.values()))
        self._wake.set()

    # Looking --------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        self._wake.clear()
        began_at = time.monotonic()
        if self._notifications is not None:
            self._notifications.watch_spool()
        try:
            self._look_through()
        except OSError as error:  # a mount that is away, or no more descriptors; it is looked for again
            if not self._complained:
                log.warning("relay: %s cannot be looked at now: %s", self._spool.path, error)
            self._complained = True
        else:
            if self._complained:
                log.warning("relay: %s can be looked at again", self._spool.path)
            self._complained = False
        # A look that the machine held up says little of the next one.
        self._cost_sec = min(time.monotonic() - began_at, 2 * self._cost_sec + SHORTEST_PAUSE_SEC)

    def _look_through(self) -> None:
        folders = self._spool.list_folders()
        self._keep_couriers(folders)
        if self._notifications is not None:
            # Watched before it is read: what comes in between is announced or found, and perhaps both.
            self._notifications.watch_folders(folders)
        self._read(set(folders))

    def _keep_couriers(self, folders: list[str]) -> None:
        present = set(folders)
        for folder in [name for name, courier in self._couriers.items() if name not in present and not courier.busy]:
            del self._couriers[folder]
        self._watched &= present
        self._early = {folder: names for folder, names in self._early.items() if folder in present}
        self._look_at = {folder: at for folder, at in self._look_at.items() if folder in present}
        for folder in folders:
            if folder not in self._couriers:
                with suppress(OSError):
                    open_folder = partial(self._spool.open, folder, self._max_file_bytes)
                    courier = Courier(folder, open_folder, self._send, self._pace)
                    courier.resume()
                    self._couriers[folder] = courier

    def _read(self, folders: Container[str]) -> None:
        began_at = time.monotonic()
        due = [name for name in self._couriers if name in folders and self._look_at.get(name, 0.0) <= began_at]
        for folder, names in self._spool.list_requests(due):
            if self._notifications is not None:
                self._notifications.drain()  # so that what was announced is in the order in which it came
            self._find(folder, names)
            ended_at = time.monotonic()
            self._look_at[folder] = ended_at + min(FOLDER_COST * (ended_at - began_at), LONGEST_PAUSE_SEC)
            began_at = ended_at

    def _find(self, folder: str, names: list[str]) -> None:
        early = self._early.pop(folder, {})
        courier = self._couriers[folder]
        crowded = self._spool.max_pending in {len(names), len(early)}
        if crowded:
            early = {}  # there is more than is known, so what was announced is not what comes next
        # What lies there unannounced is older than the watch.
        for name in [*(name for name in names if name not in early), *early]:
            if courier.enqueue(name):
                self._request_at = time.monotonic()
                self._announced = self._announced and name in early
        if crowded or courier.full:
            self._watched.discard(folder)
            self._announced = False
        elif self._notifications is not None:
            self._watched.add(folder)

    async def _pause(self) -> None:
        idle_sec = time.monotonic() - self._request_at
        longest_sec = max(self._poll_interval_sec, min(IDLE_COST * self._cost_sec, LONGEST_PAUSE_SEC))
        shortest_sec = max(SHORTEST_PAUSE_SEC, min(BUSY_COST * self._cost_sec, LONGEST_PAUSE_SEC))
        fitting_sec = max(idle_sec * self._pace.idle_share, shortest_sec)
        pause_sec = longest_sec if self._announced else min(fitting_sec, longest_sec)
        began_at = time.monotonic()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), pause_sec)
        # News of folders come as fast as a sandbox makes them; looking must not take all the time.
        rest_sec = began_at + min(shortest_sec, pause_sec) - time.monotonic()
        if rest_sec > 0 and not self._closing:
            await asyncio.sleep(rest_sec)

    # Listening ------------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        found = await asyncio.to_thread(find_notifications, self._spool.path, self._hear, self._wake.set)
        if found is not None:
            self._notifications = found
            found.listen()
            self._wake.set()

    def _hear(self, folder: str, name: str) -> None:
        courier = self._couriers.get(folder)
        if courier is not None and courier.full:
            self._watched.discard(folder)
        elif folder not in self._watched:
            # It is watched, and what lay there before is not known yet: that comes first.
            early = self._early.setdefault(folder, {})
            if len(early) < self._spool.max_pending:
                early[name] = None
            self._wake.set()
        elif courier is not None and courier.enqueue(name):
            self._announced = True
            self._request_at = time.monotonic()

    # Deleting -------------------------------------------------------------------------------------------------------

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(self._pace.prune_every_sec)
            for courier in list(self._couriers.values()):
                courier.prune()
                await asyncio.sleep(0)
