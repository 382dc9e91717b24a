"""Locks: who holds what now, and who held it at any event before.

Each path of a grant has a row, which stands in a slot of its key (`projections.lock_slots`).
"""

from collections.abc import Iterator
from typing import Final

import apsw
import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from arclog.codec import Fact
from arclog.deciders.families import SEPARATOR
from arclog.deciders.holdings import Holding
from arclog.deciders.locks import HeldLock
from arclog.events import (
    JsonObject,
    LockAcquired,
    LockHandedOver,
    LockRefreshed,
    LockRefused,
    LockReleased,
    SessionExpired,
    TurnEnded,
)
from arclog.events.leases import Mode
from arclog.sqlite.queries import Queries
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.leases import LeaseTables, notice_channel
from projections.lock_slots import key_of, mode_of, parts_of, range_of_sharers, shared_slot, slot_for, slots_of
from projections.projector import Projector, Writer, time_of
from projections.times import timestamp
from projections.versions import Version, Versioned


class Lock(Struct, frozen=True):
    """A lock as it goes over the wire; `fencing_token` is the event id of its grant.

    Attributes:
        file_path: the path or pattern, as it was sent.
        agent_id: who holds it.
        locked_at: since when.
        expires_at: until when.
        released_at: when it was freed; null while it was not, although it may have lapsed.
        metadata: the holder's own.
        fencing_token: the event that granted it.
        key: what the path comes to, however it is spelled.
        mode: whether others may have it too.
        witness: in a refusal, a path that both this and what was asked for cover.
        waiting: in a refusal, whether this is not held but waited for by one that comes first.
        automatic: whether a hook locked it by itself, so that it ends with its holder's turn.
    """

    file_path: str
    agent_id: str
    locked_at: str
    expires_at: str
    released_at: str | None
    metadata: msgspec.Raw
    fencing_token: int
    key: str
    mode: Mode
    witness: str | UnsetType = UNSET
    waiting: bool | UnsetType = UNSET
    automatic: bool | UnsetType = UNSET


class _Row(Struct, frozen=True, gc=False):
    """What a row says, its columns in the order of the statements."""

    slot: str
    file_path: str
    agent_id: str
    fencing_token: int
    locked_at: int
    expires_at: int
    released_at: int | None
    automatic: int
    thread_id: str | None
    notice_channel: str | None
    metadata: str

    @property
    def mode(self) -> Mode:
        return mode_of(self.slot)


VERSIONS: Final = Versioned("locks", _Row, free_text=("metadata",))
SQL: Final = Queries("projections", "locks.sql", VERSIONS.parts)
LEASES: Final = LeaseTables(SQL)
find_refusal: Final = LEASES.find_refusal
count_held: Final = LEASES.count_held


def _on_acquired(writer: Writer, event: Fact, data: LockAcquired) -> None:
    said = data.metadata
    metadata = encode_json(said).decode() if said else "{}"
    for key, path in zip(data.keys, data.paths, strict=True):
        alone = data.mode == "exclusive" or key in data.kept
        slot = slot_for(key, data.agent_id, alone=alone, is_sub_agent=data.parent is not None)
        row = _Row(
            slot=slot,
            file_path=path,
            agent_id=data.agent_id,
            fencing_token=event.event_id,
            locked_at=time_of(event, data.occurred_at),
            expires_at=data.expires_at,
            released_at=None,
            automatic=int(data.is_automatic),
            thread_id=_thread_of(said) if said else None,
            notice_channel=notice_channel(said) if said else None,
            metadata=metadata,
        )
        _write(writer, event, row)
        if not alone:  # it may have had this key alone, and let that lapse
            _release(writer, event, key, data.agent_id, event.recorded_at)
        elif key in data.upgrades:
            _release(writer, event, shared_slot(key, data.agent_id), data.agent_id, event.recorded_at)
        if data.parent is not None:
            _release_others(writer, event, key, row)


def _on_refreshed(writer: Writer, event: Fact, data: LockRefreshed) -> None:
    for key in data.keys:
        current = _find_of(writer, key, data.agent_id, data.fencing_token)
        if current is not None:
            row = replace(current.row, expires_at=data.expires_at, released_at=None)
            writer.replace_found(VERSIONS, row.slot, current, Version(event.event_id, row))


def _on_released(writer: Writer, event: Fact, data: LockReleased) -> None:
    released_at = time_of(event, data.occurred_at)
    for key in data.keys:
        _release_of(writer, event, key, data.agent_id, data.fencing_token, released_at)


def _on_expired(writer: Writer, event: Fact, data: SessionExpired | TurnEnded) -> None:
    for lock in data.locks:
        _release_of(writer, event, lock.file_path, data.agent_id, lock.fencing_token, event.recorded_at)


def _on_handed_over(writer: Writer, event: Fact, data: LockHandedOver) -> None:
    for key in data.keys:
        current = _find_of(writer, key, data.agent_id, data.fencing_token)
        if current is None:
            continue
        given = replace(
            current.row,
            agent_id=data.to_agent_id,
            fencing_token=event.event_id,
            locked_at=event.recorded_at,
            automatic=0,
        )
        slot = slot_for(key, data.to_agent_id, alone=given.mode == "exclusive", is_sub_agent=data.to_parent is not None)
        if slot != current.row.slot:
            given = replace(given, slot=slot)
            _release(writer, event, current.row.slot, data.agent_id, event.recorded_at)
            _release_others(writer, event, key, given)
        _write(writer, event, given)


def _on_refused(writer: Writer, event: Fact, data: LockRefused) -> None:
    if not data.circle:  # of these `deadlocks` tells
        writer.write(SQL["refuse"], (data.fencing_token, data.asker_agent_id, event.event_id))


def _write(writer: Writer, event: Fact, row: _Row) -> None:
    ended = writer.replace(VERSIONS, row.slot, Version(event.event_id, row))
    if ended is None or ended.row.agent_id != row.agent_id:
        writer.write(SQL["hold"], (row.agent_id, row.slot, event.event_id))


def _release(writer: Writer, event: Fact, slot: str, agent_id: str, released_at: int) -> None:
    current = writer.find(VERSIONS, slot)
    if current is not None and current.row.agent_id == agent_id and current.row.released_at is None:
        row = replace(current.row, released_at=released_at)
        writer.replace_found(VERSIONS, slot, current, Version(event.event_id, row))


def _release_others(writer: Writer, event: Fact, key: str, row: _Row) -> None:
    """What its agent had by the same key in another slot is over: it may have let that lapse."""
    for slot in slots_of(key, row.agent_id):
        if slot != row.slot:
            _release(writer, event, slot, row.agent_id, event.recorded_at)


def _release_of(writer: Writer, event: Fact, key: str, agent_id: str, token: int, released_at: int) -> None:
    current = _find_of(writer, key, agent_id, token)
    if current is not None:
        row = replace(current.row, released_at=released_at)
        writer.replace_found(VERSIONS, row.slot, current, Version(event.event_id, row))


def _find_of(writer: Writer, key: str, agent_id: str, token: int) -> Version[_Row] | None:
    """What an agent has by a key: alone, or shared with others.

    A grant that lapsed is left as it was, so an agent may have both; `token` says which is meant.
    """
    if SEPARATOR in agent_id:
        own = writer.find(VERSIONS, slot_for(key, agent_id, alone=True, is_sub_agent=True))
        if own is not None and own.row.fencing_token == token:
            return own
    current = writer.find(VERSIONS, key)
    if current is not None and current.row.fencing_token == token and current.row.agent_id == agent_id:
        return current
    shared = writer.find(VERSIONS, shared_slot(key, agent_id))
    if shared is None or current is None or current.row.agent_id != agent_id:
        return shared or current
    return shared if shared.row.fencing_token == token else current


def _thread_of(metadata: JsonObject) -> str | None:
    thread_id = metadata.get("thread_id")
    return thread_id if isinstance(thread_id, str) and thread_id else None


PROJECTOR: Final = Projector(
    name="locks",
    version=9,
    tables=("locks", "lock_holders", "lock_refusals"),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={
        LockAcquired: _on_acquired,
        LockRefreshed: _on_refreshed,
        LockReleased: _on_released,
        LockHandedOver: _on_handed_over,
        LockRefused: _on_refused,
        SessionExpired: _on_expired,
        TurnEnded: _on_expired,
    },
)


def find_lock(connection: apsw.Connection, key: str, agent_id: str, at: AsOf) -> Lock | None:
    """What an agent had by a key as it was left last, released or not."""
    found = [row for slot in slots_of(key, agent_id) if (row := VERSIONS.find_at(connection, slot, at))]
    own = [row for row in found if row.agent_id == agent_id]
    return _lock(max(own, key=_age)) if own else None


def list_of_key(connection: apsw.Connection, key: str, at: AsOf) -> list[Lock]:
    """The locks on just that key as they were left last: one, or one of each agent that shared it."""
    alone = VERSIONS.find_at(connection, key, at)
    shared = VERSIONS.read(connection, SQL["list_sharers"], {**range_of_sharers(key), "at": at.at})
    return [_lock(row) for row in sorted([*([] if alone is None else [alone]), *shared], key=_age)]


def find_current(writer: Writer, key: str, agent_id: str, token: int) -> Lock | None:
    """What an agent has by a key now, as the writer knows it.

    Args:
        writer: who wrote it, or finds it.
        key: the key.
        agent_id: the agent.
        token: the grant that is meant.
    """
    current = _find_of(writer, key, agent_id, token)
    return None if current is None else _lock(current.row)


def find_thread(connection: apsw.Connection, key: str, agent_id: str, at: AsOf) -> str | None:
    """The thread that an agent's lock belongs to, if any."""
    found = [row for slot in slots_of(key, agent_id) if (row := VERSIONS.find_at(connection, slot, at))]
    own = [row for row in found if row.agent_id == agent_id]
    return max(own, key=_age).thread_id if own else None


def list_held(
    connection: apsw.Connection, agent_id: str, now: int, before: int, limit: int, most_bytes: int
) -> list[HeldLock]:
    """What an agent holds at present, as `LeaseTables.read_held` finds it."""
    rows = LEASES.read_held(connection, agent_id, now, before, limit, most_bytes)
    return [HeldLock(key_of(slot), *rest) for slot, *rest in rows]


def list_keys(connection: apsw.Connection) -> list[str]:
    """The keys of all locks that there ever were."""
    return sorted({key_of(slot) for (slot,) in connection.execute(SQL["list_slots"])})


def list_standing(connection: apsw.Connection, at: AsOf) -> list[Holding]:
    """All that was held at a moment, as the rules see it."""
    rows = connection.execute(SQL["list_standing"], at.bindings())
    return [
        Holding("lock", key_of(slot), agent_id, mode_of(slot), token, until, bool(automatic))
        for slot, agent_id, token, until, automatic in rows
    ]


def list_locks(
    connection: apsw.Connection, at: AsOf, agent_id: str | None = None, active_only: bool = False
) -> list[Lock]:
    """All locks, oldest grant first; of one agent, or only those that are active, when asked."""
    return list(each_lock(connection, at, agent_id, active_only))


def each_lock(
    connection: apsw.Connection, at: AsOf, agent_id: str | None = None, active_only: bool = False
) -> Iterator[Lock]:
    """The same one by one: no more are read than are taken."""
    query = "list_active" if active_only else "list_all"
    if agent_id is not None:
        query += "_of_agent"
    return map(_lock, VERSIONS.read(connection, SQL[query], at.bindings(agent_id=agent_id)))


def each_in_thread(connection: apsw.Connection, thread_id: str, at: AsOf, active_only: bool = False) -> Iterator[Lock]:
    """The locks of one thread one by one, oldest grant first; only those that are active, when asked."""
    bindings = at.bindings(thread_id=thread_id, active_only=active_only)
    return map(_lock, VERSIONS.read(connection, SQL["list_in_thread"], bindings))


def _lock(row: _Row) -> Lock:
    key, mode = parts_of(row.slot)
    return Lock(
        row.file_path,
        row.agent_id,
        timestamp(row.locked_at),
        timestamp(row.expires_at),
        None if row.released_at is None else timestamp(row.released_at),
        msgspec.Raw(row.metadata.encode()),
        row.fencing_token,
        key,
        mode,
        automatic=True if row.automatic else UNSET,
    )


def _age(row: _Row) -> int:
    return row.fencing_token
