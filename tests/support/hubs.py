"""Hubs on the event loop of a test, without a server in front of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from projections.hub.hub import Hub
from projections.hub.settings import Settings
from projections.message_pages import Page
from tests.support import shared_log


@asynccontextmanager
async def running(storage: Path, **settings: Any) -> AsyncIterator[Hub]:
    """A hub on `storage`, stopped in the end; `settings` are those of `projections.hub.settings.Settings`."""
    storage, remote = shared_log.join(storage)
    hub = Hub(Settings(storage=storage, version="1.0.0", **settings), remote=remote)
    await hub.start("http://127.0.0.1:1")
    try:
        yield hub
    finally:
        await hub.stop()
        shared_log.leave(storage)


def on_hubs(storage: Path, story: Callable[..., Coroutine[Any, Any, None]], **settings: Any) -> None:
    """Run a story with as many hubs on one storage as it takes."""

    async def run() -> None:
        async with AsyncExitStack() as stack:
            count = story.__code__.co_argcount
            hubs = [await stack.enter_async_context(running(storage, **settings)) for _ in range(count)]
            await asyncio.wait_for(story(*hubs), 60)

    asyncio.run(run())


def bodies(page: Page) -> list[str]:
    """What the messages of a page say."""
    return [msgspec.json.decode(row)["body"] for row in page.rows]
