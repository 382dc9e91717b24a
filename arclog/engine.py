"""The seam: what keeps the log for all its hubs, and what a hub may rely on whatever that is.

Reading is not abstracted, it is replicated. Every hub keeps a storage of its own, one SQLite file with the events and
all tables that follow from them, and answers every read from there. An engine does one thing only: it puts the batches
of all hubs in one order, and keeps them. A hub that writes a batch does so in five steps:

    hold(after, digest)     takes the log's lock; gives the events that this hub's storage lacks
      catch up              writes those to the storage, with the rows that follow from them
      decide                the hub judges each call itself, against its own tables, which are at the log's head
    append(events)          the batch is in the log, for every hub and for good; the lock is free
      keep                  the storage commits the same events and their rows
    answers                 only now is anyone told

Or `release()` instead of `append`, when the batch came to nothing. So only events cross versions and machines, nothing
is ever decided twice, and no hub waits for another one to decide for it.

**Who is the authority?** The engine. What it has is the log; a storage is a copy of it, never ahead of it, and every
copy is checked against it: `hold` names the last event that the storage has and its digest, and an engine that has
another event there, or none, refuses. That one comparison a batch finds a log that was restored to an older state,
replaced by another, or promoted from a stale standby, before anything is written on top.

**What if the hub dies between any two lines?**

- After `hold`: the lock ends with the hub's connection to the engine. Nothing was written.
- While it catches up or decides: the storage's transaction is undone when it is next opened. Nobody was told anything.
- In `append`: the engine has all of the batch or nothing of it. The callers have no answer; they ask again under their
  keys, and whatever is so is found in the log.
- After `append`, before the storage commits: the events are in the log and not in this storage. The next `hold` gives
  them to it like those of any other hub, keys included.
- After the storage's commit: everything is kept, and a caller that missed its answer asks again under its key.

**What if the engine dies, or the line to it?**

- In `hold`: `LogAway`. Writes are refused with a 503 until it is back; reads go on from the storage.
- In `append`, before it took anything: `LockLost` or `LogAway`. The batch is not in the log. It may be judged again, at
  the head that the log has by then.
- In `append`, when nobody can say: `OutcomeUnknown`. The hub then asks whether the log has the batch's first event, by
  its digest, which covers the event and everything before it and so is the same for no other batch (`has_kept`). "Yes"
  means kept as well as by `append`: a batch that only one of several copies has so far is not. Until that is known,
  nobody is answered and nothing else is written.

**The clock** belongs to the log too: events are in order by it, and leases end by it. Where hubs are on several
machines, whose clocks are never compared, `hold` sets each hub's by the engine's own.

**A copy belongs to one log**, whose id is noted in it when it first follows it (`arclog.sqlite.copies`). It is served
with that log and never alone, and by one hub.

One engine is the storage's file itself (`arclog.sqlite.engine`): its lock is SQLite's, `append` is `COMMIT`, and since
the hubs on it share the file, catching up has been done by the hub that appended. Any engine must pass
`tests/contract`.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from arclog.clock import LogClock
from arclog.codec import StoredEvent
from arclog.digest import GENESIS


class Head(Struct, frozen=True):
    """The end of the log; event 0 when it is empty."""

    event_id: int = 0
    recorded_at: int = 0
    digest: bytes = GENESIS


class Moved(Struct, frozen=True):
    """How a hub finds the log when it takes the lock, if it is not as the hub left it.

    Nothing that the hub remembers of its tables may then be relied on.

    Attributes:
        head: the end of the log.
        missing: the events that the hub's storage lacks, in order; none where hubs share the storage.
    """

    head: Head
    missing: Sequence[StoredEvent] = ()


class LogName(Struct, frozen=True):
    """Which log it is.

    Attributes:
        log_id: an id that no other log has.
        origin: the instance id of the storage in which the log began; its own id, unless it was copied from one.
    """

    log_id: str
    origin: str


class LogState(Struct, frozen=True):
    """What is known of a remote log, for people.

    Attributes:
        engine: what kind of engine keeps it.
        where: where it is, without secrets.
        log_id: which log it is.
        durability: what keeps its events, in one line; empty before it was reached.
        is_copied: whether a batch is acknowledged only when a second machine has it.
        lag_sec: how long ago it was heard from, in seconds; None before it was reached.
    """

    engine: str
    where: str
    log_id: str
    durability: str
    is_copied: bool
    lag_sec: float | None


class Engine(Protocol):
    """Keeps the log. Each hub has an object of its own, used by one thread at a time, but for `changed`.

    Attributes:
        clock: the log's clock, which may be read at any time; `hold` sets it right.
        is_remote: whether it is asked over a network, or anything else that may be slower than a local disk. The event
            loop then never waits for it, and what it has must be fetched into the storage also when nobody writes.
    """

    clock: LogClock
    is_remote: bool

    def hold(self, after: int, digest: bytes, *, wait: bool) -> Moved | None:
        """Take the log's lock. Nobody else appends until `append` or `release`.

        Args:
            after: the last event that the hub's storage has; 0 when it has none.
            digest: that event's digest; `GENESIS` when there is none.
            wait: whether to wait for a lock that another hub holds. A remote engine refuses at once if not.

        Returns:
            What has changed since this hub last held the lock; None when nothing has. What is missing may not be in the
            log for good yet: until `append` is done, the storage commits nothing of it and nobody is told.

        Raises:
            StorageBusy: another hub holds the lock, for too long if `wait`.
            FarFromHead: so much is missing that it is to be read without the lock first.
            LogAway: the engine cannot be reached.
            LogReplaced: what it has at `after` is not the event with this digest.
            StorageError: it failed in another way. In every case the lock is not held.
        """

    def append(self, events: Sequence[StoredEvent]) -> None:
        """Put events at the log's end, all of them or none, on disk; then free the lock, whatever happened.

        Where one of them erases others (`payload.erased`), what it left of them stands in their place from then on.

        Args:
            events: what follows the head that `hold` found, in order, with their ids and digests. When there are none,
                the lock is freed, and what `hold` gave is there for good. An engine that is not remote has them in the
                storage's transaction already, and is given none.

        Raises:
            OutcomeUnknown: they may be there or not; `has_kept` tells.
            LockLost: the lock had ended, so they are not there.
            StorageError: they are not there.
        """

    def hasten(self, events: Sequence[StoredEvent]) -> None:
        """Put on its way what `append` is given next, as far as that takes no waiting: others wait for the lock.

        What goes wrong is for `append` to tell.
        """

    def release(self) -> None:
        """Free the lock, and undo whatever was not appended; does nothing when it is not held.

        Raises:
            StorageError: the storage's own file failed, and must be opened again.
        """

    def read(self, after: int, limit: int, *, wait: bool = True) -> Sequence[StoredEvent]:
        """Events after `after`, in order, at most `limit`; each is in the log for good. Needs no lock.

        Args:
            after: the event before the first.
            limit: how many at most; there may be fewer although there are more.
            wait: whether to wait for the first one to be there for good. If so, none means that there are no more; if
                not, `changed` tells when to ask again.

        Raises:
            LogAway: the engine cannot be reached.
        """

    async def changed(self) -> None:
        """Return when other hubs may have appended something since this returned last; now and then without cause.

        Runs on the hub's event loop, beside whatever the other methods do, and may be cancelled at any time.
        """

    def close(self) -> None:
        """Let go of the log; a lock that is held is free afterwards."""


class RemoteEngine(Engine, Protocol):
    """An engine that is not the storage's file: each hub has a copy of its log."""

    def identify(self) -> LogName:
        """Which log it is.

        Raises:
            LogAway: the engine cannot be reached.
            StorageError: there is no log, or it cannot be relied on.
        """

    @property
    def state(self) -> LogState:
        """What is known of the log; asks nobody, and may be read at any time on any thread."""

    def has_kept(self, event: StoredEvent) -> bool:
        """After `OutcomeUnknown`, whether the log has an event, as safe as what was appended with an answer.

        Waits for the lock: a batch that is still on its way would else be taken for lost.

        Raises:
            LogAway: it cannot be told now.
        """

    def scrub(self, erasure: int) -> bool:
        """Leave nothing of what was erased where the log is kept, beside the events, which lost it when it was erased.

        May take long; called on any thread.

        Args:
            erasure: the last event of the log that erased something.

        Returns:
            Whether this hub may have it done.

        Raises:
            LogAway: the engine cannot be reached.
            StorageBusy: somebody uses the log for too long.
            StorageError: it failed in another way.
        """

    def expect(self, name: LogName, lag: int) -> None:
        """The hub starts on its copy while the log is away: only the log of that name is taken for it from now on.

        Args:
            name: the log that the copy is of.
            lag: how old the copy may be, in microseconds.
        """

    def stop_waiting(self) -> None:
        """The hub ends: whatever waits for the engine without an end is over. Called on any thread."""
