"""Places: who waits for a claim or a lock, who waited for one at any event before, and how that ended.

A place begins with the `lock.queued` or `claim.queued` that made it, whose event id it is called by. It ends when it is
granted or given up; where no call came back to it in time, nothing is written, and its time tells.
"""

from typing import Final, Literal

import apsw
import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from arclog.codec import Fact
from arclog.deciders.holdings import Place
from arclog.events import (
    ClaimAcquired,
    ClaimHandedOver,
    ClaimLeft,
    ClaimQueued,
    LockAcquired,
    LockHandedOver,
    LockLeft,
    LockQueued,
)
from arclog.events.leases import Mode, Noun
from arclog.limits import MICROSECONDS
from arclog.sqlite.queries import Queries
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.projector import Projector, Some, Writer
from projections.standing_changes import ends_at
from projections.times import optional_timestamp, timestamp
from projections.versions import Version, Versioned

Ending = Literal["granted", "handed_over", "left", "owner_gone", "no_call", "hub_gone"]


class QueuePlace(Struct, frozen=True):
    """A place as it goes over the wire.

    Attributes:
        place: its id; who came earlier has a smaller one.
        noun: whether it is for a lock or a claim.
        name: what is waited for, as it was sent: the first path, or the claim.
        keys: the keys of all that is waited for.
        agent_id: who waits.
        mode: how it is asked for.
        queued_at: since when.
        wait_until: when its call ends, or the last ended.
        expires_at: when the place ends, unless another call goes on at it.
        ended_at: when it ended; null while it lasts, and when its time was over, which no event says.
        ending: how it ended, null likewise.
        event_id: the event that ended it; the grant's is its fencing token.
        position: in the queue as it stands: how many it is from the front, itself counted.
        ahead: likewise: the agents that it waits for.
        waited_sec: likewise: for how long it has waited.
    """

    place: int
    noun: Noun
    name: str
    keys: tuple[str, ...]
    agent_id: str
    mode: Mode
    queued_at: str
    wait_until: str
    expires_at: str
    ended_at: str | None
    ending: Ending | None
    event_id: int | None
    position: int | UnsetType = UNSET
    ahead: tuple[str, ...] | UnsetType = UNSET
    waited_sec: int | UnsetType = UNSET


class _Row(Struct, frozen=True, gc=False):
    """What a row says, its columns in the order of the statements; lists are JSON."""

    place_id: int
    noun: Noun
    agent_id: str
    name: str
    keys: str
    mode: Mode
    queued_at: int
    wait_until: int
    expires_at: int
    ttl: int
    passes: str
    hub_id: str
    ended_at: int | None = None
    ending: Ending | None = None
    event_id: int | None = None


VERSIONS: Final = Versioned("places", _Row)
SQL: Final = Queries("projections", "places.sql", VERSIONS.parts)


def _on_queued(writer: Writer, event: Fact, data: LockQueued | ClaimQueued) -> None:
    if data.place is not None:
        current = writer.find(VERSIONS, data.place)
        if current is not None:
            row = replace(
                current.row, wait_until=data.wait_until, expires_at=ends_at(data.wait_until), hub_id=data.hub_id
            )
            writer.replace_found(VERSIONS, data.place, current, Version(event.event_id, row))
        return
    is_lock = isinstance(data, LockQueued)
    row = _Row(
        place_id=event.event_id,
        noun="lock" if is_lock else "claim",
        agent_id=data.agent_id if isinstance(data, LockQueued) else data.owner_agent_id,
        name=data.file_path if isinstance(data, LockQueued) else data.claim_key,
        keys=encode_json(data.keys if isinstance(data, LockQueued) else (data.claim_key,)).decode(),
        mode=data.mode if isinstance(data, LockQueued) else "exclusive",
        queued_at=event.recorded_at,
        wait_until=data.wait_until,
        expires_at=ends_at(data.wait_until),
        ttl=data.ttl,
        passes=encode_json(data.passes).decode(),
        hub_id=data.hub_id,
    )
    writer.add(VERSIONS, event.event_id, Version(event.event_id, row))


def _on_acquired(writer: Writer, event: Fact, data: LockAcquired | ClaimAcquired) -> None:
    assert data.place is not None
    _end(writer, event, data.place, "granted")


def _on_handed_over(writer: Writer, event: Fact, data: LockHandedOver | ClaimHandedOver) -> None:
    for place_id in data.serves:
        _end(writer, event, place_id, "handed_over")


def _on_left(writer: Writer, event: Fact, data: LockLeft | ClaimLeft) -> None:
    _end(writer, event, data.place, data.reason)


def _end(writer: Writer, event: Fact, place_id: int, ending: Ending) -> None:
    current = writer.find(VERSIONS, place_id)
    if current is not None:
        row = replace(current.row, ended_at=event.recorded_at, ending=ending, event_id=event.event_id)
        writer.replace_found(VERSIONS, place_id, current, Version(event.event_id, row))


PROJECTOR: Final = Projector(
    name="places",
    version=1,
    tables=("places",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={
        LockQueued: _on_queued,
        ClaimQueued: _on_queued,
        LockAcquired: Some(("place",), _on_acquired),
        ClaimAcquired: Some(("place",), _on_acquired),
        LockHandedOver: _on_handed_over,
        ClaimHandedOver: _on_handed_over,
        LockLeft: _on_left,
        ClaimLeft: _on_left,
    },
)


def find_place(connection: apsw.Connection, place_id: int, at: AsOf) -> QueuePlace | None:
    """A place, as it was at a moment."""
    row = VERSIONS.find_at(connection, place_id, at)
    return None if row is None else _place(row)


def find_current(writer: Writer, place_id: int) -> QueuePlace | None:
    """A place as it is now, as the writer knows it."""
    current = writer.find(VERSIONS, place_id)
    return None if current is None else _place(current.row)


def list_waiting(
    connection: apsw.Connection, at: AsOf, noun: Noun | None = None, agent_id: str | None = None
) -> list[QueuePlace]:
    """The places that counted at a moment, in their order."""
    rows = _read_waiting(connection, at, noun, agent_id)
    return [replace(_place(row), waited_sec=(at.now - row.queued_at) // MICROSECONDS) for row in rows]


def list_keys(connection: apsw.Connection) -> list[str]:
    """The keys of all locks that were ever waited for."""
    return [str(key) for (key,) in connection.execute(SQL["list_keys"])]


def list_standing(connection: apsw.Connection, at: AsOf) -> list[Place]:
    """The places that counted at a moment, as the rules see them."""
    return [
        Place(
            row.place_id,
            row.noun,
            tuple(msgspec.json.decode(row.keys)),
            row.agent_id,
            row.mode,
            row.expires_at,
            row.queued_at,
            row.ttl,
            frozenset(msgspec.json.decode(row.passes)),
            row.hub_id,
        )
        for row in _read_waiting(connection, at, None, None)
    ]


def _read_waiting(connection: apsw.Connection, at: AsOf, noun: Noun | None, agent_id: str | None) -> list[_Row]:
    return list(VERSIONS.read(connection, SQL["list_waiting"], at.bindings(noun=noun, agent_id=agent_id)))


def _place(row: _Row) -> QueuePlace:
    return QueuePlace(
        row.place_id,
        row.noun,
        row.name,
        tuple(msgspec.json.decode(row.keys)),
        row.agent_id,
        row.mode,
        timestamp(row.queued_at),
        timestamp(row.wait_until),
        timestamp(row.expires_at),
        optional_timestamp(row.ended_at),
        row.ending,
        row.event_id,
    )
