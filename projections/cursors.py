"""Cursors: how far an agent has read, where it has the hub remember that."""

from typing import Final

import apsw
from msgspec import Struct

from arclog.codec import Fact
from arclog.events import CursorsMoved
from arclog.sqlite.queries import Queries
from projections.intervals import AsOf
from projections.projector import Projector, Writer
from projections.versions import Version, Versioned


class _Row(Struct, frozen=True, gc=False):
    """What a row says."""

    cursor: str
    position: int


VERSIONS: Final = Versioned("cursors", _Row)
SQL: Final = Queries("projections", "cursors.sql", VERSIONS.parts)


def _on_moved(writer: Writer, event: Fact, data: CursorsMoved) -> None:
    for one in data.positions:
        key = key_of(one.agent_id, one.name)
        writer.replace(VERSIONS, key, Version(event.event_id, _Row(key, one.position)))


PROJECTOR: Final = Projector(
    name="cursors",
    version=1,
    tables=("cursors",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={CursorsMoved: _on_moved},
)


def key_of(agent_id: str, name: str) -> str:
    """The key of a cursor: neither an agent's id nor a name can hold a tab."""
    return f"{agent_id}\t{name}"


def find_position(connection: apsw.Connection, agent_id: str, name: str, at: AsOf) -> int | None:
    """The last message that a cursor has passed; None when there is no such cursor."""
    row = VERSIONS.find_at(connection, key_of(agent_id, name), at)
    return None if row is None else row.position
