"""Blame: who held what, from when to when, how that ended, and who was refused meanwhile."""

from collections.abc import Iterator
from typing import Final, Literal

import apsw
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from arclog.codec import RecordedEvent
from arclog.errors import NotFound, StorageDamaged
from arclog.events import (
    ClaimAcquired,
    ClaimRefreshed,
    ClaimRefused,
    ClaimReleased,
    LockAcquired,
    LockRefreshed,
    LockRefused,
    LockReleased,
    MessagePosted,
    SessionClosed,
    SessionExpired,
    SessionOpened,
    TaskCompleted,
)
from arclog.sqlite.reads import NO_END, Filter
from arclog.streams import streams_beside
from projections.event_streams import read_matching
from projections.history.entities import natural_order
from projections.times import optional_timestamp, timestamp

How = Literal["held", "released", "owner_gone", "lapsed", "open", "done", "live", "closed", "expired", "replaced"]
"""How it stands: leases are held, released, taken back from an owner that was gone, or lapsed; tasks are open or done;
sessions are live, closed, expired or replaced."""

NOUNS: Final = ("lock", "claim", "task", "session", "channel", "inbox", "hub")
"""What the names of streams begin with."""

_REFUSED: Final = (LockRefused, ClaimRefused)
_REFRESHED: Final = (LockRefreshed, ClaimRefreshed)


class Refusal(Struct, frozen=True):
    """Somebody else who asked, and was refused."""

    agent_id: str
    event_id: int
    at: str


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


class ActorShare(Struct, frozen=True):
    """What one agent did in a stream."""

    actor: str
    events: int
    first_event: int
    last_event: int


class Blame(Struct, frozen=True):
    """The life of one entity.

    Attributes:
        stream: the entity.
        events: how many events it has.
        tenures: who held it, in order; none for what nobody holds, such as a channel.
        actors: who did how much, the busiest first.
    """

    stream: str
    events: int
    tenures: tuple[Tenure, ...]
    actors: tuple[ActorShare, ...]


def read_blame(connection: apsw.Connection, stream: str, now: int) -> list[Blame]:
    """The life of an entity, or of all below a prefix that ends in `/`, by name, numbers by their size.

    Args:
        connection: any connection on the storage.
        stream: such as `lock/src/a.py`, or `lock/src/`.
        now: the log's time, by which leases lapse.

    Raises:
        NotFound: no event belongs to such a stream.
        StorageDamaged: one of its events cannot be read.
    """
    lives: dict[str, list[RecordedEvent]] = {}
    try:
        for stored in read_matching(connection, 0, NO_END, where=Filter(stream=stream)):
            event = stored.decode()
            for name in (event.stream, *streams_beside(event.data)):
                if name == stream or (stream.endswith("/") and name.startswith(stream)):
                    lives.setdefault(name, []).append(event)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StorageDamaged(f"an event of {stream} cannot be read ({error})", advice="verify") from None
    if not lives:
        meant = find_similar(connection, stream)
        hint = "streams are named like lock/src/a.py or task/17" if meant is None else f"did you mean {meant}?"
        raise NotFound("stream", stream, f"has no events; {hint}")
    return [
        Blame(name, len(events), tuple(_tenures(name, events, now)), _shares(events))
        for name, events in sorted(lives.items(), key=lambda life: natural_order(life[0]))
    ]


def find_similar(connection: apsw.Connection, stream: str) -> str | None:
    """A stream that has events, for one that has none: the same with its noun, or a folder of which it is the name."""
    name = stream.strip("/")
    for meant in (*(f"{noun}/{name}" for noun in NOUNS), f"{name}/", *(f"{noun}/{name}/" for noun in NOUNS)):
        if meant != stream and next(read_matching(connection, 0, 1, where=Filter(stream=meant)), None) is not None:
            return meant
    return None


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


def _tenures(stream: str, events: list[RecordedEvent], now: int) -> Iterator[Tenure]:
    held: _Open | None = None
    for event in events:
        data = event.data
        begun = _begin(stream, event)
        if begun is not None:
            if held is not None:
                yield held.end("replaced", event) if isinstance(data, SessionOpened) else held.lapse(event.recorded_at)
            held = begun
        elif held is None:
            continue
        elif isinstance(data, _REFRESHED):
            held.expires_at = data.expires_at
            held.tenure = replace(held.tenure, refreshed=held.tenure.refreshed + 1)
        elif isinstance(data, _REFUSED):
            refusal = Refusal(data.asker_agent_id, event.event_id, timestamp(event.recorded_at))
            held.tenure = replace(held.tenure, refused=(*held.tenure.refused, refusal))
        else:
            how = _end(stream, data)
            if how is not None:
                yield held.end(how, event)
                held = None
    if held is not None:
        yield held.lapse(now)


def _begin(stream: str, event: RecordedEvent) -> _Open | None:
    """The tenure that an event begins in a stream."""
    data = event.data
    how: How
    expires_at: int | None = None
    match data:
        case LockAcquired() | ClaimAcquired():
            how, expires_at = "held", data.expires_at
        case SessionOpened():
            how = "live"
        case MessagePosted() if stream == f"task/{event.event_id}":
            how = "open"
        case _:
            return None
    return _Open(Tenure(event.actor, event.event_id, timestamp(event.recorded_at), None, None, how), expires_at)


def _end(stream: str, data: object) -> How | None:
    """How an event ends a tenure in a stream, if it does."""
    match data:
        case LockReleased() | ClaimReleased():
            return data.reason
        case TaskCompleted():
            return "done"
        case MessagePosted() if stream == f"task/{data.completes_task_id}":
            return "done"
        case SessionClosed():
            return "closed"
        case SessionExpired():
            return "expired" if stream == f"session/{data.agent_id}" else "owner_gone"
        case _:
            return None


def _shares(events: list[RecordedEvent]) -> tuple[ActorShare, ...]:
    ids: dict[str, list[int]] = {}
    for event in events:
        ids.setdefault(event.actor, []).append(event.event_id)
    shares = [ActorShare(actor, len(own), own[0], own[-1]) for actor, own in ids.items()]
    return tuple(sorted(shares, key=lambda share: (-share.events, share.actor)))
