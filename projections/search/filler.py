"""The filler: what was said comes into the index while nobody waits for it.

A thread of its own reads the log after the last event that is in. It waits until the hub has been idle for a moment,
but after two seconds it works beside the hub, a little at a time. Anyone who asks does not wait for that: the question
first has the rest filled in.

    commit -> told -> (idle for IDLE_SEC, or LATEST_SEC later) -> some events -> rest -> ... -> up to the head

When it dies, the index is where its last transaction left it. Several hubs on one storage share the index: the one that
fills holds its write lock and goes on where it stands.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import apsw
import msgspec

from arclog.codec import Fact
from arclog.errors import StorageError
from arclog.sqlite.connection import open_connection
from arclog.sqlite.reads import find_end_before, find_event, read_head, read_some_facts, walk_facts
from arclog.sqlite.schema import get_instance_id
from projections.erasing import find_whole
from projections.messages import Message, messages_of
from projections.search.index import Entry, Index, mark, path_of
from projections.search.words import fold

IDLE_SEC: Final = 0.1
"""How long no commit must have come for the hub to count as idle."""
LATEST_SEC: Final = 2.0
"""How long what was said waits at most, however busy the hub is."""
SLICE: Final = 200
"""Events that are filled in at a time while nobody waits: a few milliseconds."""
REST: Final = 1.0
"""For each second that it works while nobody waits for it, it rests so many."""
MAX_SAID_CHARS: Final = 200_000
"""Of a longer message only so much can be found."""


class Filler:
    """Keeps the index of one storage up to date, on a thread of its own.

    Args:
        storage: the log's file.
        failed: told, in one line, when the index cannot be kept; search then does without it until it can.
    """

    def __init__(self, storage: Path, failed: Callable[[str], None]) -> None:
        self._storage = storage
        self._failed = failed
        self._lock = threading.Lock()
        self._index: Index | None = None
        self._log: apsw.Connection | None = None
        self._told_at = 0.0
        self._filled_to = 0
        """The last event that is in, when it was last looked."""
        self._news = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="arc-search", daemon=True)

    def start(self) -> None:
        """Begin; what is not in the index yet is filled in."""
        self._thread.start()
        self._news.set()

    def wake(self) -> None:
        """Something was committed."""
        self._told_at = time.monotonic()
        if not self._news.is_set():
            self._news.set()

    def count_behind(self, head: int) -> int:
        """How many events up to `head` are not in yet, when it was last looked."""
        return max(0, head - self._filled_to)

    def stop(self) -> None:
        """End where it is."""
        self._ending = True
        self._news.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._lock:
            self._close()

    def find(self, match: str, after: int, before: int, limit: int, until: int) -> list[int]:
        """The messages up to event `until` that match, newest first; what is not in the index yet is filled in first.

        Raises:
            StorageError: the log or the index cannot be read.
        """
        with self._lock, self._told():
            self._fill(until)
            assert self._index is not None
            return self._index.find(match, after, min(before, until + 1), limit)

    def check(self, count: Callable[[apsw.Connection, int], int]) -> bool:
        """Count the messages that are in; where that is not how many there are, everything is thrown away.

        Args:
            count: how many messages the log has up to an event.

        Returns:
            Whether it was as it should be; if not, it is filled again.

        Raises:
            StorageError: the index cannot be used.
        """
        with self._lock, self._told():
            index, log = self._opened()
            filled_to, _digest = index.filled_to()
            whole = index.count() == count(log, filled_to)
            if not whole:
                index.empty()
        if not whole:
            self._news.set()
        return whole

    def erase(self, message_ids: Sequence[int]) -> None:
        """Take out the words of messages whose texts were erased; nothing of them stays in the file.

        Raises:
            StorageError: the index cannot be used.
        """
        with self._lock, self._told():
            index, log = self._opened()
            wanted = set(message_ids)
            with index.filling():
                filled_to, digest = index.filled_to()
                known = [message_id for message_id in message_ids if message_id <= filled_to]
                events = {whole[0] for one in known if (whole := find_whole(log, one)) is not None}
                for message_id in known:
                    index.remove(message_id)
                facts = read_some_facts(log, sorted(events))
                entries = (entry for fact in facts for entry in entries_of(fact) if entry.message_id in wanted)
                index.add(entries)
                index.advance(filled_to, digest)
            index.overwrite()

    def _run(self) -> None:
        while not self._ending:
            self._news.wait()
            self._news.clear()
            self._await_idleness(time.monotonic() + LATEST_SEC)
            more = True
            while more and not self._ending:
                began_at = time.monotonic()
                try:
                    with self._lock, self._told():
                        more = self._fill_some(None)
                except StorageError as error:
                    self._failed(f"search is not up to date: {error}")
                    time.sleep(LATEST_SEC)
                    break
                # So that readers, whom it does not see, get their share.
                time.sleep(REST * (time.monotonic() - began_at))

    def _await_idleness(self, deadline: float) -> None:
        while not self._ending and time.monotonic() < deadline:
            idle_at = self._told_at + IDLE_SEC
            now = time.monotonic()
            if now >= idle_at:
                return
            time.sleep(min(idle_at - now, deadline - now, IDLE_SEC))

    def _fill(self, until: int) -> None:
        while self._fill_some(until):
            pass

    def _fill_some(self, until: int | None) -> bool:
        """Fill in the next events, up to `until` or the head.

        Returns:
            Whether there are more.
        """
        index, log = self._opened()
        with log:
            head = read_head(log).event_id
            last = head if until is None else min(until, head)
            filled_to, digest = index.filled_to()
            if not _is_known(log, filled_to, digest):
                index.empty()
                filled_to = 0
            self._filled_to = filled_to
            if filled_to >= last:
                return False
            with index.filling():
                filled_to, digest = index.filled_to()  # another hub may have filled meanwhile
                reached = filled_to

                def entries() -> Iterator[Entry]:  # one event at a time, since each may hold megabytes
                    nonlocal reached
                    for fact in walk_facts(log, filled_to, SLICE, last):
                        reached = fact.event_id
                        yield from entries_of(fact)

                index.add(entries())
                if reached == filled_to:
                    return False
                event = find_event(log, reached)
                assert event is not None
                index.advance(reached, event.digest)
            self._filled_to = reached
        return reached < last

    def _opened(self) -> tuple[Index, apsw.Connection]:
        if self._log is None:
            self._log = open_connection(self._storage, read_only=True)
        if self._index is None:
            self._index = Index(path_of(self._storage), get_instance_id(self._log))
        return self._index, self._log

    def _close(self) -> None:
        if self._index is not None:
            self._index.close()
        if self._log is not None:
            self._log.close()
        self._index = self._log = None

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what goes wrong into one error, and open everything again the next time."""
        try:
            yield
        except (apsw.Error, msgspec.MsgspecError, UnicodeError, OSError) as error:
            with contextlib.suppress(apsw.Error):
                self._close()
            self._index = self._log = None
            raise StorageError(f"the index of words cannot be used: {error}") from error


def entries_of(fact: Fact) -> Iterator[Entry]:
    """What the index holds of the messages that an event posts."""
    for message in messages_of(fact):
        yield Entry(message.id, fold(_said(message)), _marks(message))


def _said(message: Message) -> str:
    """Everything in a message that a person may look for."""
    parts = [message.body]
    for attachment in message.attachments:
        for name in ("content", "path", "description"):
            value = getattr(attachment, name, None)
            if value is not None:
                parts.append(value if isinstance(value, str) else msgspec.json.encode(value).decode())
    return "\n".join(parts)[:MAX_SAID_CHARS]


def _marks(message: Message) -> str:
    said = {
        "f": message.from_agent,
        "t": message.to_agent,
        "c": message.channel,
        "h": message.thread_id,
        "k": message.kind,
    }
    return " ".join(mark(name, value) for name, value in said.items() if value is not None)


def _is_known(log: apsw.Connection, event_id: int, digest: bytes) -> bool:
    """Whether the log has the event up to which the index was filled, as it was."""
    return find_end_before(log, event_id + 1) == (event_id, digest)
