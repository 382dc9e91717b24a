"""Locks: who holds what now, and who held it at any event before."""

from typing import Any, Final

import apsw
import msgspec
from msgspec import Struct

from arclog.deciders.locks import HeldLock
from arclog.events import LockAcquired, LockRefreshed, LockRefused, LockReleased
from arclog.queries import Queries
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.projector import Fact, Projector, Writer, time_of
from projections.times import optional_timestamp, timestamp

SQL: Final = Queries("projections", "locks.sql")


class Lock(Struct, frozen=True):
    """A lock as the wire has it; `fencing_token` is the event id of its grant."""

    file_path: str
    agent_id: str
    locked_at: str
    expires_at: str
    released_at: str | None
    metadata: msgspec.Raw
    fencing_token: int


def _on_acquired(writer: Writer, event: Fact, data: LockAcquired) -> None:
    writer.write(SQL["close"], {"key": data.file_path, "event_id": event.event_id})
    writer.write(
        SQL["grant"],
        (
            data.file_path,
            event.event_id,
            data.agent_id,
            event.event_id,
            time_of(event, data.occurred_at),
            data.expires_at,
            encode_json(data.metadata).decode(),
            _thread_of(data),
        ),
    )


def _on_refreshed(writer: Writer, event: Fact, data: LockRefreshed) -> None:
    bindings = {"key": data.file_path, "event_id": event.event_id, "expires_at": data.expires_at}
    writer.write(SQL["close"], bindings)
    writer.write(SQL["prolong"], bindings)


def _on_released(writer: Writer, event: Fact, data: LockReleased) -> None:
    bindings = {"key": data.file_path, "event_id": event.event_id, "released_at": time_of(event, data.occurred_at)}
    writer.write(SQL["close"], bindings)
    writer.write(SQL["release"], bindings)


def _on_refused(writer: Writer, event: Fact, data: LockRefused) -> None:
    writer.write(SQL["refuse"], (data.fencing_token, data.asker_agent_id, event.event_id))


def _thread_of(data: LockAcquired) -> str | None:
    thread_id = data.metadata.get("thread_id")
    return thread_id if isinstance(thread_id, str) and thread_id else None


PROJECTOR: Final = Projector(
    name="locks",
    version=1,
    tables=("locks", "lock_refusals"),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={
        LockAcquired: _on_acquired,
        LockRefreshed: _on_refreshed,
        LockReleased: _on_released,
        LockRefused: _on_refused,
    },
)


def find_lock(connection: apsw.Connection, file_path: str, at: AsOf) -> Lock | None:
    """The lock of that name as it was left last, released or not."""
    row = connection.execute(SQL["find"], {"key": file_path, "at": at.at}).fetchone()
    return None if row is None else _lock(row)


def find_thread(connection: apsw.Connection, file_path: str, at: AsOf) -> str | None:
    """The thread that the lock of that name belongs to, if any."""
    row = connection.execute(SQL["find"], {"key": file_path, "at": at.at}).fetchone()
    return None if row is None else row[7]


def find_held(connection: apsw.Connection, file_path: str, at: AsOf) -> HeldLock | None:
    """What the rules need to know of a lock that was granted and not released."""
    row = connection.execute(SQL["find"], {"key": file_path, "at": at.at}).fetchone()
    return None if row is None or row[5] is not None else _held(row)


def find_refusal(connection: apsw.Connection, fencing_token: int, asker_agent_id: str) -> int | None:
    """The event that refused this grant to this asker."""
    found = connection.execute(SQL["find_refusal"], (fencing_token, asker_agent_id)).get
    return None if found is None else int(found)


def list_held(connection: apsw.Connection, agent_id: str, now: int) -> list[HeldLock]:
    """What an agent holds at present, oldest grant first."""
    return [_held(row) for row in connection.execute(SQL["list_held"], {"agent_id": agent_id, "now": now})]


def list_locks(
    connection: apsw.Connection, at: AsOf, agent_id: str | None = None, active_only: bool = False
) -> list[Lock]:
    """All locks, oldest grant first; of one agent, or only those that are active, when asked."""
    query = SQL["list_active" if active_only else "list_all"]
    return [_lock(row) for row in connection.execute(query, at.bindings(agent_id=agent_id))]


def list_in_thread(connection: apsw.Connection, thread_id: str, at: AsOf) -> list[Lock]:
    """The locks of one thread, oldest grant first."""
    return [_lock(row) for row in connection.execute(SQL["list_in_thread"], at.bindings(thread_id=thread_id))]


def _lock(row: tuple[Any, ...]) -> Lock:
    file_path, owner, token, locked_at, expires_at, released_at, metadata, _thread_id = row
    return Lock(
        file_path,
        owner,
        timestamp(locked_at),
        timestamp(expires_at),
        optional_timestamp(released_at),
        msgspec.Raw(metadata.encode()),
        token,
    )


def _held(row: tuple[Any, ...]) -> HeldLock:
    file_path, owner, token, _locked_at, expires_at, _released_at, metadata, thread_id = row
    channel = msgspec.json.decode(metadata).get("channel")
    return HeldLock(
        file_path, owner, token, expires_at, thread_id, notice_channel=channel if isinstance(channel, str) else None
    )
