"""Inbox: what was said to one agent alone."""

from typing import Final

import apsw

from arclog.codec import Fact
from arclog.events import Event, MessagePosted
from arclog.events.messages import SYSTEM
from arclog.limits import ANSWER_BYTES, PAGE_ROWS
from arclog.notices import NOTICE_FIELD, notices_of
from arclog.sqlite.queries import Queries
from projections.budget import Budget
from projections.intervals import AsOf
from projections.message_pages import Page, gather
from projections.projector import Projector, Some, Writer

SQL: Final = Queries("projections", "inbox.sql")


def _on_posted(writer: Writer, event: Fact, data: MessagePosted) -> None:
    if data.to_agent is not None:
        writer.write(SQL["deliver"], (data.to_agent, event.event_id, data.channel, data.from_agent))


def _on_noticed(writer: Writer, event: Fact, data: Event) -> None:
    notices = notices_of(data)
    for event_id, notice in enumerate(notices, event.event_id - len(notices) + 1):
        if notice.to_agent is not None:
            writer.write(SQL["deliver"], (notice.to_agent, event_id, notice.channel, SYSTEM))


PROJECTOR: Final = Projector(
    name="inbox",
    version=3,
    tables=("inbox",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={
        MessagePosted: Some(("to_agent",), _on_posted),
        **{kind: Some((field,), _on_noticed) for kind, field in NOTICE_FIELD.items()},
    },
)


def read_inbox(
    connection: apsw.Connection,
    agent_id: str,
    at: AsOf,
    since_id: int = 0,
    limit: int = PAGE_ROWS,
    tail: bool = False,
    max_bytes: int = ANSWER_BYTES,
) -> Page:
    """Messages to one agent, in order of their ids; the last `limit` of them with `tail`."""
    bindings = {"agent_id": agent_id, "at": at.at, "since_id": since_id, "limit": limit}
    return gather(connection, connection.execute(SQL["tail" if tail else "page"], bindings), Budget(max_bytes), tail)


def find_latest(connection: apsw.Connection, agent_id: str, at: AsOf) -> int:
    """The id of the last message to an agent, 0 when there is none."""
    found = connection.execute(SQL["find_latest"], {"agent_id": agent_id, "at": at.at}).get
    return 0 if found is None else int(found)
