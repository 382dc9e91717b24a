"""Sessions: who is here.

A session's `last_seen` is when its agent last did anything at all, or when a hub last vouched for it. The log knows
both from its indexes, so no row is rewritten at each call.
"""

from collections.abc import Iterator
from typing import Final

import apsw
import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from arclog.codec import Fact
from arclog.deciders.families import SEPARATOR
from arclog.deciders.sessions import LiveSession
from arclog.events import SessionClosed, SessionExpired, SessionOpened, SessionRenamed
from arclog.events.processes import Process
from arclog.sqlite.queries import Queries
from arclog.sqlite.reads import NO_END, find_last_seen
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.projector import Projector, Writer, time_of
from projections.times import timestamp
from projections.versions import Version, Versioned
from projections.vouches import LastVouches


class Session(Struct, frozen=True):
    """A session as it goes over the wire."""

    session_id: str
    agent_id: str
    display_name: str
    capabilities: list[str]
    metadata: msgspec.Raw
    created_at: str
    last_seen: str
    active: bool
    root: str | UnsetType = UNSET
    parent: str | UnsetType = UNSET


class _Row(Struct, frozen=True, gc=False):
    """What a row says.

    `active` is 0 once the session is over; `left_at` is when its agent ended it, until what it held is taken back.
    """

    agent_id: str
    session_id: str
    display_name: str
    created_at: int
    active: int
    left_at: int | None
    process: str | None
    root: str | None
    parent: str | None
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
        left_at=None,
        process=None if data.process is None else encode_json(data.process).decode(),
        root=data.root,
        parent=data.parent,
    )
    writer.replace(VERSIONS, data.agent_id, Version(event.event_id, row))


def _on_renamed(writer: Writer, event: Fact, data: SessionRenamed) -> None:
    current = writer.find(VERSIONS, data.agent_id)
    if current is not None:
        row = replace(current.row, display_name=data.display_name)
        writer.replace_found(VERSIONS, data.agent_id, current, Version(event.event_id, row))


def _on_closed(writer: Writer, event: Fact, data: SessionClosed) -> None:
    _end(writer, event, data.agent_id, event.recorded_at)


def _on_expired(writer: Writer, event: Fact, data: SessionExpired) -> None:
    _end(writer, event, data.agent_id, data.last_seen_at if data.more else None)


def _end(writer: Writer, event: Fact, agent_id: str, left_at: int | None) -> None:
    current = writer.find(VERSIONS, agent_id)
    if current is not None:
        row = replace(current.row, active=0, left_at=left_at)
        writer.replace_found(VERSIONS, agent_id, current, Version(event.event_id, row))


PROJECTOR: Final = Projector(
    name="sessions",
    version=7,
    tables=("sessions",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={
        SessionOpened: _on_opened,
        SessionRenamed: _on_renamed,
        SessionClosed: _on_closed,
        SessionExpired: _on_expired,
    },
)


class Ended(Struct, frozen=True):
    """A session that its agent has ended.

    Attributes:
        agent_id: the agent.
        session_id: the session.
        event_id: the event that ended it.
        left_at: when, in microseconds.
    """

    agent_id: str
    session_id: str
    event_id: int
    left_at: int


def find_session(connection: apsw.Connection, agent_id: str, at: AsOf) -> Session | None:
    """An agent's live session."""
    row = VERSIONS.find_at(connection, agent_id, at)
    return _session(row, LastSeen(connection, at.at)) if row is not None and row.active else None


def list_sessions(connection: apsw.Connection, at: AsOf, capability: str | None = None) -> list[Session]:
    """Live sessions by agent id; those that have `capability`, when it is given."""
    return list(each_session(connection, at, capability))


def each_session(connection: apsw.Connection, at: AsOf, capability: str | None = None) -> Iterator[Session]:
    """The same one by one: no more are read than are taken."""
    query = "list_live" if capability is None else "list_capable"
    rows = VERSIONS.read(connection, SQL[query], at.bindings(capability=capability))
    last_seen = LastSeen(connection, at.at)
    return (_session(row, last_seen) for row in rows)


def find_live(connection: apsw.Connection, agent_id: str, at: AsOf) -> LiveSession | None:
    """What the rules need to know of an agent's live session."""
    row = VERSIONS.find_at(connection, agent_id, at)
    return _live(row, LastSeen(connection, NO_END)) if row is not None and row.active else None


def find_beginning(connection: apsw.Connection, agent_id: str, at: AsOf) -> int:
    """When an agent's live session began, in microseconds; 0 when it has none.

    A sub-agent that was silent for long registers again in the middle of its work: it began with its first session.
    """
    row = VERSIONS.find_at(connection, agent_id, at)
    if row is None or not row.active:
        return 0
    if row.parent is None:
        return row.created_at
    return int(connection.execute(SQL["find_first"], {"agent_id": agent_id, "at": at.at}).get)


def find_live_by_id(connection: apsw.Connection, session_id: str) -> LiveSession | None:
    """What the rules need to know of a live session, found by its own id."""
    rows = list(VERSIONS.read(connection, SQL["find_live_by_id"], {"session_id": session_id}))
    return _live(rows[0], LastSeen(connection, NO_END)) if rows else None


def find_expired(connection: apsw.Connection, session_id: str) -> str | None:
    """The agent of a session that ended in silence, if it has had no other since."""
    bindings = {"session_id": session_id, "expired": SessionExpired.type}
    row = connection.execute(SQL["find_expired"], bindings).fetchone()
    return None if row is None else str(row[0])


def list_live(connection: apsw.Connection, after: str = "", limit: int = -1) -> list[LiveSession]:
    """The live sessions at present as the rules see them, by agent id.

    Args:
        connection: any connection on the storage.
        after: only those of agents after this one.
        limit: at most so many; all when it is negative.
    """
    last_seen = LastSeen(connection, NO_END)
    rows = connection.execute(SQL["list_live_now"], {"after": after, "limit": limit})
    return [
        LiveSession(session_id, agent_id, last_seen.find(agent_id) or created_at)
        for agent_id, session_id, created_at in rows
    ]


def find_ended(connection: apsw.Connection, agent_id: str) -> Ended | None:
    """An agent's last session, if the agent ended it and what it held was not taken back yet."""
    row = connection.execute(SQL["find_ended"], (agent_id,)).fetchone()
    return None if row is None else Ended(*row)


def list_ended(connection: apsw.Connection, after: int) -> list[Ended]:
    """The same of all agents that left after an event, in order."""
    return [Ended(*row) for row in connection.execute(SQL["list_ended"], (after,))]


def list_processes(connection: apsw.Connection) -> list[tuple[str, Process]]:
    """The agents with a live session that was opened for a process, each with it."""
    rows = connection.execute(SQL["list_processes"])
    return [(agent_id, msgspec.json.decode(process, type=Process)) for agent_id, process in rows]


def list_roots(connection: apsw.Connection) -> dict[str, str]:
    """The folders that live sessions name, by their agents: what the paths of each are relative to."""
    return {str(agent_id): str(root) for agent_id, root in connection.execute(SQL["list_roots"])}


def find_parent(connection: apsw.Connection, agent_id: str, at: AsOf) -> str | None:
    """Whose sub-agent an agent is; None when nobody's."""
    row = VERSIONS.find_at(connection, agent_id, at) if SEPARATOR in agent_id else None
    return None if row is None else row.parent


def and_parent(connection: apsw.Connection, agent_id: str, at: AsOf) -> tuple[str, ...]:
    """An agent and, of a sub-agent, its parent: those whose locks do not stand in its way."""
    parent = find_parent(connection, agent_id, at)
    return (agent_id,) if parent is None else (agent_id, parent)


def are_related(connection: apsw.Connection, one: str, other: str, at: AsOf) -> bool:
    """Whether one of two agents is the other's parent."""
    return find_parent(connection, one, at) == other or find_parent(connection, other, at) == one


def list_sub_agents(connection: apsw.Connection, at: AsOf) -> list[tuple[str, str]]:
    """All agents that had ever registered as sub-agents at a moment, each with its parent."""
    rows = connection.execute(SQL["list_sub_agents"], at.bindings())
    return [(str(agent_id), str(parent)) for agent_id, parent in rows]


def list_live_below(connection: apsw.Connection, parent: str) -> list[LiveSession]:
    """The live sessions of an agent's sub-agents at present, by agent id."""
    rows = list(VERSIONS.read(connection, SQL["list_live_below"], {"parent": parent}))
    return [_live(row, LastSeen(connection, NO_END)) for row in rows]


def find_left_at(connection: apsw.Connection, agent_id: str, fencing_token: int, at: AsOf) -> int | None:
    """When the holder of a grant ended the session in which it held it, if it has not come back; microseconds."""
    row = connection.execute(
        SQL["find_left_at"], {"agent_id": agent_id, "token": fencing_token, "at": at.at}
    ).fetchone()
    return None if row is None else row[0]


def find_current_left_at(writer: Writer, agent_id: str, fencing_token: int) -> int | None:
    """The same at present, as the writer knows it."""
    current = writer.find(VERSIONS, agent_id)
    return None if current is None or current.from_event <= fencing_token else current.row.left_at


class LastSeen:
    """When agents were last there at one moment: with their own last event, or when a hub that has them vouched last.

    Args:
        connection: any connection on the storage.
        at: the event that the moment is right after.
    """

    def __init__(self, connection: apsw.Connection, at: int) -> None:
        self._connection = connection
        self._at = at
        self._vouches = LastVouches(connection, at)

    def find(self, agent_id: str) -> int | None:
        """When an agent was last there, in microseconds; None when it never was."""
        own, vouched = find_last_seen(self._connection, agent_id, self._at), self._vouches.find(agent_id)
        return own if vouched is None else max(own or 0, vouched)


def _live(row: _Row, last_seen: LastSeen) -> LiveSession:
    return LiveSession(row.session_id, row.agent_id, last_seen.find(row.agent_id) or row.created_at)


def _session(row: _Row, last_seen: LastSeen) -> Session:
    return Session(
        row.session_id,
        row.agent_id,
        row.display_name,
        msgspec.json.decode(row.capabilities, type=list[str]),
        msgspec.Raw(row.metadata.encode()),
        timestamp(row.created_at),
        timestamp(last_seen.find(row.agent_id) or row.created_at),
        bool(row.active),
        UNSET if row.root is None else row.root,
        UNSET if row.parent is None else row.parent,
    )
