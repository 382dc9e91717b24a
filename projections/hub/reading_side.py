"""The reading side of a hub: what is read where, and waiting for what is not there yet.

A read that an index bounds is made on the event loop itself, since a hop to another thread would cost more than it
does; the others are made on other threads. A reader that waits is woken by the commit that has something for it, of
this hub or of another.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from arclog.errors import CursorBeyondHead, InvalidInput
from arclog.sqlite.readers import Readers
from arclog.sqlite.reads import read_head
from arclog.sqlite.snapshot import Query
from projections.hub.log_feed import EventPage, EventQuery, read_on
from projections.hub.other_hubs import OtherHubs
from projections.hub.waiting import Waiter, Waiters
from projections.intervals import AsOf, live
from projections.message_pages import MessageQuery, Page, reader_of
from projections.search.filler import Filler
from projections.search.query import Hit, SearchQuery, find_ids, read_hits

SHORT_PAGE_ROWS: Final = 100
SHORT_PAGE_BYTES: Final = 50_000
"""A longer page is read on another thread, so that it holds up nobody; for a shorter one, to share the interpreter with
that thread costs more than to read it."""
READING_THREADS: Final = 2
"""Threads for long reads. Each competes with the event loop for the interpreter: with 20 readers of long pages, the
99th of 100 other callers waits 12 ms with 2 of them, and 26 with 4."""
MAX_PASSED_OVER: Final = 10_000
"""Events among which the loop looks for messages of others in one turn."""

P = ParamSpec("P")
T = TypeVar("T")


class ReachedPage(Struct, frozen=True):
    """A page of messages, and the cursor after what was passed over for it."""

    page: Page
    since_id: int


class ReadingSide:
    """All reads of one hub; used on its event loop.

    Args:
        readers: the connections that read.
        waiters: who waits, and whether anyone still may.
        other_hubs: watched for as long as anyone waits.
        microseconds: the log's clock.
        own_head: the last event that this hub appended, or saw when it did.
        filler: keeps the index of words; None when there is none.

    Attributes:
        max_passed_over: events among which the loop looks for messages of others in one turn.
    """

    def __init__(
        self,
        readers: Readers,
        waiters: Waiters,
        other_hubs: OtherHubs,
        microseconds: Callable[[], int],
        own_head: Callable[[], int],
        filler: Filler | None = None,
    ) -> None:
        self.max_passed_over = MAX_PASSED_OVER
        self._readers = readers
        self._waiters = waiters
        self._other_hubs = other_hubs
        self._microseconds = microseconds
        self._own_head = own_head
        self._filler = filler
        self._threads = ThreadPoolExecutor(READING_THREADS, "arc-reader")

    def close(self) -> None:
        """Let the reads that are under way end, then close the connections; this takes as long as they do."""
        self._threads.shutdown()
        self._readers.close()

    # Reading --------------------------------------------------------------------------------------------------------

    def read(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query of one statement that an index bounds, on the event loop itself."""
        return self._readers.read(query, *args, **kwargs)

    async def read_on_thread(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query that may take long, or needs several statements to see one state, on another thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: self._readers.read_whole(query, *args, **kwargs))

    async def read_page(self, read: Query[[int, int], Page], limit: int, max_bytes: int) -> Page:
        """A page of messages: a short one is read on the event loop itself, a long one on another thread.

        Args:
            read: reads it, with a limit of rows and one of bytes.
            limit: how many rows it may have.
            max_bytes: about how large it may grow.
        """
        few, small = min(limit, SHORT_PAGE_ROWS), min(max_bytes, SHORT_PAGE_BYTES)
        page = self.read(read, few, small)
        fits = not page.more and (few == limit or len(page.rows) < few)
        return page if fits or (few, small) == (limit, max_bytes) else await self.read_on_thread(read, limit, max_bytes)

    async def read_messages(self, query: MessageQuery, at: AsOf) -> ReachedPage:
        """Messages that `query` asks for; what it leaves out is passed over in turns, for it may be nearly everything.

        Returns:
            The page, of which there may be more, and the cursor after what was passed over.
        """
        if query.exclude_self:
            head = min(at.at, max(self._own_head(), self._waiters.head))
            while (reached := query.since_id + self.max_passed_over) < head:
                read = reader_of(query, replace(at, at=reached))
                page = await self.read_page(read, query.limit, query.max_bytes)
                if page.rows:
                    return ReachedPage(page, query.since_id)
                query = replace(query, since_id=reached)
                await asyncio.sleep(0)
        page = await self.read_page(reader_of(query, at), query.limit, query.max_bytes)
        return ReachedPage(page, query.since_id)

    async def search(self, query: SearchQuery, at: AsOf) -> tuple[list[Hit], bool]:
        """The messages that answer a question at a moment, and whether there are more.

        Raises:
            InvalidInput: this hub keeps no index.
            StorageError: the index cannot be used.
        """
        if self._filler is None:
            raise InvalidInput("q", "cannot be searched for: this hub was started without an index of words")
        ids = await asyncio.get_running_loop().run_in_executor(self._threads, find_ids, self._filler, query, at)
        return await self.read_on_thread(read_hits, ids, query, at), len(ids) > query.limit

    # Waiting --------------------------------------------------------------------------------------------------------

    def check_cursor(self, name: str, cursor: int) -> None:
        """Make sure that a cursor may be waited after: its event is there.

        Args:
            name: what the caller calls it.
            cursor: the event that was seen last.

        Raises:
            CursorBeyondHead: it is not, so the cursor is of another storage, or of this one before it was restored.
        """
        if cursor > self._own_head():
            head = self.read(read_head).event_id
            if cursor > head:
                raise CursorBeyondHead(name, cursor, head)

    async def wait_for_messages(self, query: MessageQuery, timeout_sec: float) -> Page:
        """What `query` asks for; when there is nothing yet, wait for it, at most `timeout_sec`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_sec
        while True:
            found = await self.read_messages(query, live(self._microseconds()))
            query = replace(query, since_id=found.since_id)
            if found.page.rows or self._waiters.closing or loop.time() >= deadline:
                return found.page
            waiter = Waiter(query, loop.create_future())
            timer = loop.call_at(deadline, _end, waiter)
            self._waiters.add(waiter)
            self._other_hubs.watch()
            try:
                ready = await waiter.ready
            finally:
                self._waiters.discard(waiter)
                timer.cancel()
            if ready is not None:
                return ready

    async def wait_for_events(self, query: EventQuery, timeout_sec: float) -> EventPage:
        """The events that `query` asks for; when there are none yet, wait for them, at most `timeout_sec`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_sec
        while True:
            committed: asyncio.Future[None] = loop.create_future()
            # Before the read: what is committed meanwhile is read again, not missed.
            self._waiters.wake_at_commit(committed)
            try:
                page = await self.read_on_thread(read_on, query)
                if page.rows or self._waiters.closing or loop.time() >= deadline:
                    return page
                query = replace(query, after=page.reached, tail=False)
                self._other_hubs.watch()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(deadline):
                        await committed
            finally:
                committed.cancel()


def _end(waiter: Waiter) -> None:
    if not waiter.ready.done():
        waiter.ready.set_result(Page([], []))
