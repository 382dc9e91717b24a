"""Other hubs: what they append to the log is told to those who wait here.

While anyone waits, the engine is asked for changes. Where hubs share the storage, what has changed is in it already,
and anyone who waits reads again. Where the engine is remote, the storage first fetches what it lacks, also while nobody
waits, so that reads are never far from the log's head.
"""

import asyncio
from collections.abc import Awaitable, Callable

from arclog.errors import StorageError
from arclog.sqlite.readers import Readers
from arclog.sqlite.reads import read_head
from projections.hub.waiting import Waiters


class OtherHubs:
    """Makes waiters read again when another hub has appended something; used on one event loop.

    Args:
        changed: returns when another hub may have appended something.
        readers: the way to read the storage.
        waiters: who is to be woken.
        own_head: the last event that this hub appended or saw when it did.
        fetch: brings into the storage what it lacks, and tells the waiters; returns when that begins, and is not asked
            again before. None where hubs share the storage.
    """

    def __init__(
        self,
        changed: Callable[[], Awaitable[None]],
        readers: Readers,
        waiters: Waiters,
        own_head: Callable[[], int],
        fetch: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._changed = changed
        self._readers = readers
        self._waiters = waiters
        self._own_head = own_head
        self._fetch = fetch
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def watch(self) -> None:
        """Watch from now on, for as long as anyone waits; always, where there is something to be fetched."""
        if not self._closed and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._watch())

    def close(self) -> None:
        """Stop watching."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()

    def look(self) -> bool:
        """Whether the storage has events that the waiters were not told of; if so, everyone who waits reads again."""
        try:
            head = self._readers.read(read_head).event_id
        except StorageError:
            self._waiters.wake_all()  # each finds out for itself, and tells its caller
            return False
        if head <= max(self._own_head(), self._waiters.head):
            return False
        self._waiters.wake_by_foreign(head)
        return True

    async def _watch(self) -> None:
        while self._fetch is not None or len(self._waiters):
            await self._changed()
            if self._fetch is not None:
                await self._fetch()
            else:
                self.look()
