"""The hub: the door through which everything is written, the reads, and waiting for news.

Everything here runs on one event loop. Writes are queued for the next group commit; reads that an index bounds are made
on the loop itself, since a hop to another thread would cost more than they do; the others are made on other threads.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, ParamSpec, TypeVar
from uuid import uuid4

import msgspec
from msgspec import Struct

from arclog.clock import LogClock, TimeSource
from arclog.deciders.fields import Limits
from arclog.deciders.hub import (
    CancelShutdown,
    ChangeNetwork,
    FireShutdown,
    HubState,
    InitiateShutdown,
    StartHub,
    StopHub,
)
from arclog.engine import Engine
from arclog.errors import ArcError, CursorBeyondHead, InvalidInput, NewerRules, StorageError, StorageGone
from arclog.events import SYSTEM
from arclog.events.hub import StopReason
from arclog.limits import MICROSECONDS, PRESENCE_TTL_SEC
from arclog.machine_time import MachineTime
from arclog.progress import Progress, no_progress
from arclog.proof.findings import Finding
from arclog.sqlite.readers import Readers
from arclog.sqlite.reads import read_head
from arclog.sqlite.schema import get_instance_id
from arclog.sqlite.snapshot import Query, Snapshot, together
from projections.history.hubs import find_shared_ttl
from projections.hub.calls import Call, Commit, Request
from projections.hub.command_handlers import Command
from projections.hub.group_commit import GroupCommit
from projections.hub.inspection import Inspection, Integrity
from projections.hub.lease_waits import LeaseWaits
from projections.hub.log_feed import EventPage, EventQuery, read_on
from projections.hub.other_hubs import OtherHubs
from projections.hub.outcomes import Outcome
from projections.hub.processes import find_own, is_alive
from projections.hub.recorder import Recorder
from projections.hub.roots import FindTree, Roots, find_no_tree
from projections.hub.shutdown_timer import Countdown
from projections.hub.waiting import Waiter, Waiters
from projections.intervals import AsOf, live
from projections.messages import MessageQuery, Page, read_messages
from projections.moments import find_moment
from projections.search.filler import Filler
from projections.search.query import Hit, SearchQuery, find_ids, read_hits

SHORT_PAGE_ROWS: Final = 25
SHORT_PAGE_BYTES: Final = 50_000
"""A page that may be longer is read on another thread, so that it holds up nobody; a hop there costs more than this."""
READING_THREADS: Final = 2
"""Threads for long reads. Each competes with the event loop for the interpreter: with 20 readers of long pages, the
99th of 100 other callers waits 12 ms with 2 of them, and 26 with 4."""
MAX_PASSED_OVER: Final = 10_000
"""Events among which the loop looks for messages of others in one turn."""

logger = logging.getLogger("arc.hub")

P = ParamSpec("P")
T = TypeVar("T")


class ReachedPage(Struct, frozen=True):
    """A page of messages, and the cursor after what was passed over for it."""

    page: Page
    since_id: int


class Settings(Struct, frozen=True, kw_only=True):
    """How a hub is run.

    Attributes:
        storage: the log's file.
        limits: how much one message may hold.
        presence_ttl_sec: how long an agent may be silent before its session ends.
        host: the address that the hub listens on.
        port: its port.
        allow_remote: whether other machines may call.
        loopback: whether `host` is this machine only.
        version: the hub's version, for the log.
        search: whether an index of words is kept, a file beside the storage.
        network_token: SHA-256 of the token that calls from other machines need; None where they need none.
        proxies: the addresses of proxies whose word on where a call comes from is taken.
        unsafe_filesystem: the type of the storage's filesystem, where its locks cannot be relied on.
        root: the folder that paths are relative to; the storage's own unless given.
        find_tree: finds the working tree of a repository that a folder is in.
    """

    storage: Path
    limits: Limits = Limits()
    presence_ttl_sec: float = PRESENCE_TTL_SEC
    host: str = "127.0.0.1"
    port: int = 0
    allow_remote: bool = False
    loopback: bool = True
    version: str = ""
    search: bool = True
    network_token: bytes | None = None
    proxies: frozenset[str] = frozenset()
    unsafe_filesystem: str | None = None
    root: Path | None = None
    find_tree: FindTree = find_no_tree


class Hub:
    """One hub on one storage. Open it, `start` it on a running event loop, and `stop` it there.

    Raises (when made):
        StorageError: the storage cannot be opened.
    """

    def __init__(self, settings: Settings, time: TimeSource | None = None, engine: Engine | None = None) -> None:
        self.settings = settings
        self.hub_id = uuid4().hex[:8]
        self.on_shutdown: Callable[[], None] = _ignore
        """Called once when a shutdown fires, to end whatever serves this hub."""
        self.on_network_closed: Callable[[], None] = _ignore
        """Called when calls from other machines are no longer taken, to end those that are open."""
        self.closing = False
        """Whether the hub is about to end: nobody waits any more."""
        self.presence_ttl_sec = settings.presence_ttl_sec
        """How long an agent may be silent: as the hubs have it that run on the storage already, else as it was set."""
        state = HubState(
            hub_id=self.hub_id,
            allow_remote=settings.allow_remote,
            listen_host=settings.host,
            port=settings.port,
            loopback=settings.loopback,
            version=settings.version,
        )
        own_clock = LogClock(time or MachineTime())
        self.roots = Roots(settings.root or settings.storage.parent, settings.find_tree)
        presence_ttl = round(self.presence_ttl_sec * MICROSECONDS)
        self._recorder = Recorder(settings.storage, own_clock, settings.limits, presence_ttl, state, engine, self.roots)
        self._engine = self._recorder.engine
        self.clock = self._engine.clock
        self._readers = Readers(settings.storage)
        self._threads = ThreadPoolExecutor(READING_THREADS, "arc-reader")
        self._waiters = Waiters()
        self._other_hubs = OtherHubs(
            self._engine.changed,
            self._readers,
            self._waiters,
            lambda: self._recorder.last_event_id,
            self._fetch if self._engine.is_remote else None,
        )
        self._countdown = Countdown(self._fire)
        self._inspection = Inspection(settings.storage, self.clock.now, self._tell_damage)
        self._filler = Filler(settings.storage, logger.warning)
        self.on_damage: list[Callable[[Finding], None]] = []
        """Called, on the event loop, with each thing that turns out to be wrong with the log."""
        self.on_trouble: list[Callable[[StorageError | None], None]] = []
        """Called, on the event loop, when the storage fails in a new way, and with None when it takes writes again."""
        self._told: StorageError | None = None
        self.instance_id = ""

    # Life -----------------------------------------------------------------------------------------------------------

    async def start(self, url: str | None = None, progress: Progress = no_progress) -> tuple[str, ...]:
        """Take calls from now on.

        Args:
            url: where the hub can be reached, for the log.
            progress: told how far a rebuild has come, if one is needed.

        Returns:
            The names of the projections that were rebuilt.

        Raises:
            StorageError: the storage cannot be written.
        """
        self._loop = asyncio.get_running_loop()
        rebuilt = await asyncio.to_thread(self._recorder.start, progress)
        self._commits = GroupCommit(self._recorder, self.clock.now, self._arrive, reads=lambda: self._readers.count)
        self._waiters.head = self._recorder.last_event_id
        self._lease_waits = LeaseWaits(
            self._recorder.leases, self._commits, self._waiters, self._readers, self.clock.now
        )
        self.instance_id = self._readers.read(get_instance_id)
        await asyncio.to_thread(self._inspection.check_newest)
        await self._begin(url)
        self._inspection.start()
        if self._engine.is_remote:
            self._other_hubs.watch()
        if self.settings.search:
            self._filler.start()
        return rebuilt

    async def _begin(self, url: str | None) -> None:
        """Record the start, with a presence TTL that all hubs share which run on the storage."""
        shared = await self._loop.run_in_executor(self._threads, self._readers.read, find_shared_ttl, is_alive)
        if shared is not None:
            self.presence_ttl_sec = shared
            self._recorder.presence.set_ttl(round(shared * MICROSECONDS))
        with contextlib.suppress(NewerRules):  # it shows everything all the same
            await self.execute(
                StartHub(
                    version=self.settings.version,
                    url=url,
                    presence_ttl_sec=self.presence_ttl_sec,
                    process=find_own(),
                ),
                transport="hub",
                sender=SYSTEM,
            )

    def begin_closing(self) -> None:
        """Let everyone who waits go, so that requests in flight can end."""
        self.closing = True
        self._waiters.wake_all()
        self._lease_waits.wake_all()

    async def stop(self, reason: StopReason = "signal") -> None:
        """Record the end, finish what is queued, and close the storage."""
        self.begin_closing()
        self._countdown.disarm()
        with contextlib.suppress(ArcError):
            await self.execute(StopHub(reason=reason), transport="hub", sender=SYSTEM)
        self._other_hubs.close()
        await asyncio.to_thread(self._inspection.stop)
        await asyncio.to_thread(self._filler.stop)
        await asyncio.to_thread(self._threads.shutdown)  # a read that takes long ends first, and holds up nobody
        self._readers.close()
        # The writer's connection is the last to be closed, since only it can empty the WAL into the file.
        await self._commits.stop()

    # Writing --------------------------------------------------------------------------------------------------------

    async def execute(
        self,
        command: Command,
        *,
        transport: str = "http",
        key: str | None = None,
        request: bytes | None = None,
        former_request: bytes | None = None,
        sender: str = "",
        require: Mapping[str, int] | None = None,
    ) -> Outcome:
        """Have a command judged and, if it is accepted, its event recorded.

        Returns only when the event is on disk.

        Args:
            command: what is asked for.
            transport: the road that the call took.
            key: the caller's idempotency key; the same key with the same `request` gets the same answer again.
            request: a hash of the request.
            former_request: the same as former versions made it, which may be what is kept.
            sender: who asks, as far as the carrier knows; it counts where the command names nobody.
            require: fencing tokens of the sender that must be present, by what they are of; else nothing is done.

        Raises:
            ArcError: it was refused, or could not be kept.
        """
        future: asyncio.Future[Outcome] = self._loop.create_future()

        def done(result: Outcome | ArcError) -> None:
            # A caller that went away has cancelled its future.
            if future.done():
                if isinstance(result, Outcome) and result.opened is not None:
                    self._lease_waits.close(result.opened)
            elif isinstance(result, ArcError):
                future.set_exception(result)
            else:
                future.set_result(result)

        call = Call(command, done, transport, key, request, sender, former_request, require)
        self._commits.submit(call)
        outcome = await future
        if outcome.opened is not None:
            self._other_hubs.watch()
            with self.present(call.sender):
                return await self._lease_waits.wait(outcome.opened)
        # What counts is how things stand: a retry under its key is answered like the first call, but changes nothing.
        if isinstance(command, InitiateShutdown) and self.state.shutdown_pending and not self._countdown.is_armed:
            self._countdown.arm(command.delay_sec)
        elif isinstance(command, CancelShutdown) and not self.state.shutdown_pending:
            self._countdown.disarm()
        elif isinstance(command, ChangeNetwork) and not self.state.allow_remote:
            self.on_network_closed()
        return outcome

    def give_back(self, outcome: Outcome) -> None:
        """Free what was granted to a call that had waited for it, since its answer cannot be told."""
        self._lease_waits.give_back(outcome)

    async def execute_all(self, requests: Sequence[Request]) -> list[Outcome | ArcError]:
        """Have many commands judged in order, as many in one transaction as are there.

        Each stands for itself: one that is refused does not keep the others from being recorded. Returns only when all
        that was accepted is on disk.

        Args:
            requests: the commands, each with its idempotency key, if any.

        Returns:
            For each request its outcome, or why it was refused.
        """
        results: list[Outcome | ArcError] = []
        complete: asyncio.Future[None] = self._loop.create_future()

        def done(result: Outcome | ArcError) -> None:
            results.append(result)
            if len(results) == len(requests) and not complete.done():
                complete.set_result(None)

        for request in requests:
            self._commits.submit(
                Call(
                    request.command,
                    done,
                    request.transport,
                    request.key,
                    request.hash,
                    request.sender,
                    request.former_hash,
                )
            )
        if requests:
            await complete
        return results

    def _fetch(self) -> None:
        self._commits.catch_up()

    def _arrive(self, commit: Commit) -> None:
        self._waiters.deliver(commit.after, commit.head, commit.messages)
        if commit.messages:
            self._filler.tell()
        trouble = self._recorder.gone or self._recorder.trouble
        if (trouble and trouble.code) != (self._told and self._told.code):
            self._tell_trouble(trouble)

    def _tell_trouble(self, trouble: StorageError | None) -> None:
        self._told = trouble
        if isinstance(trouble, StorageGone):
            self._readers.refuse(trouble)
            self._inspection.give_up()
            self._waiters.wake_all()
        for callback in self.on_trouble:
            callback(trouble)

    # Reading --------------------------------------------------------------------------------------------------------

    def at(self, event_id: int | None = None) -> AsOf:
        """The present, or the moment right after an event.

        Raises:
            InvalidInput: the event is beyond the log's head.
        """
        return live(self.clock.now()) if event_id is None else self.read(find_moment, event_id)

    def read(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query of one statement that an index bounds, on the event loop itself."""
        return self._readers.read(query, *args, **kwargs)

    async def read_apart(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query that may take long, or needs several statements to see one state, on another thread."""
        return await self._loop.run_in_executor(self._threads, lambda: self._readers.read_whole(query, *args, **kwargs))

    async def read_page(self, read: Query[[int, int], Page], limit: int, max_bytes: int) -> Page:
        """A page of messages: a short one is read on the event loop itself, a long one on another thread.

        Args:
            read: reads it, with a limit of rows and one of bytes.
            limit: how many rows it may have.
            max_bytes: about how large it may grow.
        """
        few, small = min(limit, SHORT_PAGE_ROWS), min(max_bytes, SHORT_PAGE_BYTES)
        page = self.read(read, few, small)
        if len(page.rows) < few and not page.more:
            return page
        if (few, small) == (limit, max_bytes):
            return page
        return await self.read_apart(read, limit, max_bytes)

    async def read_messages(self, query: MessageQuery, at: AsOf) -> ReachedPage:
        """Messages that `query` asks for; what it leaves out is passed over in turns, for it may be nearly everything.

        Returns:
            The page, of which there may be more, and the cursor after what was passed over.
        """
        head = min(at.at, max(self._recorder.last_event_id, self._waiters.head))
        while query.exclude_self and (reached := query.since_id + MAX_PASSED_OVER) < head:
            page = await self._read_messages(query, msgspec.structs.replace(at, at=reached))
            if page.rows:
                return ReachedPage(page, query.since_id)
            query = msgspec.structs.replace(query, since_id=reached)
            await asyncio.sleep(0)
        return ReachedPage(await self._read_messages(query, at), query.since_id)

    async def _read_messages(self, query: MessageQuery, at: AsOf) -> Page:
        @together
        def read(snapshot: Snapshot, limit: int, max_bytes: int) -> Page:
            return snapshot.read(read_messages, msgspec.structs.replace(query, limit=limit, max_bytes=max_bytes), at)

        return await self.read_page(read, query.limit, query.max_bytes)

    async def search(self, query: SearchQuery, at: AsOf) -> tuple[list[Hit], bool]:
        """The messages that answer a question at a moment, and whether there are more.

        Raises:
            InvalidInput: this hub keeps no index.
            StorageError: the index cannot be used.
        """
        if not self.settings.search:
            raise InvalidInput("q", "cannot be looked for: this hub was started without an index of words")
        ids = await self._loop.run_in_executor(self._threads, find_ids, self._filler, query, at)
        return await self.read_apart(read_hits, ids, query, at), len(ids) > query.limit

    @property
    def state(self) -> HubState:
        """What the hub knows of itself."""
        return self._recorder.hub

    @property
    def integrity(self) -> Integrity:
        """What the hub has found out about its log by now."""
        return self._inspection.integrity

    @property
    def trouble(self) -> StorageError | None:
        """What keeps the hub from writing, as far as its last transaction tells."""
        return self._recorder.trouble

    @property
    def last_event_id(self) -> int:
        """The end of the log when this hub last wrote to it."""
        return self._recorder.last_event_id

    def _tell_damage(self, finding: Finding) -> None:
        def tell() -> None:
            for callback in self.on_damage:
                callback(finding)

        self._loop.call_soon_threadsafe(tell)

    def check_cursor(self, name: str, cursor: int) -> None:
        """Make sure that a cursor may be waited after: its event is there.

        Args:
            name: what the caller calls it.
            cursor: the event that was seen last.

        Raises:
            CursorBeyondHead: it is not, so the cursor is of another storage, or of this one before it was restored.
        """
        if cursor > self._recorder.last_event_id:
            head = self.read(read_head).event_id
            if cursor > head:
                raise CursorBeyondHead(name, cursor, head)

    # Waiting and presence -------------------------------------------------------------------------------------------

    async def wait(self, query: MessageQuery, timeout_sec: float) -> Page:
        """What `query` asks for; when there is nothing yet, wait for it, at most `timeout_sec`."""
        deadline = self._loop.time() + timeout_sec
        while True:
            found = await self.read_messages(query, self.at())
            query = msgspec.structs.replace(query, since_id=found.since_id)
            if found.page.rows or self.closing or self._loop.time() >= deadline:
                return found.page
            waiter = Waiter(query, self._loop.create_future())
            timer = self._loop.call_at(deadline, _end, waiter)
            self._waiters.add(waiter)
            self._other_hubs.watch()
            try:
                ready = await waiter.ready
            finally:
                self._waiters.discard(waiter)
                timer.cancel()
            if ready is not None:
                return ready

    async def follow(self, query: EventQuery, timeout_sec: float) -> EventPage:
        """The events that `query` asks for; when there are none yet, wait for them, at most `timeout_sec`."""
        deadline = self._loop.time() + timeout_sec
        while True:
            committed: asyncio.Future[None] = self._loop.create_future()
            # Before the read: what is committed meanwhile is read again, not missed.
            self._waiters.follow(committed)
            try:
                page = await self.read_apart(read_on, query)
                if page.rows or self.closing or self._loop.time() >= deadline:
                    return page
                query = msgspec.structs.replace(query, after=page.reached, tail=False)
                self._other_hubs.watch()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(deadline):
                        await committed
            finally:
                committed.cancel()

    def see(self, agent_id: str) -> None:
        """Note that an agent which only reads is there; cheap, and written rarely."""
        with contextlib.suppress(StorageError):
            self.read(self._recorder.clockwork.notice, agent_id, self.clock.now())
        self._commits.look_sooner()

    @contextmanager
    def present(self, agent_id: str) -> Iterator[None]:
        """While this lasts, the agent waits in a poll or a stream, and its session does not end."""
        waiting = self._recorder.presence.waiting
        waiting[agent_id] += 1
        self.see(agent_id)
        try:
            yield
        finally:
            waiting[agent_id] -= 1
            if not waiting[agent_id]:
                del waiting[agent_id]
            self._recorder.presence.notice(agent_id, self.clock.now())

    def begin_tool(self, agent_id: str) -> None:
        """An agent begins a tool, and counts as present until that ends, for an hour at most."""
        self._recorder.presence.begin_tool(agent_id, self.clock.now())
        self.see(agent_id)

    def end_tool(self, agent_id: str) -> None:
        """The tool that an agent began has ended."""
        self._recorder.presence.end_tool(agent_id, self.clock.now())

    # Shutdown -------------------------------------------------------------------------------------------------------

    def remaining(self) -> tuple[int, int] | None:
        """Seconds until the pending shutdown fires, and the delay it was given; None when none is pending."""
        return self._countdown.remaining()

    def _fire(self) -> None:
        def fired(result: Outcome | ArcError) -> None:
            # A cancellation that was on its way when the delay ended came first, and its caller was told so.
            if isinstance(result, ArcError) or result.event_id is not None:
                self.on_shutdown()

        self._commits.submit(Call(FireShutdown(), fired, sender=SYSTEM))


def _end(waiter: Waiter) -> None:
    if not waiter.ready.done():
        waiter.ready.set_result(Page([], []))


def _ignore(*_args: object) -> None:
    """Nobody asked to be told."""
