"""Sessions: who is here.

A session's `last_seen` is when its agent last did anything at all. The log knows that from its index on actors, so no
row is rewritten at each call.
"""

from typing import Any, Final

import apsw
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from arclog.deciders.sessions import LiveSession
from arclog.events import SessionClosed, SessionExpired, SessionOpened, SessionRenamed
from arclog.sqlite.log import NO_END
from arclog.sqlite.lookup import find_last_seen
from arclog.sqlite.queries import Queries
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.projector import Fact, Projector, Writer, time_of
from projections.times import timestamp
from projections.versions import Version, Versioned

SQL: Final = Queries("projections", "sessions.sql")


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
    capabilities: str
    metadata: str
    created_at: int
    active: int


_VERSIONS: Final = Versioned("sessions", _Row, SQL, free_text=("capabilities", "metadata"))


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
    writer.replace(_VERSIONS, data.agent_id, Version(event.event_id, row))


def _on_renamed(writer: Writer, event: Fact, data: SessionRenamed) -> None:
    present = writer.find(_VERSIONS, data.agent_id)
    if present is not None:
        row = replace(present.row, display_name=data.display_name)
        writer.replace(_VERSIONS, data.agent_id, Version(event.event_id, row))


def _on_ended(writer: Writer, event: Fact, data: SessionClosed | SessionExpired) -> None:
    present = writer.find(_VERSIONS, data.agent_id)
    if present is not None:
        writer.replace(_VERSIONS, data.agent_id, Version(event.event_id, replace(present.row, active=0)))


PROJECTOR: Final = Projector(
    name="sessions",
    version=1,
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
    row = connection.execute(SQL["find"], {"agent_id": agent_id, "at": at.at}).fetchone()
    return _session(connection, row, at.at) if row is not None and row[6] else None


def list_sessions(connection: apsw.Connection, at: AsOf, capability: str | None = None) -> list[Session]:
    """Live sessions by agent id; those that have `capability`, when it is given."""
    rows = connection.execute(SQL["list_live"], at.bindings()).fetchall()
    sessions = [_session(connection, row, at.at) for row in rows]
    return [session for session in sessions if capability is None or capability in session.capabilities]


def find_live(connection: apsw.Connection, agent_id: str, at: AsOf) -> LiveSession | None:
    """What the rules need to know of an agent's live session."""
    row = connection.execute(SQL["find"], {"agent_id": agent_id, "at": at.at}).fetchone()
    return _live(connection, row) if row is not None and row[6] else None


def find_live_by_id(connection: apsw.Connection, session_id: str) -> LiveSession | None:
    """What the rules need to know of a live session, found by its own id."""
    row = connection.execute(SQL["find_live_by_id"], {"session_id": session_id}).fetchone()
    return None if row is None else _live(connection, row)


def list_live(connection: apsw.Connection, at: AsOf) -> list[LiveSession]:
    """All live sessions as the rules see them, by agent id."""
    return [_live(connection, row) for row in connection.execute(SQL["list_live"], at.bindings()).fetchall()]


def _live(connection: apsw.Connection, row: tuple[Any, ...]) -> LiveSession:
    agent_id, session_id, *_middle, created_at, _active = row
    return LiveSession(session_id, agent_id, find_last_seen(connection, agent_id, NO_END) or created_at)


def _session(connection: apsw.Connection, row: tuple[Any, ...], at: int) -> Session:
    agent_id, session_id, display_name, capabilities, metadata, created_at, active = row
    last_seen = find_last_seen(connection, agent_id, at) or created_at
    return Session(
        session_id,
        agent_id,
        display_name,
        msgspec.json.decode(capabilities, type=list[str]),
        msgspec.Raw(metadata.encode()),
        timestamp(created_at),
        timestamp(last_seen),
        bool(active),
    )
