"""Recorders and their storage, without a hub around them: what they are told, what they answer, what they kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec

from arclog.clock import LogClock, TimeSource
from arclog.codec import RecordedEvent
from arclog.deciders.fields import Limits
from arclog.deciders.hub import HubState
from arclog.deciders.messages import PostMessage
from arclog.digest import GENESIS
from arclog.engine import RemoteEngine
from arclog.errors import ArcError
from arclog.events import SessionExpired
from arclog.machine_time import MachineTime
from arclog.progress import no_progress
from arclog.sqlite.connection import open_connection
from arclog.sqlite.reads import read
from projections import message_pages, sessions
from projections.all_projectors import PROJECTORS
from projections.hub.calls import Call
from projections.hub.command_handlers import Command
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from projections.hub.tuning import Tuning
from projections.intervals import AsOf, as_of, live
from projections.message_pages import MessageQuery
from projections.rebuilding.differences import find_differences
from projections.rebuilding.rebuild import replay_into
from tests.support import shared_log
from tests.support.chains import find_break

PRESENCE_TTL = 120_000_000
TTL_SEC = PRESENCE_TTL / 1_000_000


@contextmanager
def recording(
    storage: Path,
    time: TimeSource | None = None,
    *,
    limits: Limits | None = None,
    presence_ttl: int = PRESENCE_TTL,
    hub: HubState | None = None,
    remote: RemoteEngine | None = None,
    **tuning: Any,
) -> Iterator[Recorder]:
    """A recorder that takes calls, stopped in the end; its log is kept by `remote`, or else by the file itself.

    `tuning` are the numbers of `projections.hub.tuning.Tuning` that are to differ.
    """
    if remote is None:
        storage, remote = shared_log.join(storage, time)
    clock = LogClock(time or MachineTime())
    hub = hub or HubState(hub_id="hub-1")
    recorder = Recorder(storage, clock, limits or Limits(), presence_ttl, hub, remote, tuning=Tuning(**tuning))
    try:
        recorder.start(no_progress)
        yield recorder
    finally:
        recorder.stop()
        shared_log.leave(storage)


@contextmanager
def reading(storage: Path) -> Iterator[apsw.Connection]:
    """A connection that reads `storage`."""
    connection = open_connection(storage, read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def events_in(storage: Path, after: int = 0) -> list[RecordedEvent]:
    """All events of a storage, decoded."""
    with reading(storage) as connection:
        return [event.decode() for event in read(connection, after, limit=1_000_000)]


def contents(connection: apsw.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    tables = [table for projector in PROJECTORS for table in projector.tables]
    return {table: connection.execute(f'SELECT * FROM "{table}" ORDER BY 1, 2').fetchall() for table in tables}  # noqa: S608


def live_agents(storage: Path) -> list[str]:
    """The agents that have a session."""
    with reading(storage) as connection:
        return [session.agent_id for session in sessions.list_sessions(connection, live(0))]


def expiries(storage: Path) -> list[str]:
    """The agents whose sessions were ended for silence, in order."""
    return [event.data.agent_id for event in events_in(storage) if isinstance(event.data, SessionExpired)]


def notices(storage: Path, channel: str) -> list[dict[str, Any]]:
    """What the hub itself posted in a channel."""
    with reading(storage) as connection:
        page = message_pages.read_messages(connection, MessageQuery(channel=channel), live(0))
    return [row for json in page.rows if (row := msgspec.json.decode(json))["from_agent"] == "system"]


def as_of_event(connection: apsw.Connection, event_id: int) -> AsOf:
    """The moment right after an event of the log that `connection` reads."""
    head, recorded_at = connection.execute(
        "SELECT (SELECT max(event_id) FROM events), (SELECT recorded_at FROM events WHERE event_id = ?)", (event_id,)
    ).get
    return as_of(event_id, head, recorded_at)


def see(recorder: Recorder, agent_id: str) -> None:
    """Have an agent that only reads be noticed."""
    recorder.clockwork.notice(recorder._side.snapshot, agent_id, recorder._clock.now())


def let_presence_be_checked(recorder: Recorder) -> None:
    """Have the recorder look around now, if it means to."""
    recorder.transact([])


def execute_all(recorder: Recorder, commands: list[Command], transport: str = "http") -> list[Outcome | ArcError]:
    """Carry out many calls in one transaction; the answers come in their order."""
    answers: list[Outcome | ArcError] = []
    recorder.transact([Call(command, answers.append, transport) for command in commands]).tell()
    return answers


def post(agent: str = "a", **given: Any) -> PostMessage:
    """A message that an agent posts: "hi", to all in `general`, where nothing else is given."""
    return PostMessage(**{"from_agent": agent, "body": "hi"} | given)


def result_of(outcome: Outcome) -> Any:
    """What the caller is told, decoded."""
    return msgspec.json.decode(outcome.result)


def check_storage(storage: Path) -> None:
    """The chain is whole, and the tables are what the log says."""
    with reading(storage) as connection:
        assert find_break(GENESIS, read(connection, limit=1_000_000)) is None
        replayed = apsw.Connection(":memory:")
        replay_into(connection, replayed, len(events_in(storage)))
        assert list(find_differences(connection, replayed)) == []
        assert connection.pragma("integrity_check") == "ok"
