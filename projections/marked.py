"""Marked messages: those in which something looks like a key, until it is erased."""

from typing import Final

import apsw

from arclog.codec import Fact
from arclog.events import MessagePosted, TasksOpened
from arclog.sqlite.queries import Queries
from projections.intervals import AsOf
from projections.projector import Projector, Some, Writer, for_each_message

SQL: Final = Queries("projections", "marked.sql")


def _on_posted(writer: Writer, event: Fact, data: MessagePosted) -> None:
    handling = data.handling
    if handling is not None and handling.looks_like_a_secret and not handling.erased:
        writer.write(SQL["mark"], (event.event_id, data.from_agent))


PROJECTOR: Final = Projector(
    name="marked",
    version=1,
    tables=("marked_messages",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={MessagePosted: Some(("handling",), _on_posted), TasksOpened: for_each_message(_on_posted)},
)


def list_marked(connection: apsw.Connection, at: AsOf, limit: int) -> list[tuple[int, str]]:
    """The messages that are marked, the newest first: each one's id, and who posted it."""
    return [(int(row[0]), str(row[1])) for row in connection.execute(SQL["list"], {"at": at.at, "limit": limit})]
