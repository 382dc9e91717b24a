"""A relay's sign of life: a file in the spool, whose time it sets again and again while it serves.

A hook has four seconds for each tool, and none of them for a spool that nobody serves, so it looks at this file first.
A relay that ends takes it away; one that died leaves it, and its time tells.
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
    task = asyncio.create_task(_show(spool, every_sec))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with suppress(OSError):
            root = folders.hold(spool.path)
            try:
                delete_file(root, NAME)
            finally:
                folders.close(root)


async def _show(spool: Spool, every_sec: float) -> None:
    while True:
        with suppress(OSError):
            _show_once(spool)
        await asyncio.sleep(every_sec)


def _show_once(spool: Spool) -> None:
    root = folders.hold(spool.path)
    try:
        folders.touch(root, NAME)
    except FileNotFoundError:
        write_file(root, NAME, b"", spool.mode & 0o666)
    finally:
        folders.close(root)
