"""Claims: who holds what now, and who held it at any event before."""

from typing import Any, Final

import apsw
import msgspec
from msgspec import Struct

from arclog.deciders.claims import HeldClaim
from arclog.events import ClaimAcquired, ClaimRefreshed, ClaimRefused, ClaimReleased
from arclog.queries import Queries
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.projector import Fact, Projector, Writer, time_of
from projections.times import optional_timestamp, timestamp

SQL: Final = Queries("projections", "claims.sql")


class Claim(Struct, frozen=True):
    """A claim as the wire has it; `fencing_token` is the event id of its grant."""

    claim_key: str
    thread_id: str | None
    task_message_id: int | None
    owner_agent_id: str
    claimed_at: str
    expires_at: str
    released_at: str | None
    metadata: msgspec.Raw
    fencing_token: int


def _on_acquired(writer: Writer, event: Fact, data: ClaimAcquired) -> None:
    writer.write(SQL["close"], {"key": data.claim_key, "event_id": event.event_id})
    writer.write(
        SQL["grant"],
        (
            data.claim_key,
            event.event_id,
            data.owner_agent_id,
            event.event_id,
            time_of(event, data.occurred_at),
            data.expires_at,
            encode_json(data.metadata).decode(),
            data.thread_id,
            data.task_message_id,
        ),
    )


def _on_refreshed(writer: Writer, event: Fact, data: ClaimRefreshed) -> None:
    bindings = {"key": data.claim_key, "event_id": event.event_id, "expires_at": data.expires_at}
    writer.write(SQL["close"], bindings)
    writer.write(SQL["prolong"], bindings)


def _on_released(writer: Writer, event: Fact, data: ClaimReleased) -> None:
    bindings = {"key": data.claim_key, "event_id": event.event_id, "released_at": time_of(event, data.occurred_at)}
    writer.write(SQL["close"], bindings)
    writer.write(SQL["release"], bindings)


def _on_refused(writer: Writer, event: Fact, data: ClaimRefused) -> None:
    writer.write(SQL["refuse"], (data.fencing_token, data.asker_agent_id, event.event_id))


PROJECTOR: Final = Projector(
    name="claims",
    version=1,
    tables=("claims", "claim_refusals"),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={
        ClaimAcquired: _on_acquired,
        ClaimRefreshed: _on_refreshed,
        ClaimReleased: _on_released,
        ClaimRefused: _on_refused,
    },
)


def find_claim(connection: apsw.Connection, claim_key: str, at: AsOf) -> Claim | None:
    """The claim of that name as it was left last, released or not."""
    row = connection.execute(SQL["find"], {"key": claim_key, "at": at.at}).fetchone()
    return None if row is None else _claim(row)


def find_held(connection: apsw.Connection, claim_key: str, at: AsOf) -> HeldClaim | None:
    """What the rules need to know of a claim that was granted and not released."""
    row = connection.execute(SQL["find"], {"key": claim_key, "at": at.at}).fetchone()
    return None if row is None or row[5] is not None else _held(row)


def find_refusal(connection: apsw.Connection, fencing_token: int, asker_agent_id: str) -> int | None:
    """The event that refused this grant to this asker."""
    found = connection.execute(SQL["find_refusal"], (fencing_token, asker_agent_id)).get
    return None if found is None else int(found)


def list_held(connection: apsw.Connection, agent_id: str, now: int) -> list[HeldClaim]:
    """What an agent holds at present, oldest grant first."""
    return [_held(row) for row in connection.execute(SQL["list_held"], {"agent_id": agent_id, "now": now})]


def list_claims(
    connection: apsw.Connection, at: AsOf, thread_id: str | None = None, active_only: bool = False
) -> list[Claim]:
    """All claims, oldest grant first; of one thread, or only those that are active, when asked."""
    query = SQL["list_active" if active_only else "list_all"]
    return [_claim(row) for row in connection.execute(query, at.bindings(thread_id=thread_id))]


def list_in_thread(connection: apsw.Connection, thread_id: str, at: AsOf) -> list[Claim]:
    """The claims of one thread, oldest grant first."""
    return [_claim(row) for row in connection.execute(SQL["list_in_thread"], at.bindings(thread_id=thread_id))]


def _claim(row: tuple[Any, ...]) -> Claim:
    claim_key, owner, token, claimed_at, expires_at, released_at, metadata, thread_id, task_message_id = row
    return Claim(
        claim_key,
        thread_id,
        task_message_id,
        owner,
        timestamp(claimed_at),
        timestamp(expires_at),
        optional_timestamp(released_at),
        msgspec.Raw(metadata.encode()),
        token,
    )


def _held(row: tuple[Any, ...]) -> HeldClaim:
    claim_key, owner, token, _claimed_at, expires_at, _released_at, metadata, thread_id, task_message_id = row
    channel = msgspec.json.decode(metadata).get("channel")
    return HeldClaim(
        claim_key,
        owner,
        token,
        expires_at,
        thread_id,
        task_message_id,
        notice_channel=channel if isinstance(channel, str) else None,
    )
