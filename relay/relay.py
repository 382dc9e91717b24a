"""The relay as the hub sees it: it has a thread and an event loop of its own, and asks the hub on the hub's.

A spool often lies on a mount, and a mount may be slow or hang, and with it anyone who touches it. That must be the
relay alone: no file is touched on the event loop that serves everyone else.
"""

import asyncio
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from arclog.deciders.fields import Limits
from arclog.limits import RELAY_POLL_INTERVAL_SEC
from relay.envelope import MAX_ENVELOPE_BYTES
from relay.life import showing_life
from relay.pace import Pace
from relay.scanner import Scanner
from relay.send import Send
from relay.spool import Spool

DEFAULT_PACE: Final = Pace()
GRACE_SEC: Final = 2.0
HANGING_SEC: Final = 3.0
"""How long the thread may take beyond its grace before it is abandoned: a mount hangs, and cannot be waited for."""


class Relay:
    """Serves a spool: `run` it as a task, and `aclose` it.

    Args:
        spool: the files; its folders are made if they are missing.
        send: the way to the hub; called on the event loop on which `run` is.
        max_request_bytes: the size of a request's body beyond which its file is refused unread.
        poll_interval_sec: the longest pause between two looks at a spool that costs little to look at.
        notifications: whether the kernel's notifications are used.
        pace: how long is waited for what.
    """

    def __init__(
        self,
        spool: Spool,
        send: Send,
        *,
        max_request_bytes: int = Limits().max_request_bytes,
        poll_interval_sec: float = RELAY_POLL_INTERVAL_SEC,
        notifications: bool = True,
        pace: Pace = DEFAULT_PACE,
    ) -> None:
        self._spool = spool
        self._send = send
        self._max_file_bytes = max_request_bytes + MAX_ENVELOPE_BYTES
        self._poll_interval_sec = poll_interval_sec
        self._notifications = notifications
        self._pace = pace
        self._serving: tuple[asyncio.AbstractEventLoop, Scanner] | None = None
        self._ended = asyncio.Event()
        self._error: BaseException | None = None
        self._closing = False

    async def run(self) -> None:
        """Serve until `aclose`.

        Raises:
            OSError: the spool's folders cannot be made.
        """
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._work, args=(loop,), name="arc-relay", daemon=True).start()
        try:
            await self._ended.wait()
        finally:
            self._tell_to_end(0.0)
        if self._error is not None:
            raise self._error

    async def aclose(self, grace_sec: float = GRACE_SEC) -> None:
        """Take nothing more, let what is under way end within `grace_sec`, and stop. The rest is for the next relay."""
        self._tell_to_end(grace_sec)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), grace_sec + HANGING_SEC)
        self._ended.set()

    def _tell_to_end(self, grace_sec: float) -> None:
        self._closing = True
        if self._serving is not None:
            loop, scanner = self._serving
            with suppress(RuntimeError):  # it has ended already
                loop.call_soon_threadsafe(lambda: loop.create_task(scanner.aclose(grace_sec)))

    # On the relay's own thread --------------------------------------------------------------------------------------

    def _work(self, hub_loop: asyncio.AbstractEventLoop) -> None:
        try:
            with asyncio.Runner(loop_factory=type(hub_loop)) as runner:
                runner.run(self._serve(hub_loop))
        except BaseException as error:  # noqa: BLE001  # raised by `run`, where somebody hears of it
            self._error = error
        with suppress(RuntimeError):  # the hub's loop is closed: nobody waits
            hub_loop.call_soon_threadsafe(self._ended.set)

    async def _serve(self, hub_loop: asyncio.AbstractEventLoop) -> None:
        async def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
            async def ask() -> tuple[int, bytes]:
                return await self._send(method, path, body, headers)

            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(ask(), hub_loop))

        self._spool.ensure()
        scanner = Scanner(
            self._spool,
            send,
            max_file_bytes=self._max_file_bytes,
            poll_interval_sec=self._poll_interval_sec,
            notifications=self._notifications,
            pace=self._pace,
        )
        self._serving = asyncio.get_running_loop(), scanner
        if not self._closing:
            async with showing_life(self._spool):
                await scanner.run()
