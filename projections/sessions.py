"""Sessions: who is here.

A session's `last_seen` is when its agent last did anything at all. The log knows that from its index on actors, so no
row is rewritten at each call.
"""

from collections.abc import Iterator
from typing import Final

import apsw
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from arclog.codec import Fact
from arclog.deciders.sessions import LiveSession
from arclog.events import SessionClosed, SessionExpired, SessionOpened, SessionRenamed
from arclog.sqlite.queries import Queries
from arclog.sqlite.reads import NO_END, find_last_seen
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.projector import Projector, Writer, time_of
from projections.times import timestamp
from projections.versions import Version, Versioned


class Session(Struct, frozen=True):
    """A session as the wire has it."""

    session_id: str
    agent_id: str
    display_name: str
    capabilities: list[str]
    metadata: msgspec.Raw
    created_at: str
    last_seen: str
    active: bool


class _Row(Struct, frozen=True, gc=False):
    """What a row says; `active` is 0 once the session is over."""

    agent_id: str
    session_id: str
    display_name: str
    created_at: int
    active: int
    capabilities: str
    metadata: str


VERSIONS: Final = Versioned("sessions", _Row, free_text=("capabilities", "metadata"))
SQL: Final = Queries("projections", "sessions.sql", VERSIONS.parts)


def _on_opened(writer: Writer, event: Fact, data: SessionOpened) -> None:
    row = _Row(
        agent_id=data.agent_id,
        session_id=data.session_id,
        display_name=data.display_name,
        capabilities=encode_json(data.capabilities).decode(),
        metadata=encode_json(data.metadata).decode(),
        created_at=time_of(event, data.occurred_at),
        active=1,
    )
    writer.replace(VERSIONS, data.agent_id, Version(event.event_id, row))


def _on_renamed(writer: Writer, event: Fact, data: SessionRenamed) -> None:
    current = writer.find(VERSIONS, data.agent_id)
    if current is not None:
        row = replace(current.row, display_name=data.display_name)
        writer.replace(VERSIONS, data.agent_id, Version(event.event_id, row))


def _on_ended(writer: Writer, event: Fact, data: SessionClosed | SessionExpired) -> None:
    current = writer.find(VERSIONS, data.agent_id)
    if current is not None:
        writer.replace(VERSIONS, data.agent_id, Version(event.event_id, replace(current.row, active=0)))


PROJECTOR: Final = Projector(
    name="sessions",
    version=3,
    tables=("sessions",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={
        SessionOpened: _on_opened,
        SessionRenamed: _on_renamed,
        SessionClosed: _on_ended,
        SessionExpired: _on_ended,
    },
)


def find_session(connection: apsw.Connection, agent_id: str, at: AsOf) -> Session | None:
    """An agent's live session."""
    row = VERSIONS.find_at(connection, agent_id, at)
    return _session(connection, row, at) if row is not None and row.active else None


def list_sessions(connection: apsw.Connection, at: AsOf, capability: str | None = None) -> list[Session]:
    """Live sessions by agent id; those that have `capability`, when it is given."""
    return list(each_session(connection, at, capability))


def each_session(connection: apsw.Connection, at: AsOf, capability: str | None = None) -> Iterator[Session]:
    """The same one by one: no more are read than are taken."""
    query = "list_live" if capability is None else "list_capable"
    rows = VERSIONS.read(connection, SQL[query], at.bindings(capability=capability))
    return (_session(connection, row, at) for row in rows)


def find_live(connection: apsw.Connection, agent_id: str, at: AsOf) -> LiveSession | None:
    """What the rules need to know of an agent's live session."""
    row = VERSIONS.find_at(connection, agent_id, at)
    return _live(connection, row) if row is not None and row.active else None


def find_live_by_id(connection: apsw.Connection, session_id: str) -> LiveSession | None:
    """What the rules need to know of a live session, found by its own id."""
    rows = list(VERSIONS.read(connection, SQL["find_live_by_id"], {"session_id": session_id}))
    return _live(connection, rows[0]) if rows else None


def list_live(connection: apsw.Connection, at: AsOf) -> list[LiveSession]:
    """All live sessions as the rules see them, by agent id."""
    return [_live(connection, row) for row in VERSIONS.read(connection, SQL["list_live"], at.bindings())]


def _live(connection: apsw.Connection, row: _Row) -> LiveSession:
    last_seen_at = find_last_seen(connection, row.agent_id, NO_END)
    return LiveSession(row.session_id, row.agent_id, last_seen_at or row.created_at)


def _session(connection: apsw.Connection, row: _Row, at: AsOf) -> Session:
    last_seen_at = find_last_seen(connection, row.agent_id, at.at)
    return Session(
        row.session_id,
        row.agent_id,
        row.display_name,
        msgspec.json.decode(row.capabilities, type=list[str]),
        msgspec.Raw(row.metadata.encode()),
        timestamp(row.created_at),
        timestamp(last_seen_at or row.created_at),
        bool(row.active),
    )
