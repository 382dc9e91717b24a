"""Claims and locks in the memory of one hub: what stands at the log's head, and this hub's calls that wait.

What stands is kept in memory. It is right at one event only, so it is caught up under the log's lock, as soon as a rule
asks for it, and forgotten when a transaction comes to nothing; it is then read from the tables again.
"""

from typing import Final

from arclog.codec import RecordedEvent
from arclog.deciders.holdings import Place
from arclog.deciders.standing import Standing
from arclog.events import (
    ClaimAcquired,
    ClaimHandedOver,
    ClaimLeft,
    ClaimQueued,
    Event,
    LockAcquired,
    LockHandedOver,
    LockLeft,
    LockQueued,
    SessionClosed,
    SessionExpired,
    TablesRepaired,
)
from arclog.sqlite.reads import find_event, read, read_head
from arclog.sqlite.snapshot import Snapshot
from projections.history.hubs import find_process
from projections.hub.open_calls import OpenCall, OpenCalls
from projections.hub.orphans import Orphans
from projections.hub.outcomes import Outcome
from projections.intervals import live
from projections.queue import read_standing
from projections.standing_changes import CONCERNING_STANDING, learn

MAX_BEHIND: Final = 5_000
"""Events of other hubs that are followed one by one; when there are more, the tables are read instead."""
LAPSED_LATELY: Final = 120_000_000
"""How long ago a lease may have lapsed for somebody to wait for it still, in microseconds."""
ENDING_SESSIONS: Final[frozenset[type[Event]]] = frozenset((SessionClosed, SessionExpired))
"""Events that end a session: the hub that appends one settles what follows from it."""
_TYPES: Final = frozenset(event_class.type for event_class in CONCERNING_STANDING)


class LeaseMemory:
    """Who holds what and who waits, and the calls of this hub that do.

    Args:
        hub_id: this hub.

    Attributes:
        standing: who holds what, and who waits.
        calls: the calls of this hub that wait.
        orphans: what is known of the hubs at which others wait.
        gone: agents whose session has ended, and whose places are to be given up.
        ended: places that have ended since calls were last told.
    """

    def __init__(self, hub_id: str) -> None:
        self.hub_id: Final = hub_id
        self.orphans = Orphans(hub_id)
        self._standing = Standing()
        self.calls: OpenCalls[Outcome] = OpenCalls()
        self.gone: set[str] = set()
        self.ended: set[int] = set()
        self._opened: list[OpenCall[Outcome]] = []
        """Calls that began to wait in this transaction."""
        self._at: int | None = None
        """The event that what is remembered is right at; None when it is not known."""
        self._is_behind = True
        self._source: tuple[Snapshot, int] | None = None
        """Where to catch up from, and the log's time there; while its lock is held."""

    def begin(self, snapshot: Snapshot, head: int, now: int) -> None:
        """The log's lock is held: what stands is that of the log's head from here on, as soon as anybody asks for it.

        Args:
            snapshot: the storage, in the transaction.
            head: the end of the log.
            now: its time.
        """
        self._source = (snapshot, now)
        self._is_behind = self._at != head

    def load(self, snapshot: Snapshot, head: int, now: int) -> None:
        """Read all of it while nobody calls yet, so that the first who asks for a lock need not wait for that."""
        self._load(snapshot, now)
        self._at, self._is_behind = head, False

    @property
    def standing(self) -> Standing:
        """Who holds what, and who waits, at the log's head."""
        if self._is_behind:
            self._catch_up()
        return self._standing

    @property
    def concerns_us(self) -> bool:
        """Whether anything may be due here: calls wait, here or elsewhere, or something has ended for somebody."""
        return bool(self.gone or self._standing.places_at) or self.calls.has_places

    def learn(self, event: RecordedEvent) -> None:
        """An event of `CONCERNING_STANDING` was appended; where earlier ones are not known yet, it is read later."""
        if self._is_behind:
            return
        learn(self._standing, event)
        if self.calls.has_places:
            self._follow_places(event.data)

    def _catch_up(self) -> None:
        assert self._source is not None
        snapshot, now = self._source
        head = snapshot.read(read_head).event_id
        self._is_behind = False
        if self._at is None or head - self._at > MAX_BEHIND:
            self._load(snapshot, now)
        else:
            for stored in snapshot.read(read, self._at, head - self._at, head):
                if stored.type == TablesRepaired.type:
                    self._load(snapshot, now)  # what was known may have come from what was damaged
                    break
                if stored.type in _TYPES:
                    self.learn(stored.decode())
        self._at = head

    def _follow_places(self, data: Event) -> None:
        """What becomes of the places at which calls of this hub wait, or waited."""
        match data:
            case LockQueued() | ClaimQueued() if data.hub_id != self.hub_id and data.place is not None:
                self.calls.forget(data.place)
            case LockAcquired(place=int(place)) | ClaimAcquired(place=int(place)):
                self._end(place)
            case LockLeft(place=place) | ClaimLeft(place=place):
                self._end(place)
            case LockHandedOver() | ClaimHandedOver():
                for place in data.serves:
                    self._end(place)
            case _:
                pass

    def open_call(self, place_id: int, wait_until: int) -> OpenCall[Outcome]:
        """A call begins to wait; it ends again if the transaction comes to nothing."""
        call = self.calls.open(place_id, wait_until)
        self._opened.append(call)
        return call

    def keep(self, head: int) -> None:
        """The transaction is on disk, and the log ends at `head`."""
        self._opened.clear()
        if not self._is_behind:
            self._at = head

    def forget(self, now: int) -> None:
        """The transaction came to nothing, and what stands is not known any more."""
        for call in self._opened:
            self.calls.close(call, now)
            self.calls.forget(call.place_id)
        self._opened.clear()
        self.gone.clear()
        self.ended.clear()
        self._at = None
        self._is_behind = True

    @property
    def known(self) -> Standing:
        """What stood when it was last asked for, for those who only want to show it."""
        return self._standing

    def open_places(self) -> list[Place]:
        """The places at which calls of this hub wait, in their order."""
        waiting = self.standing.waiting
        return [waiting[place_id] for place_id in self.calls.places() if place_id in waiting]

    def next_look_at(self) -> int | None:
        """When something may be due: a lease that calls here wait for lapses, or a place is given up."""
        times = [self.calls.next_left()]
        if len(self.calls):
            ends = self._standing.next_end()
            times.append(None if ends is None else ends + 1)
        return min((time for time in times if time is not None), default=None)

    def next_orphans_at(self) -> int | None:
        """When to look whether hubs live that others wait at; only while somebody waits here, perhaps for them."""
        return self.orphans.next_look_at(self._standing) if len(self.calls) else None

    def look_for_orphans(self, snapshot: Snapshot, now: int) -> bool:
        """Whether a hub at which others wait turns out to be dead."""
        return self.next_orphans_at() is not None and self.orphans.look(
            self._standing, lambda hub_id: snapshot.read(find_process, hub_id), now
        )

    def _end(self, place_id: int) -> None:
        self.calls.forget(place_id)
        self.ended.add(place_id)

    def _load(self, snapshot: Snapshot, now: int) -> None:
        standing = self._standing = snapshot.read(read_standing, live(now - LAPSED_LATELY))
        standing.is_loosened = True
        self.ended.update(place_id for place_id in self.calls.places() if place_id not in standing.waiting)


def get_queued(snapshot: Snapshot, place_id: int) -> LockQueued | ClaimQueued:
    """What made a place."""
    stored = snapshot.read(find_event, place_id)
    assert stored is not None
    data = stored.decode().data
    assert isinstance(data, LockQueued | ClaimQueued)
    return data
