"""Claims: who holds what now, and who held it at any event before."""

from collections.abc import Iterator
from typing import Final

import apsw
import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from arclog.codec import Fact
from arclog.deciders.claims import HeldClaim
from arclog.deciders.holdings import Holding
from arclog.events import (
    ClaimAcquired,
    ClaimHandedOver,
    ClaimRefreshed,
    ClaimRefused,
    ClaimReleased,
    MessagePosted,
    SessionExpired,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskLapsed,
)
from arclog.events.claims import claim_key_of
from arclog.events.messages import is_of_task
from arclog.sqlite.queries import Queries
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.leases import LeaseTables, notice_channel
from projections.projector import Projector, Some, Writer, time_of
from projections.times import optional_timestamp, timestamp
from projections.versions import Version, Versioned


class Claim(Struct, frozen=True):
    """A claim as it goes over the wire; `fencing_token` is the event id of its grant.

    In a refusal, `waiting` says that this is not held but waited for by one that comes first.
    """

    claim_key: str
    thread_id: str | None
    task_message_id: int | None
    owner_agent_id: str
    claimed_at: str
    expires_at: str
    released_at: str | None
    metadata: msgspec.Raw
    fencing_token: int
    waiting: bool | UnsetType = UNSET


class _Row(Struct, frozen=True, gc=False):
    """What a row says, its columns in the order of the statements."""

    claim_key: str
    owner_agent_id: str
    fencing_token: int
    claimed_at: int
    expires_at: int
    released_at: int | None
    thread_id: str | None
    task_message_id: int | None
    notice_channel: str | None
    metadata: str


VERSIONS: Final = Versioned("claims", _Row, free_text=("metadata",))
SQL: Final = Queries("projections", "claims.sql", VERSIONS.parts)
LEASES: Final = LeaseTables(SQL)
find_refusal: Final = LEASES.find_refusal
count_held: Final = LEASES.count_held


def _on_acquired(writer: Writer, event: Fact, data: ClaimAcquired) -> None:
    row = _Row(
        claim_key=data.claim_key,
        owner_agent_id=data.owner_agent_id,
        fencing_token=event.event_id,
        claimed_at=time_of(event, data.occurred_at),
        expires_at=data.expires_at,
        released_at=None,
        notice_channel=notice_channel(data.metadata),
        metadata=encode_json(data.metadata).decode() if data.metadata else "{}",
        thread_id=data.thread_id,
        task_message_id=data.task_message_id,
    )
    writer.replace(VERSIONS, data.claim_key, Version(event.event_id, row))


def _on_refreshed(writer: Writer, event: Fact, data: ClaimRefreshed) -> None:
    current = writer.find(VERSIONS, data.claim_key)
    if current is not None:
        row = replace(current.row, expires_at=data.expires_at, released_at=None)
        writer.replace_found(VERSIONS, data.claim_key, current, Version(event.event_id, row))


def _on_released(writer: Writer, event: Fact, data: ClaimReleased) -> None:
    _release(writer, event, data.claim_key, time_of(event, data.occurred_at))


def _on_expired(writer: Writer, event: Fact, data: SessionExpired) -> None:
    for claim in data.claims:
        _release(writer, event, claim.claim_key, event.recorded_at)


def _release(writer: Writer, event: Fact, claim_key: str, released_at: int) -> None:
    current = writer.find(VERSIONS, claim_key)
    if current is not None:
        row = replace(current.row, released_at=released_at)
        writer.replace_found(VERSIONS, claim_key, current, Version(event.event_id, row))


def _on_handed_over(writer: Writer, event: Fact, data: ClaimHandedOver) -> None:
    current = writer.find(VERSIONS, data.claim_key)
    if current is not None:
        row = replace(
            current.row,
            owner_agent_id=data.to_agent_id,
            fencing_token=event.event_id,
            claimed_at=event.recorded_at,
            released_at=None,
        )
        writer.replace_found(VERSIONS, data.claim_key, current, Version(event.event_id, row))


def _on_task(writer: Writer, event: Fact, data: TaskCompleted | TaskFailed | TaskCancelled | TaskLapsed) -> None:
    if data.freed_token is not None:
        _free(writer, event, data.task_id, data.freed_token)


def _on_posted(writer: Writer, event: Fact, data: MessagePosted) -> None:
    if data.freed_token is not None and data.freed_task_id is not None:
        _free(writer, event, data.freed_task_id, data.freed_token)


def _free(writer: Writer, event: Fact, task_id: int, token: int) -> None:
    """The lease on a task ends with what became of the task."""
    current = writer.find(VERSIONS, claim_key_of(task_id))
    if current is not None and current.row.fencing_token == token and current.row.released_at is None:
        _release(writer, event, claim_key_of(task_id), event.recorded_at)


def _on_refused(writer: Writer, event: Fact, data: ClaimRefused) -> None:
    if not data.circle:  # of these `deadlocks` tells
        writer.write(SQL["refuse"], (data.fencing_token, data.asker_agent_id, event.event_id))


PROJECTOR: Final = Projector(
    name="claims",
    version=6,
    tables=("claims", "claim_refusals"),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={
        ClaimAcquired: _on_acquired,
        ClaimRefreshed: _on_refreshed,
        ClaimReleased: _on_released,
        ClaimHandedOver: _on_handed_over,
        ClaimRefused: _on_refused,
        SessionExpired: _on_expired,
        MessagePosted: Some(is_of_task, _on_posted),
        TaskCompleted: _on_task,
        TaskFailed: _on_task,
        TaskCancelled: _on_task,
        TaskLapsed: _on_task,
    },
)


def find_claim(connection: apsw.Connection, claim_key: str, at: AsOf) -> Claim | None:
    """The claim of that name as it was left last, released or not."""
    row = VERSIONS.find_at(connection, claim_key, at)
    return None if row is None else _claim(row)


def find_token_at(connection: apsw.Connection, task_id: int, moment: int, at: AsOf) -> int | None:
    """The last lease on a task, if it stood at a moment, the moment of its end included."""
    row = VERSIONS.find_at(connection, claim_key_of(task_id), at)
    if row is None or min(row.expires_at, row.expires_at if row.released_at is None else row.released_at) < moment:
        return None
    return row.fencing_token


def find_current(writer: Writer, claim_key: str) -> Claim | None:
    """The claim of that name as it is now, as the writer knows it."""
    current = writer.find(VERSIONS, claim_key)
    return None if current is None else _claim(current.row)


def list_held(
    connection: apsw.Connection, agent_id: str, now: int, before: int, limit: int, most_bytes: int
) -> list[HeldClaim]:
    """What an agent holds at present, as `LeaseTables.read_held` finds it."""
    rows = LEASES.read_held(connection, agent_id, now, before, limit, most_bytes)
    return [HeldClaim(*row) for row in rows]


def list_standing(connection: apsw.Connection, at: AsOf) -> list[Holding]:
    """All that was held at a moment, as the rules see it."""
    rows = connection.execute(SQL["list_standing"], at.bindings())
    return [Holding("claim", key, agent_id, "exclusive", token, until) for key, agent_id, token, until in rows]


def list_claims(
    connection: apsw.Connection, at: AsOf, thread_id: str | None = None, active_only: bool = False
) -> list[Claim]:
    """All claims, oldest grant first; of one thread, or only those that are active, when asked."""
    return list(each_claim(connection, at, thread_id, active_only))


def each_claim(
    connection: apsw.Connection, at: AsOf, thread_id: str | None = None, active_only: bool = False
) -> Iterator[Claim]:
    """The same one by one: no more are read than are taken."""
    if thread_id is not None:
        return each_in_thread(connection, thread_id, at, active_only)
    query = SQL["list_active" if active_only else "list_all"]
    return map(_claim, VERSIONS.read(connection, query, at.bindings()))


def each_in_thread(connection: apsw.Connection, thread_id: str, at: AsOf, active_only: bool = False) -> Iterator[Claim]:
    """The claims of one thread one by one, oldest grant first; only those that are active, when asked."""
    bindings = at.bindings(thread_id=thread_id, active_only=active_only)
    return map(_claim, VERSIONS.read(connection, SQL["list_in_thread"], bindings))


def _claim(row: _Row) -> Claim:
    return Claim(
        row.claim_key,
        row.thread_id,
        row.task_message_id,
        row.owner_agent_id,
        timestamp(row.claimed_at),
        timestamp(row.expires_at),
        optional_timestamp(row.released_at),
        msgspec.Raw(row.metadata.encode()),
        row.fencing_token,
    )
