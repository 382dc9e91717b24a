"""Wakes: which agents were called, by which road, and whether they were seen."""

from typing import Any, Final

import apsw
from msgspec import Struct
from msgspec.structs import replace

from arclog.clock import NEVER
from arclog.codec import Fact
from arclog.deciders.wakes import OpenWake, State, due_at
from arclog.events import AgentDark, WakeAcknowledged, WakeFailed, WakeRequested, WakeSeen, WakeSent
from arclog.events.wakes import OnWake, Turn
from arclog.sqlite.queries import Queries
from arclog.sqlite.reads import NO_END, Filter, read_from_end
from projections.intervals import AsOf
from projections.projector import Projector, Writer
from projections.times import timestamp
from projections.versions import Version, Versioned

OWN_EVENTS: Final = (
    WakeSent.type,
    WakeFailed.type,
    WakeSeen.type,
    WakeAcknowledged.type,
)
"""What those who call an agent say in its name; it is no sign that the agent is there."""


class Wake(Struct, frozen=True):
    """A wake as it goes over the wire.

    Attributes:
        wake_id: its id.
        agent_id: who is to wake.
        from_agent: who asked for it.
        message_id: the message that it is to wake for.
        state: how far it has come.
        turn: whose turn it is to call the agent, or was at last: `harness` or `watch`.
        road: how it was called at last.
        requested_at: when it was asked for.
        changed_at: since when it is in this state.
    """

    wake_id: int
    agent_id: str
    from_agent: str
    message_id: int | None
    state: State
    turn: Turn
    road: str | None
    requested_at: str
    changed_at: str


class _Row(Struct, frozen=True, gc=False):
    """What a row says; times in microseconds."""

    wake_id: int
    agent_id: str
    from_agent: str
    message_id: int | None
    state: State
    turn: Turn
    road: str | None
    requested_at: int
    changed_at: int
    due_at: int | None


VERSIONS: Final = Versioned("wakes", _Row)
SQL: Final = Queries("projections", "wakes.sql", VERSIONS.parts)


def _on_requested(writer: Writer, event: Fact, data: WakeRequested) -> None:
    now = event.recorded_at
    due = due_at("harness", now, sent=False)
    row = _Row(
        event.event_id, data.agent_id, data.from_agent, data.message_id, "requested", "harness", None, now, now, due
    )
    writer.add(VERSIONS, event.event_id, Version(event.event_id, row))


def _on_sent(writer: Writer, event: Fact, data: WakeSent) -> None:
    _change(writer, event, data, "sent", road=data.road)


def _on_failed(writer: Writer, event: Fact, data: WakeFailed) -> None:
    _change(writer, event, data, "requested", turn=data.next_turn)


def _on_seen(writer: Writer, event: Fact, data: WakeSeen) -> None:
    _change(writer, event, data, "seen")


def _on_acknowledged(writer: Writer, event: Fact, data: WakeAcknowledged) -> None:
    _change(writer, event, data, "acknowledged")


def _on_dark(writer: Writer, event: Fact, data: AgentDark) -> None:
    _change(writer, event, data, "dark")


def _change(
    writer: Writer, event: Fact, data: OnWake, state: State, *, turn: Turn | None = None, road: str | None = None
) -> None:
    current = writer.find(VERSIONS, data.wake_id)
    if current is None:
        return
    row, now = current.row, event.recorded_at
    due: int | None = None
    if state == "sent":
        due = due_at(row.turn, now, sent=True)
    elif state == "requested":  # the last turn has failed where no other is named
        due = now if turn is None else due_at(turn, now, sent=False)
    changed = replace(row, state=state, turn=turn or row.turn, road=road or row.road, changed_at=now, due_at=due)
    writer.replace_found(VERSIONS, data.wake_id, current, Version(event.event_id, changed))


PROJECTOR: Final = Projector(
    name="wakes",
    version=1,
    tables=("wakes",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={
        WakeRequested: _on_requested,
        WakeSent: _on_sent,
        WakeFailed: _on_failed,
        WakeSeen: _on_seen,
        WakeAcknowledged: _on_acknowledged,
        AgentDark: _on_dark,
    },
)


CONCERNING_WAKES: Final = frozenset(event_class.type for event_class in PROJECTOR.handlers)


def find_wake(connection: apsw.Connection, wake_id: int, at: AsOf) -> Wake | None:
    """A wake by its id."""
    row = VERSIONS.find_at(connection, wake_id, at)
    return None if row is None else _wake(row)


def list_wakes(
    connection: apsw.Connection, at: AsOf, most: int, agent_id: str | None = None, *, called: bool = False
) -> list[Wake]:
    """Wakes, the newest first, at most `most`.

    Args:
        connection: any connection on the storage.
        at: the moment.
        most: how many at most.
        agent_id: only those of this agent.
        called: only those that are on their way.
    """
    bindings = at.bindings(agent_id=agent_id, called=called, most=most)
    return [_wake(row) for row in VERSIONS.read(connection, SQL["list"], bindings)]


def find_open(connection: apsw.Connection, wake_id: int, at: AsOf) -> OpenWake | None:
    """What the rules need to know of a wake."""
    row = VERSIONS.find_at(connection, wake_id, at)
    return None if row is None else _open(row)


def find_last(connection: apsw.Connection, agent_id: str) -> OpenWake | None:
    """An agent's last wake at present."""
    rows = list(VERSIONS.read(connection, SQL["find_last"], {"agent_id": agent_id}))
    return _open(rows[0]) if rows else None


def list_due(connection: apsw.Connection, now: int, most: int) -> list[tuple[OpenWake, int]]:
    """Wakes whose time is over, each with the event at which it was last changed or sent."""
    rows: list[tuple[Any, ...]] = connection.execute(SQL["list_due"], {"now": now, "most": most}).fetchall()
    return [(_open(_Row(*row)), from_event) for from_event, *row in rows]


def find_next_due(connection: apsw.Connection) -> int:
    """When the next wake's time is over; `NEVER` when none is on its way."""
    return int(connection.execute(SQL["find_next_due"], {"never": NEVER}).get)


def did_anything(connection: apsw.Connection, agent_id: str, after: int, until: int = NO_END) -> bool:
    """Whether an agent did anything after an event, apart from what is said in its name about a wake."""
    last = next(read_from_end(connection, 1, Filter(actor=agent_id, without=OWN_EVENTS), until), None)
    return last is not None and last.event_id > after


def list_dark(connection: apsw.Connection, at: AsOf, most: int) -> list[Wake]:
    """The last wakes of agents that count as dark, the newest first: they have done nothing since."""
    found = {}
    for row in VERSIONS.read(connection, SQL["list_dark"], at.bindings(most=most)):
        if row.agent_id not in found and not did_anything(connection, row.agent_id, row.wake_id, at.at):
            found[row.agent_id] = _wake(row)
    return list(found.values())


def find_dark(connection: apsw.Connection, agent_id: str, at: AsOf) -> Wake | None:
    """The wake since which an agent counts as dark; None where it does not."""
    last = next(iter(list_wakes(connection, at, 1, agent_id)), None)
    if last is None or last.state != "dark" or did_anything(connection, agent_id, last.wake_id, at.at):
        return None
    return last


def _open(row: _Row) -> OpenWake:
    return OpenWake(row.wake_id, row.agent_id, row.state, row.turn)


def _wake(row: _Row) -> Wake:
    return Wake(
        row.wake_id,
        row.agent_id,
        row.from_agent,
        row.message_id,
        row.state,
        row.turn,
        row.road,
        timestamp(row.requested_at),
        timestamp(row.changed_at),
    )
