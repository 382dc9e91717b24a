"""Waiting: pollers and streams that are woken by the commit, not by a timer.

Everything here belongs to the thread of one event loop. A waiter is registered after a read that found nothing; the
next commit that matters to it hands it the new messages themselves, encoded once for all. That is only right while no
other hub on the file appended something in between: a commit that does not begin where the last one ended makes every
waiter read again. Commits of other hubs on the file are noticed by `projections.hub.other_hubs`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from projections.budget import Budget
from projections.message_pages import MessageQuery, Page
from projections.messages import PostedMessage

Bucket = tuple[str, str]

_ALL: Final[Bucket] = ("all", "")


class Waiter:
    """One poller. `ready` gets its page, or None when it has to read again."""

    __slots__ = ("buckets", "query", "ready")

    def __init__(self, query: MessageQuery, ready: "asyncio.Future[Page | None]") -> None:
        self.query = query
        self.ready = ready
        self.buckets = tuple(_buckets_of(query))


class Waiters:
    """All that wait, filed by what they wait for, so that a message meets only those that it may concern.

    Who began to wait first is woken first: a dict keeps that order, as a set does not.
    """

    def __init__(self) -> None:
        self._buckets: defaultdict[Bucket, dict[Waiter, None]] = defaultdict(dict)
        self._at_commit: dict[asyncio.Future[None], None] = {}
        self._at_work: dict[asyncio.Future[None], None] = {}
        self._count = 0
        self.head = 0
        """The last event that the waiters were told of."""
        self.closing = False
        """Whether the hub is about to end, so that nobody is to wait any more."""
        self.open_calls = 0
        """Calls that wait for a claim or a lock."""
        self.on_foreign: Callable[[], None] = _ignore
        """Called when another hub has appended something."""

    def __len__(self) -> int:
        return self._count + len(self._at_commit) + len(self._at_work) + self.open_calls

    def add(self, waiter: Waiter) -> None:
        """Wake `waiter` from now on."""
        self._count += 1
        for bucket in waiter.buckets:
            self._buckets[bucket][waiter] = None

    def discard(self, waiter: Waiter) -> None:
        """Forget `waiter`."""
        self._count -= 1
        for bucket in waiter.buckets:
            members = self._buckets[bucket]
            members.pop(waiter, None)
            if not members:
                del self._buckets[bucket]

    def wake_at_commit(self, ready: "asyncio.Future[None]") -> None:
        """Complete `ready` at the next commit, whatever it holds."""
        self._at_commit[ready] = None
        ready.add_done_callback(self._at_commit.pop)

    def wake_at_work(self, ready: "asyncio.Future[None]") -> None:
        """Complete `ready` at the next commit that may have made a task ready."""
        self._at_work[ready] = None
        ready.add_done_callback(self._at_work.pop)

    def deliver(self, after: int, head: int, messages: list[PostedMessage], *, has_work: bool = False) -> None:
        """Wake those for whom there is something in the commit of the events after `after`, up to `head`.

        Args:
            after: the end of the log before the commit.
            head: its end after it.
            messages: what is said in it.
            has_work: whether it may have made a task ready.
        """
        if after != self.head:
            self.wake_all()
        elif messages and self._count:
            for waiter in self._concerned(messages):
                self._hand_over(waiter, messages)
        if has_work:
            _complete(self._at_work)
        if head > self.head:
            self.head = head
            if self._at_commit:
                _complete(self._at_commit)

    def wake_by_foreign(self, head: int) -> None:
        """Another hub has appended events, up to `head`: make everyone read again."""
        self.wake_all()
        self.head = head
        self.on_foreign()

    def close(self) -> None:
        """Let everyone go, and let nobody wait any more."""
        self.closing = True
        self.wake_all()

    def wake_all(self) -> None:
        """Make everyone read again."""
        _complete(self._at_commit)
        _complete(self._at_work)
        for members in list(self._buckets.values()):
            for waiter in members:
                if not waiter.ready.done():
                    waiter.ready.set_result(None)

    def _concerned(self, messages: list[PostedMessage]) -> dict[Waiter, None]:
        concerned: dict[Waiter, None] = {}
        for message in messages:
            for bucket in _buckets_for(message):
                members = self._buckets.get(bucket)
                if members:
                    concerned.update(members)
        return concerned

    @staticmethod
    def _hand_over(waiter: Waiter, messages: list[PostedMessage]) -> None:
        query = waiter.query
        found = [m for m in messages if m.event_id > query.since_id and query.matches(m)][: query.limit]
        if found and not waiter.ready.done():
            budget = Budget(query.max_bytes)
            rows = budget.fill(found, _json_of)
            waiter.ready.set_result(Page(rows, [m.event_id for m in found[: len(rows)]], budget.spent))


def _complete(waiting: "Iterable[asyncio.Future[None]]") -> None:
    for ready in list(waiting):
        if not ready.done():
            ready.set_result(None)


def _json_of(message: PostedMessage) -> bytes:
    return message.json


def _buckets_of(query: MessageQuery) -> Iterator[Bucket]:
    """Where a waiter is filed: by the narrowest thing it asks for, and by its agent for what is sent to that alone."""
    if query.agent_id is not None:
        yield "agent", query.agent_id
    if query.thread_id is not None:
        yield "thread", query.thread_id
    elif query.channel is not None:
        yield "channel", query.channel
    elif query.channels:
        for channel in query.channels:
            yield "channel", channel
    else:
        yield _ALL


def _buckets_for(message: PostedMessage) -> Iterator[Bucket]:
    if message.to_agent is not None:
        yield "agent", message.to_agent
        return
    yield _ALL
    yield "channel", message.channel
    if message.thread_id is not None:
        yield "thread", message.thread_id


def _ignore() -> None:
    """Nobody asked to be told."""
