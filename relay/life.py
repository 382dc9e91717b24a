"""A relay's sign of life: a file in the spool, whose time it sets again and again while it serves.

A hook has four seconds for each tool, and none of them for a spool that nobody serves, so it looks at this file first.
A relay that ends takes it away, unless another one serves the spool as well; one that died leaves it, and its time
shows that.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from relay import folders
from relay.files import delete_file, write_file
from relay.spool import Spool

NAME: Final = "alive"
EVERY_SEC: Final = 5.0
"""How often its time is set; a client counts a relay as gone after three times that."""


@asynccontextmanager
async def showing_life(spool: Spool, every_sec: float = EVERY_SEC) -> AsyncIterator[None]:
    """While this lasts, the spool shows that it is served; where it cannot, it is served all the same."""
    sign = _Sign(spool, every_sec)
    task = asyncio.create_task(sign.keep_showing())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with suppress(OSError):
            sign.take_away()


class _Sign:
    """One relay's part in the file.

    A relay that finds another time than the one that it set itself takes it that another one serves the spool too, or
    did until just now.

    Args:
        spool: what is served.
        every_sec: how often the time is set.
    """

    def __init__(self, spool: Spool, every_sec: float) -> None:
        self._spool: Final = spool
        self._every_sec: Final = every_sec
        self._set_ns = 0
        self._has_company = False

    async def keep_showing(self) -> None:
        """Set the file's time again and again."""
        while True:
            with suppress(OSError):
                self._show()
            await asyncio.sleep(self._every_sec)

    def take_away(self) -> None:
        """Take the file away; another relay that serves the spool needs it.

        Raises:
            OSError: it is not there, or cannot be taken away.
        """
        root = folders.open_root(self._spool.path)
        try:
            if not self._has_company and folders.look_at(root, NAME).st_mtime_ns == self._set_ns:
                delete_file(root, NAME)
        finally:
            folders.close(root)

    def _show(self) -> None:
        root = folders.open_root(self._spool.path)
        try:
            try:
                found_ns = folders.look_at(root, NAME).st_mtime_ns
                folders.touch(root, NAME)
            except FileNotFoundError:
                self._has_company = False
                write_file(root, NAME, b"", self._spool.mode & 0o666)
            else:
                self._has_company = found_ns != self._set_ns
            self._set_ns = folders.look_at(root, NAME).st_mtime_ns
        finally:
            folders.close(root)
