"""Tenures: who held one entity, from when to when, and how that ended; who was refused meanwhile, and who waited.

Agents that share a lock hold it side by side; of anything else the next tenure ends the one before. A task is open, and
beside that somebody has the lease on it.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from arclog.codec import RecordedEvent
from arclog.events import (
    ClaimAcquired,
    ClaimHandedOver,
    ClaimLeft,
    ClaimQueued,
    ClaimRefreshed,
    ClaimRefused,
    ClaimReleased,
    LockAcquired,
    LockHandedOver,
    LockLeft,
    LockQueued,
    LockRefreshed,
    LockRefused,
    LockReleased,
    MessagePosted,
    SessionClosed,
    SessionExpired,
    SessionOpened,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskLapsed,
    TaskReopened,
    TasksOpened,
    TurnEnded,
)
from projections.standing_changes import ends_at
from projections.times import optional_timestamp, timestamp

How = Literal[
    "held", "released", "owner_gone", "lapsed", "forced", "undelivered", "handed_over",
    "open", "done", "failed", "cancelled", "live", "closed", "expired", "replaced",
]  # fmt: skip
"""How it stands: leases are held, released, taken back from an owner that was gone, lapsed, taken away by an operator,
given back because the one that had waited could not be told, or handed over; tasks are open or done; sessions are live,
closed, expired or replaced, and so are leases that their holder got again."""
HowWaited = Literal["waiting", "granted", "handed_over", "left", "owner_gone", "no_call", "hub_gone", "over"]
"""How it stands with one that waits, or ended; `over` when no call came back to its place in time."""


class Refusal(Struct, frozen=True):
    """Somebody else who asked, and was refused.

    Attributes:
        agent_id: who asked.
        event_id: the refusal.
        at: when.
        asked: what was asked for, where it is not just this.
        witness: a path that both cover, likewise.
    """

    agent_id: str
    event_id: int
    at: str
    asked: str | None = None
    witness: str | None = None


class Tenure(Struct, frozen=True):
    """One holder's time.

    Attributes:
        holder: the agent: who held the lease, opened the task, had the session.
        from_event: the event that began it; of a lease, its fencing token.
        from_at: when.
        until_event: the event that ended it; None while it lasts, and when it lapsed, which no event says.
        until_at: when it ended, or will lapse.
        how: how it stands, or ended.
        ended_by: whose call ended it.
        refreshed: how often the lease was prolonged.
        refused: who asked meanwhile.
        given_by: the agent that handed it over to this one.
        mode: of a lock, whether others could have it too.
    """

    holder: str
    from_event: int
    from_at: str
    until_event: int | None
    until_at: str | None
    how: How
    ended_by: str | None = None
    refreshed: int = 0
    refused: tuple[Refusal, ...] = ()
    given_by: str | None = None
    mode: str | None = None


class Wait(Struct, frozen=True):
    """One place in the queue.

    Attributes:
        agent_id: who waited.
        place: its place, the event that made it.
        from_at: since when.
        until_at: when that ended, or will unless another call goes on at it.
        how: how it stands, or ended.
        event_id: the event that ended it.
        passes: earlier places that it did not wait for.
    """

    agent_id: str
    place: int
    from_at: str
    until_at: str
    how: HowWaited
    event_id: int | None = None
    passes: tuple[int, ...] = ()


class _Open(Struct):
    """A tenure that has begun; `expires_at` is when it lapses, if it can."""

    tenure: Tenure
    expires_at: int | None = None

    def end(self, how: How, event: RecordedEvent) -> Tenure:
        return replace(
            self.tenure,
            until_event=event.event_id,
            until_at=timestamp(event.recorded_at),
            how=how,
            ended_by=event.actor,
        )

    def lapse(self, by: int) -> Tenure:
        """As it stands at the time `by`, when no event has ended it."""
        if self.expires_at is None:
            return self.tenure
        lapsed = self.expires_at < by
        return replace(self.tenure, until_at=optional_timestamp(self.expires_at), how="lapsed" if lapsed else "held")


def list_tenures(stream: str, events: list[RecordedEvent], now: int) -> tuple[Tenure, ...]:
    """Who held an entity, in the order in which they began.

    Args:
        stream: the entity.
        events: all that concerns it, in order.
        now: the log's time, by which leases lapse.
    """
    life = _Life(stream)
    for event in events:
        life.go_on(event)
    return life.finish(now)


class _Life:
    """The life of one entity, event by event; what it has open stands by holder, leases and other tenures apart."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._leases: dict[str, _Open] = {}
        self._open: dict[str, _Open] = {}
        self._over: list[Tenure] = []

    def finish(self, now: int) -> tuple[Tenure, ...]:
        """All tenures, those that last included."""
        self._over += [held.lapse(now) for held in (*self._open.values(), *self._leases.values())]
        return tuple(sorted(self._over, key=lambda tenure: tenure.from_event))

    def go_on(self, event: RecordedEvent) -> None:
        """The next event."""
        data = event.data
        match data:
            case LockAcquired() | ClaimAcquired():
                self._begin_lease(event, data)
            case LockHandedOver() | ClaimHandedOver():
                self._hand_over(event, data)
            case LockRefreshed() | ClaimRefreshed():
                held = self._leases.get(event.actor)
                if held is not None:
                    held.expires_at = data.expires_at
                    held.tenure = replace(held.tenure, refreshed=held.tenure.refreshed + 1)
            case LockRefused() | ClaimRefused():
                self._refuse(event, data)
            case LockReleased():
                self._end(self._leases, data.agent_id, data.reason, event)
            case ClaimReleased():
                self._end(self._leases, data.owner_agent_id, data.reason, event)
            case SessionOpened():
                self._end(self._open, event.actor, "replaced", event)
                self._open[event.actor] = self._begin(event, "live")
            case MessagePosted() if self._stream == f"task/{event.event_id}":
                self._open[event.actor] = self._begin(event, "open")
            case TasksOpened() | TaskReopened() if self._stream.startswith("task/"):
                self._open[event.actor] = self._begin(event, "open")
            case _:
                self._end_otherwise(event)

    def _begin(self, event: RecordedEvent, how: How, expires_at: int | None = None, mode: str | None = None) -> _Open:
        tenure = Tenure(event.actor, event.event_id, timestamp(event.recorded_at), None, None, how, mode=mode)
        return _Open(tenure, expires_at)

    def _begin_lease(self, event: RecordedEvent, data: LockAcquired | ClaimAcquired) -> None:
        for holder in list(self._leases):
            held = self._leases[holder]
            if held.expires_at is not None and held.expires_at < event.recorded_at:
                self._over.append(self._leases.pop(holder).lapse(event.recorded_at))
        self._end(self._leases, event.actor, "replaced", event)
        mode = data.mode if isinstance(data, LockAcquired) else None
        self._leases[event.actor] = self._begin(event, "held", data.expires_at, mode)

    def _hand_over(self, event: RecordedEvent, data: LockHandedOver | ClaimHandedOver) -> None:
        given = self._leases.get(event.actor)
        if given is None:
            return
        self._end(self._leases, event.actor, "handed_over", event)
        tenure = Tenure(
            data.to_agent_id,
            event.event_id,
            timestamp(event.recorded_at),
            None,
            None,
            "held",
            given_by=event.actor,
            mode=given.tenure.mode,
        )
        self._leases[data.to_agent_id] = _Open(tenure, given.expires_at)

    def _refuse(self, event: RecordedEvent, data: LockRefused | ClaimRefused) -> None:
        holder = data.agent_id if isinstance(data, LockRefused) else data.owner_agent_id
        held = self._leases.get(holder)
        if held is None:
            return
        asked = witness = None
        if isinstance(data, LockRefused) and data.held is not None:
            asked, witness = data.file_path, data.witness
        refusal = Refusal(event.actor, event.event_id, timestamp(event.recorded_at), asked, witness)
        held.tenure = replace(held.tenure, refused=(*held.tenure.refused, refusal))

    def _end_otherwise(self, event: RecordedEvent) -> None:
        """What ends the tenures of tasks and sessions, and of leases whose owner's session has ended."""
        match event.data:
            case TaskCompleted() | TaskFailed() | TaskCancelled() as data:
                how: How = "done"
                if not isinstance(data, TaskCompleted):
                    how = "failed" if isinstance(data, TaskFailed) else "cancelled"
                self._end_all(how, event)
            case MessagePosted() if self._stream == f"task/{event.data.completes_task_id}":
                self._end_all("done", event)
            case SessionClosed():
                self._end_all("closed", event)
            case MessagePosted(freed_token=int()) as data:
                self._end_each(self._leases, "released" if data.completes_task_id is None else "done", event)
            case TaskLapsed() as data:
                self._end(self._leases, data.agent_id, "lapsed", event)
            case SessionExpired():
                if self._stream == f"session/{event.data.agent_id}":
                    self._end(self._open, event.data.agent_id, "expired", event)
                else:
                    self._end(self._leases, event.data.agent_id, "owner_gone", event)
            case TurnEnded() if self._stream.startswith("lock/"):
                self._end(self._leases, event.data.agent_id, "released", event)
            case _:
                pass

    def _end_all(self, how: How, event: RecordedEvent) -> None:
        self._end_each(self._leases, how, event)
        self._end_each(self._open, how, event)

    def _end_each(self, tenures: dict[str, _Open], how: How, event: RecordedEvent) -> None:
        for holder in list(tenures):
            self._end(tenures, holder, how, event)

    def _end(self, tenures: dict[str, _Open], holder: str, how: How, event: RecordedEvent) -> None:
        held = tenures.pop(holder, None)
        if held is not None:
            self._over.append(held.end(how, event))


def list_waits(events: list[RecordedEvent], now: int) -> tuple[Wait, ...]:
    """Who waited for an entity, in their order.

    Args:
        events: all that concerns it, in order.
        now: the log's time, by which places end that no call came back to.
    """
    waits: dict[int, Wait] = {}
    ends: dict[int, int] = {}
    for event in events:
        data = event.data
        match data:
            case LockQueued() | ClaimQueued():
                place = data.place or event.event_id
                ends[place] = ends_at(data.wait_until)
                if data.place is None:
                    since = timestamp(event.recorded_at)
                    waits[place] = Wait(event.actor, place, since, "", "waiting", passes=data.passes)
            case LockAcquired(place=int(place)) | ClaimAcquired(place=int(place)):
                _end_wait(waits, place, "granted", event)
            case LockHandedOver() | ClaimHandedOver():
                for place in data.serves:
                    _end_wait(waits, place, "handed_over", event)
            case LockLeft() | ClaimLeft():
                _end_wait(waits, data.place, data.reason, event)
            case _:
                pass
    return tuple(
        wait
        if wait.event_id is not None
        else replace(wait, until_at=timestamp(ends[place]), how="over" if ends[place] < now else "waiting")
        for place, wait in waits.items()
    )


def _end_wait(waits: dict[int, Wait], place: int, how: HowWaited, event: RecordedEvent) -> None:
    if place in waits:
        waits[place] = replace(waits[place], until_at=timestamp(event.recorded_at), how=how, event_id=event.event_id)
