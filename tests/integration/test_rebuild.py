"""Rebuilding: tables that are missing, old or behind are made again from the log, and nothing else is."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from arclog.clock import LogClock
from arclog.connection import open_connection
from arclog.deciders.claims import AcquireClaim
from arclog.deciders.fields import Limits
from arclog.deciders.hub import HubState
from arclog.deciders.locks import AcquireLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession, RenameSession
from arclog.deciders.tasks import CompleteTask
from arclog.errors import StorageError
from arclog.progress import no_progress
from projections.catalog import PROJECTORS
from projections.intervals import CURRENT, fork
from projections.projector import Memory, Projector, Writer
from projections.rebuild import Difference, bring_up_to_date, compare, drop, replay_into
from projections.recorder import Recorder
from projections.versions import LONG, Version, Versioned
from projections.writers import BulkWriter, DirectWriter
from tests.support.fake_time import FakeTime
from tests.support.recorders import reading, recording

NAMES = tuple(projector.name for projector in PROJECTORS)


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """A storage with a little of everything, that no hub serves."""
    path = tmp_path / "arc.sqlite3"
    with recording(path, FakeTime()) as recorder:
        tell_story(recorder)
    return path


@pytest.fixture
def writable(storage: Path) -> Iterator[apsw.Connection]:
    with closing(open_connection(storage)) as connection:
        yield connection


def tell_story(recorder: Recorder) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(RenameSession(agent_id="a", display_name="Ada"))
    task = recorder.execute(PostMessage(from_agent="a", body="do", kind="task", thread_id="t")).event_id
    assert task is not None
    recorder.execute(PostMessage(from_agent="a", to_agent="b", body="psst", thread_id="t"))
    for agent in "ab":
        recorder.execute(AcquireLock(agent_id=agent, file_path="p"))
        recorder.execute(AcquireClaim(owner_agent_id=agent, claim_key="k", thread_id="t"))
    recorder.execute(ReleaseLock(agent_id="a", file_path="p"))
    recorder.execute(CompleteTask(task_id=task))


def contents(connection: apsw.Connection) -> dict[str, list[tuple[Any, ...]]]:
    tables = [table for projector in PROJECTORS for table in projector.tables]
    return {table: connection.execute(f'SELECT * FROM "{table}" ORDER BY 1, 2').fetchall() for table in tables}  # noqa: S608


def differences(storage: Path) -> list[Difference]:
    with reading(storage) as connection, closing(apsw.Connection(":memory:")) as replayed:
        replay_into(connection, replayed, 2**62)
        return list(compare(connection, replayed))


def newer(projector: Projector) -> Projector:
    return msgspec.structs.replace(projector, version=projector.version + 1)


# At start ------------------------------------------------------------------------------------------------------------


def test_a_new_storage_is_not_rebuilt(tmp_path: Path) -> None:
    clock = LogClock(FakeTime())
    recorder = Recorder(tmp_path / "new.sqlite3", clock, Limits(), 120_000_000, HubState(hub_id="h"))
    assert recorder.start(no_progress) == ()
    recorder.stop()


def test_tables_that_are_up_to_date_are_left_alone(storage: Path, writable: apsw.Connection) -> None:
    before = contents(writable)
    assert bring_up_to_date(writable) == ()
    assert contents(writable) == before


@pytest.mark.parametrize("projector", PROJECTORS, ids=NAMES)
def test_a_projection_that_is_missing_is_made_from_the_log(
    storage: Path, writable: apsw.Connection, projector: Projector
) -> None:
    before = contents(writable)
    drop(writable, projector)
    writable.execute("DELETE FROM checkpoints WHERE projection = ?", (projector.name,))
    assert bring_up_to_date(writable) == (projector.name,)
    assert contents(writable) == before


def test_a_projection_of_another_version_is_made_anew_and_only_that(
    storage: Path, writable: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(writable)
    writable.execute("UPDATE threads SET channel = 'wrong'")
    catalog = tuple(newer(p) if p.name == "threads" else p for p in PROJECTORS)
    monkeypatch.setattr("projections.rebuild.PROJECTORS", catalog)
    assert bring_up_to_date(writable) == ("threads",)
    assert contents(writable) == before
    assert bring_up_to_date(writable) == ()


def test_a_projection_that_is_behind_the_log_is_made_anew(storage: Path, writable: apsw.Connection) -> None:
    before = contents(writable)
    writable.execute("UPDATE checkpoints SET event_id = event_id - 1 WHERE projection = 'inbox'")
    assert bring_up_to_date(writable) == ("inbox",)
    assert contents(writable) == before


def test_a_hub_rebuilds_at_start_and_goes_on(storage: Path, writable: apsw.Connection) -> None:
    before = contents(writable)
    writable.execute("DELETE FROM checkpoints")
    with recording(storage, FakeTime()) as recorder:
        assert contents(writable) == before
        assert recorder.execute(PostMessage(from_agent="a", body="on", thread_id="t")).created
    assert differences(storage) == []


def test_progress_is_told_after_each_chunk(
    storage: Path, writable: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.rebuild.CHUNK", 5)
    writable.execute("DELETE FROM checkpoints")
    told: list[tuple[int, int]] = []

    def progress(reached: int, last: int) -> None:
        told.append((reached, last))

    assert bring_up_to_date(writable, progress) == NAMES
    assert told == [(5, 12), (10, 12), (12, 12)]
    assert differences(storage) == []


def test_a_rebuild_that_fails_leaves_everything_as_it_was(
    storage: Path, writable: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(writable)
    catalog = (*PROJECTORS[:-1], msgspec.structs.replace(newer(PROJECTORS[-1]), indexes="NOT SQL"))
    monkeypatch.setattr("projections.rebuild.PROJECTORS", catalog)
    with pytest.raises((apsw.SQLError, StorageError)), recording(storage):
        pass
    assert contents(writable) == before
    monkeypatch.undo()
    with recording(storage) as recorder:
        assert recorder.execute(PostMessage(from_agent="a", body="on")).created


# The proof -----------------------------------------------------------------------------------------------------------


def test_a_replay_of_a_whole_storage_shows_no_difference(storage: Path) -> None:
    assert differences(storage) == []


def test_a_replay_up_to_an_event_is_what_the_tables_were_then(storage: Path) -> None:
    with reading(storage) as connection, closing(apsw.Connection(":memory:")) as early:
        replay_into(connection, early, 5)
        assert early.execute("SELECT max(event_id), count(*) FROM messages").get == (5, 1)
        assert early.execute("SELECT count(*) FROM locks").get == 0


@pytest.mark.parametrize(
    ("change", "table", "event_id"),
    [
        ("UPDATE messages SET from_agent = 'mallory' WHERE event_id = 6", "messages", 6),
        ("DELETE FROM messages WHERE event_id = 5", "messages", 5),
        ("DELETE FROM inbox", "inbox", 6),
        ("UPDATE sessions SET display_name = 'Eve' WHERE from_event = 4", "sessions", 4),
        ("UPDATE channels SET metadata = '{\"x\":1}' WHERE name = 'general'", "channels", 1),
        ("UPDATE claims SET owner_agent_id = 'b'", "claims", 8),
        ("UPDATE locks SET released_at = NULL WHERE released_at IS NOT NULL", "locks", 11),
        ("UPDATE tasks SET channel = 'x' WHERE status = 'done'", "tasks", 12),
        ("UPDATE threads SET root_task_id = 1 WHERE from_event = 12", "threads", 12),
        ("DELETE FROM lock_refusals", "lock_refusals", 9),
        ("INSERT INTO claim_refusals VALUES (99, 'z', 98)", "claim_refusals", 98),
        ("INSERT INTO inbox VALUES ('z', 4, 'direct')", "inbox", 4),
        ("INSERT INTO inbox VALUES ('a', 3, 'direct')", "inbox", 3),
    ],
)
def test_a_table_that_is_not_what_the_log_says_is_found_with_the_event(
    storage: Path, writable: apsw.Connection, change: str, table: str, event_id: int
) -> None:
    writable.execute(change)
    (found,) = differences(storage)
    assert (found.table, found.event_id) == (table, event_id)
    assert found.live != found.replayed


def test_a_replay_that_fails_leaves_its_target_empty(storage: Path) -> None:
    def progress(_reached: int, _last: int) -> None:
        raise RuntimeError

    with reading(storage) as connection, closing(apsw.Connection(":memory:")) as target:
        with pytest.raises(RuntimeError):
            replay_into(connection, target, 12, progress)
        assert target.execute("SELECT count(*) FROM sqlite_schema").get == 0


# Writers -------------------------------------------------------------------------------------------------------------


class Lamp(Struct, frozen=True):
    """A row of a table of versions."""

    name: str
    state: str


LAMP_SQL: Any = {
    "insert": "INSERT INTO lamps (from_event, until_event, fork, name, state) VALUES (?, ?, ?, ?, ?)",
    "close": "UPDATE lamps SET until_event = ?, fork = ? WHERE name = ? AND from_event = ?",
    "find_present": "SELECT from_event, name, state FROM lamps WHERE name = ? ORDER BY from_event DESC LIMIT 1",
}
LAMPS = Versioned("lamps", Lamp, LAMP_SQL, free_text=("state",))


@contextmanager
def lamp_table() -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(":memory:")) as connection:
        connection.execute(
            "CREATE TABLE lamps (name TEXT, from_event INTEGER, until_event INTEGER, fork INTEGER, state TEXT, "
            "PRIMARY KEY (name, from_event)) STRICT, WITHOUT ROWID"
        )
        yield connection


def switch(writer: Writer, switches: list[tuple[str, str]]) -> list[str | None]:
    """Change lamps, one an event; what each was before."""
    before = []
    for event_id, (name, state) in enumerate(switches, 1):
        present = writer.find(LAMPS, name)
        before.append(None if present is None else present.row.state)
        writer.replace(LAMPS, name, Version(event_id, Lamp(name, state)))
    return before


@settings(deadline=None, database=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["on", "off", "x" * LONG, "x" * (LONG + 1)]))),
    st.sampled_from([2, 3, 100]),
)
def test_every_writer_keeps_the_same_versions_however_little_it_remembers(
    switches: list[tuple[str, str]], room: int
) -> None:
    told, rows = [], []
    for kind in (DirectWriter, BulkWriter):
        with lamp_table() as connection, pytest.MonkeyPatch.context() as patch:
            for limit in ("projector.MAX_REMEMBERED", "writers.MAX_UNWRITTEN", "writers.MAX_BUFFERED"):
                patch.setattr(f"projections.{limit}", room)
            writer = kind(connection)
            told.append(switch(writer, switches))
            if isinstance(writer, BulkWriter):
                writer.flush()
            rows.append(connection.execute("SELECT * FROM lamps ORDER BY name, from_event").fetchall())
    expected: list[tuple[str, int, int, int | None, str]] = []
    last: dict[str, tuple[int, str]] = {}
    for event_id, (name, state) in enumerate(switches, 1):
        if name in last:
            began, old = last[name]
            expected.append((name, began, event_id, fork(began, event_id), old))
        last[name] = event_id, state
    expected += [(name, began, CURRENT, None, state) for name, (began, state) in last.items()]
    assert rows[0] == rows[1] == sorted(expected, key=lambda row: row[:2])
    assert told[0] == told[1]


@settings(deadline=None, database=None)
@given(st.lists(st.sampled_from("abcdefgh")), st.sampled_from([2, 3, 100]))
def test_every_writer_counts_on_however_little_it_remembers(keys: list[str], room: int) -> None:
    for kind in (DirectWriter, BulkWriter):
        with closing(apsw.Connection(":memory:")) as connection, pytest.MonkeyPatch.context() as patch:
            connection.execute("CREATE TABLE t (key TEXT, number INTEGER)")
            for limit in ("projector.MAX_REMEMBERED", "writers.MAX_COUNTED", "writers.MAX_BUFFERED"):
                patch.setattr(f"projections.{limit}", room)
            writer = kind(connection)
            numbers = []
            for key in keys:
                numbers.append(writer.count("SELECT max(number) FROM t WHERE key = ?", key))
                writer.write("INSERT INTO t VALUES (?, ?)", (key, numbers[-1]))
        assert numbers == [keys[:place].count(key) for place, key in enumerate(keys, 1)]


def test_a_rebuild_writes_each_version_once() -> None:
    statements: list[str] = []
    with lamp_table() as lamps:
        lamps.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: statements.append(event["sql"]))
        writer = BulkWriter(lamps)
        switch(writer, [("a", "on"), ("b", "on"), ("a", "off"), ("b", "off"), ("a", "on")])
        writer.flush()
    assert statements == [LAMP_SQL["insert"]] * 5


def test_a_bulk_writer_keeps_a_bounded_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.writers.MAX_BUFFERED", 3)
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t (a INTEGER)")
    writer = BulkWriter(connection)
    for number in range(7):
        writer.write("INSERT INTO t VALUES (?)", (number,))
    assert connection.execute("SELECT count(*) FROM t").get == 6
    writer.flush()
    assert connection.execute("SELECT count(*) FROM t").get == 7


def test_a_memory_forgets_everything_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.projector.MAX_REMEMBERED", 3)
    memory = Memory()
    for number in range(4):
        memory.keep(("t", str(number)), number)
    assert memory == {("t", "3"): 3}
