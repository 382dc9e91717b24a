"""Locks: who holds what now, and who held it at any event before."""

from collections.abc import Iterator
from typing import Final

import apsw
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from arclog.codec import Fact
from arclog.deciders.locks import HeldLock
from arclog.events import JsonObject, LockAcquired, LockRefreshed, LockRefused, LockReleased, SessionExpired
from arclog.sqlite.queries import Queries
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.projector import Projector, Writer, time_of
from projections.times import optional_timestamp, timestamp
from projections.versions import Version, Versioned


class Lock(Struct, frozen=True):
    """A lock as the wire has it; `fencing_token` is the event id of its grant."""

    file_path: str
    agent_id: str
    locked_at: str
    expires_at: str
    released_at: str | None
    metadata: msgspec.Raw
    fencing_token: int


class _Row(Struct, frozen=True, gc=False):
    """What a row says, its columns in the order of the statements."""

    file_path: str
    agent_id: str
    fencing_token: int
    locked_at: int
    expires_at: int
    released_at: int | None
    thread_id: str | None
    notice_channel: str | None
    metadata: str


VERSIONS: Final = Versioned("locks", _Row, free_text=("metadata",))
SQL: Final = Queries("projections", "locks.sql", VERSIONS.parts)


def _on_acquired(writer: Writer, event: Fact, data: LockAcquired) -> None:
    row = _Row(
        file_path=data.file_path,
        agent_id=data.agent_id,
        fencing_token=event.event_id,
        locked_at=time_of(event, data.occurred_at),
        expires_at=data.expires_at,
        released_at=None,
        notice_channel=_notice_channel(data.metadata),
        metadata=encode_json(data.metadata).decode(),
        thread_id=_thread_of(data),
    )
    current = writer.find(VERSIONS, data.file_path)
    if current is None or current.row.agent_id != data.agent_id:
        writer.write(SQL["hold"], (data.agent_id, data.file_path, event.event_id))
    writer.replace(VERSIONS, data.file_path, Version(event.event_id, row))


def _on_refreshed(writer: Writer, event: Fact, data: LockRefreshed) -> None:
    current = writer.find(VERSIONS, data.file_path)
    if current is not None:
        row = replace(current.row, expires_at=data.expires_at, released_at=None)
        writer.replace(VERSIONS, data.file_path, Version(event.event_id, row))


def _on_released(writer: Writer, event: Fact, data: LockReleased) -> None:
    _release(writer, event, data.file_path, time_of(event, data.occurred_at))


def _on_expired(writer: Writer, event: Fact, data: SessionExpired) -> None:
    for lock in data.locks:
        _release(writer, event, lock.file_path, event.recorded_at)


def _release(writer: Writer, event: Fact, file_path: str, released_at: int) -> None:
    current = writer.find(VERSIONS, file_path)
    if current is not None:
        row = replace(current.row, released_at=released_at)
        writer.replace(VERSIONS, file_path, Version(event.event_id, row))


def _on_refused(writer: Writer, event: Fact, data: LockRefused) -> None:
    writer.write(SQL["refuse"], (data.fencing_token, data.asker_agent_id, event.event_id))


def _thread_of(data: LockAcquired) -> str | None:
    thread_id = data.metadata.get("thread_id")
    return thread_id if isinstance(thread_id, str) and thread_id else None


PROJECTOR: Final = Projector(
    name="locks",
    version=6,
    tables=("locks", "lock_holders", "lock_refusals"),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={
        LockAcquired: _on_acquired,
        LockRefreshed: _on_refreshed,
        LockReleased: _on_released,
        LockRefused: _on_refused,
        SessionExpired: _on_expired,
    },
)


def find_lock(connection: apsw.Connection, file_path: str, at: AsOf) -> Lock | None:
    """The lock of that name as it was left last, released or not."""
    row = VERSIONS.find_at(connection, file_path, at)
    return None if row is None else _lock(row)


def find_current(writer: Writer, file_path: str) -> Lock | None:
    """The lock of that name as it is now, as the writer knows it."""
    current = writer.find(VERSIONS, file_path)
    return None if current is None else _lock(current.row)


def find_thread(connection: apsw.Connection, file_path: str, at: AsOf) -> str | None:
    """The thread that the lock of that name belongs to, if any."""
    row = VERSIONS.find_at(connection, file_path, at)
    return None if row is None else row.thread_id


def find_held(writer: Writer, file_path: str) -> HeldLock | None:
    """What the rules need to know of a lock that was granted and not released."""
    current = writer.find(VERSIONS, file_path)
    return None if current is None or current.row.released_at is not None else _held(current.row)


def find_refusal(connection: apsw.Connection, fencing_token: int, asker_agent_id: str) -> int | None:
    """The event that refused this grant to this asker."""
    found = connection.execute(SQL["find_refusal"], (fencing_token, asker_agent_id)).get
    return None if found is None else int(found)


def list_held(
    connection: apsw.Connection, agent_id: str, now: int, before: int, limit: int, most_bytes: int
) -> list[HeldLock]:
    """What an agent holds at present, oldest grant first.

    Args:
        connection: any connection on the storage.
        agent_id: the agent.
        now: the log's time.
        before: only what was granted before this event.
        limit: at most so many.
        most_bytes: only until their metadata are so long together.
    """
    bindings = {"agent_id": agent_id, "now": now, "before": before, "limit": limit, "most_bytes": most_bytes}
    return [HeldLock(*row) for row in connection.execute(SQL["list_held"], bindings)]


def count_held(connection: apsw.Connection, agent_id: str, now: int, before: int) -> int:
    """How much an agent holds at present that was granted before an event."""
    return int(connection.execute(SQL["count_held"], {"agent_id": agent_id, "now": now, "before": before}).get)


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


def list_in_thread(connection: apsw.Connection, thread_id: str, at: AsOf, active_only: bool = False) -> list[Lock]:
    """The locks of one thread, oldest grant first; only those that are active, when asked."""
    return list(each_in_thread(connection, thread_id, at, active_only))


def each_in_thread(connection: apsw.Connection, thread_id: str, at: AsOf, active_only: bool = False) -> Iterator[Lock]:
    """The same one by one: no more are read than are taken."""
    bindings = at.bindings(thread_id=thread_id, active_only=active_only)
    return map(_lock, VERSIONS.read(connection, SQL["list_in_thread"], bindings))


def _lock(row: _Row) -> Lock:
    return Lock(
        row.file_path,
        row.agent_id,
        timestamp(row.locked_at),
        timestamp(row.expires_at),
        optional_timestamp(row.released_at),
        msgspec.Raw(row.metadata.encode()),
        row.fencing_token,
    )


def _held(row: _Row) -> HeldLock:
    return HeldLock(
        row.file_path,
        row.agent_id,
        row.fencing_token,
        row.expires_at,
        row.thread_id,
        row.notice_channel,
    )


def _notice_channel(metadata: JsonObject) -> str | None:
    """The channel in which its holder would have its recovery told."""
    channel = metadata.get("channel")
    return channel if isinstance(channel, str) else None
