"""Receipts: messages that ask to be acknowledged, and whether they were."""

from typing import Final, Literal

import apsw
from msgspec import Struct
from msgspec.structs import replace

from arclog.codec import Fact
from arclog.deciders.receipts import AskedReceipt
from arclog.events import InboxAcknowledged, MessagePosted
from arclog.sqlite.queries import Queries
from projections.intervals import AsOf
from projections.projector import Projector, Some, Writer
from projections.times import optional_timestamp, timestamp
from projections.versions import Version, Versioned

How = Literal["ack", "reply"]


class Receipt(Struct, frozen=True):
    """How it stands with one message.

    Attributes:
        message_id: the message.
        to_agent: who is to acknowledge it.
        from_agent: who asked.
        asked_at: since when it is asked for.
        ack_by: by when; None without a time.
        acknowledged_at: when it was; None when it was not yet.
        how: by an acknowledgement, or by a reply.
        overdue: whether the time is over, and nothing came.
    """

    message_id: int
    to_agent: str
    from_agent: str
    asked_at: str
    ack_by: str | None
    acknowledged_at: str | None
    how: How | None
    overdue: bool


class _Row(Struct, frozen=True, gc=False):
    """What a row says; times in microseconds."""

    message_id: int
    to_agent: str
    from_agent: str
    asked_at: int
    ack_by: int | None
    acknowledged_at: int | None
    how: How | None


VERSIONS: Final = Versioned("receipts", _Row)
SQL: Final = Queries("projections", "receipts.sql", VERSIONS.parts)


def _on_posted(writer: Writer, event: Fact, data: MessagePosted) -> None:
    if data.handling is not None and data.handling.ack and data.to_agent is not None:
        row = _Row(event.event_id, data.to_agent, data.from_agent, event.recorded_at, data.handling.ack_by, None, None)
        writer.add(VERSIONS, event.event_id, Version(event.event_id, row))
    if data.reply_to is not None:
        _acknowledge(writer, event, data.reply_to, data.from_agent, "reply")


def _on_acknowledged(writer: Writer, event: Fact, data: InboxAcknowledged) -> None:
    for message_id in data.message_ids:
        _acknowledge(writer, event, message_id, data.agent_id, "ack")


def _acknowledge(writer: Writer, event: Fact, message_id: int, agent_id: str, how: How) -> None:
    current = writer.find(VERSIONS, message_id)
    if current is not None and current.row.acknowledged_at is None and current.row.to_agent == agent_id:
        row = replace(current.row, acknowledged_at=event.recorded_at, how=how)
        writer.replace_found(VERSIONS, message_id, current, Version(event.event_id, row))


PROJECTOR: Final = Projector(
    name="receipts",
    version=2,
    tables=("receipts",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={MessagePosted: Some(("handling", "reply_to"), _on_posted), InboxAcknowledged: _on_acknowledged},
)


def find_receipt(connection: apsw.Connection, message_id: int, at: AsOf) -> Receipt | None:
    """How it stands with one message; None when it asks for nothing."""
    row = VERSIONS.find_at(connection, message_id, at)
    return None if row is None else _receipt(row, at)


def find_asked(connection: apsw.Connection, message_id: int, at: AsOf) -> AskedReceipt | None:
    """What the rules need to know of it."""
    row = VERSIONS.find_at(connection, message_id, at)
    return None if row is None else AskedReceipt(row.message_id, row.to_agent, row.acknowledged_at is not None)


def list_wanted(
    connection: apsw.Connection,
    at: AsOf,
    most: int,
    *,
    to_agent: str | None = None,
    from_agent: str | None = None,
    after: int = 0,
) -> list[Receipt]:
    """What was not acknowledged yet, oldest first; at most `most`.

    Args:
        connection: any connection on the storage.
        at: the moment.
        most: how many at most.
        to_agent: only what this agent is to acknowledge.
        from_agent: only what this agent wants acknowledged.
        after: only messages with greater ids.
    """
    if not at.is_live:
        query = "list_wanted_at"
    elif to_agent is not None:
        query = "list_wanted_of"
    else:
        query = "list_wanted" if from_agent is None else "list_wanted_by"
    bindings = at.bindings(to_agent=to_agent, from_agent=from_agent, most=most, after=after)
    return [_receipt(row, at) for row in VERSIONS.read(connection, SQL[query], bindings)]


def list_overdue(
    connection: apsw.Connection, at: AsOf, most: int, *, to_agent: str | None = None, from_agent: str | None = None
) -> list[Receipt]:
    """What was not acknowledged in its time, the longest ago first; else as `list_wanted`."""
    bindings = at.bindings(to_agent=to_agent, from_agent=from_agent, most=most)
    query = SQL["list_overdue" if at.is_live else "list_overdue_at"]
    return [_receipt(row, at) for row in VERSIONS.read(connection, query, bindings)]


def _receipt(row: _Row, at: AsOf) -> Receipt:
    late = row.acknowledged_at is None and row.ack_by is not None and row.ack_by < at.now
    return Receipt(
        row.message_id,
        row.to_agent,
        row.from_agent,
        timestamp(row.asked_at),
        optional_timestamp(row.ack_by),
        optional_timestamp(row.acknowledged_at),
        row.how,
        late,
    )
