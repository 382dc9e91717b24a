"""The bell: other hubs ring it with each commit, by NOTIFY, and a hub that listens fetches what is new.

A connection of its own listens, on the event loop. Nothing depends on it: a hub also looks every `SAFETY_SEC`, and as
often as it tries to listen again.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from arclog.errors import StorageError
from arclog.postgresql.address import Address
from arclog.postgresql.failures import LineLost, ServerRefused
from arclog.postgresql.line import Line
from arclog.postgresql.session import open_line

SAFETY_SEC: Final = 1.0
"""How often to look although nobody rang."""
AGAIN_SEC: Final = 0.25
"""How long to wait before the next attempt to listen."""


class Bell:
    """Waits for other hubs' commits; used on one event loop.

    Args:
        address: where the log is.
        is_own: whether a backend of the server is the one that serves this hub's own writes.
        kept: told up to which event the log is there for good.
    """

    def __init__(self, address: Address, is_own: Callable[[int], bool], kept: Callable[[int], None]) -> None:
        self._address = address
        self._is_own = is_own
        self._kept = kept
        self._line: Line | None = None
        self._connecting: asyncio.Future[None] | None = None
        self._closed = False
        self.is_sure = False
        """Whether `next` returned last because somebody rang."""

    async def next(self) -> None:
        """Return when somebody else rang, or now and then without cause."""
        self.is_sure = await self._is_rung()

    async def _is_rung(self) -> bool:
        """Whether somebody else rang; false after a while."""
        loop = asyncio.get_running_loop()
        if self._line is None and not await self._listen():
            await asyncio.sleep(AGAIN_SEC)
            return False
        until = loop.time() + SAFETY_SEC
        while self._line is not None:
            try:
                notices = self._line.take_notices()
            except LineLost:
                self._hang_up()
                return False
            said = [int(text) for backend, text in notices if not self._is_own(backend) and text.isdecimal()]
            if said:
                self._kept(max(said))
                return True
            if loop.time() >= until:
                return False
            await self._hear(self._line, until)
        return False

    def close(self) -> None:
        """Listen no more."""
        self._closed = True
        self._hang_up()

    async def _hear(self, line: Line, until: float) -> None:
        """Wait until something comes over the line."""
        loop = asyncio.get_running_loop()
        rang: asyncio.Future[None] = loop.create_future()

        def ring() -> None:
            if not rang.done():
                rang.set_result(None)

        loop.add_reader(line.socket, ring)
        silence = loop.call_at(until, ring)
        try:
            await rang
        finally:
            silence.cancel()
            loop.remove_reader(line.socket)

    async def _listen(self) -> bool:
        """Connect, on a thread; an attempt that outlasts its caller serves the next."""
        if self._connecting is None:
            self._connecting = asyncio.ensure_future(asyncio.to_thread(self._connect))
        try:
            await asyncio.shield(self._connecting)
        except (StorageError, LineLost, ServerRefused):
            self._connecting = None
            return False
        self._connecting = None
        return not self._closed

    def _connect(self) -> None:
        line = open_line(self._address)
        try:
            line.run("LISTEN arc")
        except BaseException:
            line.close()
            raise
        self._line = line
        if self._closed:  # `close` came before there was a line to hang up
            self._hang_up()

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()
