"""Rebuilding: tables that are missing, old or behind are made again from the log, and nothing else is."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import msgspec
import pytest

from arclog.clock import LogClock
from arclog.codec import Metadata
from arclog.deciders.claims import AcquireClaim
from arclog.deciders.fields import Limits
from arclog.deciders.hub import HubState, StopHub
from arclog.deciders.locks import AcquireLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession, RenameSession
from arclog.deciders.tasks import CompleteTask
from arclog.errors import StorageDamaged, StorageError
from arclog.events import MessagePosted
from arclog.progress import no_progress
from arclog.sqlite.connection import open_connection
from arclog.sqlite.engine import file_log
from arclog.sqlite.reads import read_head
from projections.all_projectors import PROJECTORS
from projections.checkpoints import CHECKPOINTS, IN_STEP, are_in_step, find_noted, read_checkpoints, stop_at
from projections.hub.recorder import Recorder
from projections.moving.anchoring import read_end, record_anchor
from projections.moving.transfer import fork
from projections.projector import Projector
from projections.rebuilding.differences import Difference, find_differences
from projections.rebuilding.rebuild import bring_up_to_date, build, drop_tables, replay_into
from projections.rebuilding.rebuild_writer import Bounds
from projections.rebuilding.repair import repair
from tests.support.fake_time import FakeTime
from tests.support.recorders import contents, reading, recording
from tests.support.tampering import build_storage, make_200_smaller, tampering

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


def differences(storage: Path) -> list[Difference]:
    with reading(storage) as connection, closing(apsw.Connection(":memory:")) as replayed:
        replay_into(connection, replayed, read_head(connection).event_id)
        return list(find_differences(connection, replayed))


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
    drop_tables(writable, projector)
    writable.execute("DELETE FROM checkpoints WHERE projection = ?", (projector.name,))
    assert bring_up_to_date(writable) == (projector.name,)
    assert contents(writable) == before


def test_a_projection_of_another_version_is_made_anew_and_only_that(storage: Path, writable: apsw.Connection) -> None:
    before = contents(writable)
    writable.execute("UPDATE threads SET channel = 'wrong'")
    catalog = tuple(newer(p) if p.name == "threads" else p for p in PROJECTORS)
    assert bring_up_to_date(writable, projectors=catalog) == ("threads",)
    assert contents(writable) == before
    assert bring_up_to_date(writable, projectors=catalog) == ()


def test_projections_that_are_behind_the_log_are_made_anew(storage: Path, writable: apsw.Connection) -> None:
    before = contents(writable)
    stop_at(writable, read_head(writable).event_id - 1)
    assert bring_up_to_date(writable) == NAMES
    assert contents(writable) == before


def test_where_each_projection_told_how_far_it_had_come_what_is_behind_is_made_anew(
    storage: Path, writable: apsw.Connection
) -> None:
    before = contents(writable)
    head = read_head(writable).event_id
    writable.execute("UPDATE checkpoints SET event_id = ? - (projection = 'inbox')", (head,))
    assert bring_up_to_date(writable) == ("inbox",)
    assert contents(writable) == before


def test_where_only_some_tables_say_that_they_are_in_step_with_the_log_these_are_made_anew(
    storage: Path, writable: apsw.Connection
) -> None:
    """A version of Arc has served the storage that does not know the others."""
    writable.execute("UPDATE threads SET channel = 'wrong'")
    before = read_head(writable).event_id
    writable.execute("UPDATE checkpoints SET event_id = ? WHERE projection <> 'threads'", (before,))
    assert bring_up_to_date(writable) == ("threads",)
    assert differences(storage) == []


def test_tables_that_have_stopped_are_made_anew_by_the_next_hub_and_are_in_step_from_there(
    storage: Path, writable: apsw.Connection
) -> None:
    stop_at(writable, read_head(writable).event_id)
    log = file_log(writable, storage, LogClock(FakeTime()))
    log.begin()
    log.append(MessagePosted(from_agent="a", channel="general", body="by hand"), log.now(), Metadata("cli"))
    log.commit()
    with recording(storage, FakeTime()) as recorder:
        recorder.execute(PostMessage(from_agent="a", body="on"))
        assert are_in_step(read_checkpoints(writable))
    assert differences(storage) == []


def test_a_hub_leaves_no_rows_of_events_that_were_cut_off_after_one_that_ended_well(storage: Path) -> None:
    with recording(storage, FakeTime()) as recorder:
        recorder.execute(StopHub())
    with tampering(storage) as connection:
        connection.execute("DELETE FROM events WHERE event_id > 8")
    with recording(storage, FakeTime()) as recorder:
        recorder.execute(PostMessage(from_agent="a", body="on"))
    assert differences(storage) == []


@pytest.mark.parametrize("served", [True, False])
def test_an_anchor_and_a_repair_leave_nothing_to_be_made_anew(storage: Path, tmp_path: Path, served: bool) -> None:
    path = storage if served else tmp_path / "fork.sqlite3"
    if not served:
        fork(storage, path, 12)
    record_anchor(path, read_end(path), "elsewhere", "op")
    with closing(open_connection(path)) as connection:
        connection.execute("UPDATE threads SET channel = 'wrong'")
        assert repair(path, "op", no_progress, no_progress).tables == ("threads",)
        assert bring_up_to_date(connection) == ()
        assert find_noted(connection) == read_head(connection).event_id
    assert differences(path) == []


def test_an_anchor_does_not_hide_that_tables_are_behind(storage: Path, writable: apsw.Connection) -> None:
    stop_at(writable, read_head(writable).event_id - 1)
    record_anchor(storage, read_end(storage), "elsewhere", "op")
    assert bring_up_to_date(writable) == NAMES


def test_tables_that_this_version_does_not_know_are_made_anew_by_one_that_does(
    storage: Path, writable: apsw.Connection
) -> None:
    writable.execute(CHECKPOINTS["set"], ("moons", 1, IN_STEP))
    with recording(storage, FakeTime()):
        pass
    assert read_checkpoints(writable).keys() == set(NAMES)


def test_a_hub_rebuilds_at_start_and_goes_on(storage: Path, writable: apsw.Connection) -> None:
    before = contents(writable)
    writable.execute("DELETE FROM checkpoints")
    with recording(storage, FakeTime()) as recorder:
        assert contents(writable) == before
        assert recorder.execute(PostMessage(from_agent="a", body="on", thread_id="t")).created
    assert differences(storage) == []


def test_progress_is_told_after_each_chunk(storage: Path, writable: apsw.Connection) -> None:
    writable.execute("DELETE FROM checkpoints")
    told: list[tuple[int, int]] = []

    def progress(reached: int, last: int) -> None:
        told.append((reached, last))

    assert bring_up_to_date(writable, progress, bounds=Bounds(events=5)) == NAMES
    assert told == [(5, 12), (10, 12), (12, 12)]
    assert differences(storage) == []


def test_a_rebuild_that_fails_leaves_everything_as_it_was(storage: Path, writable: apsw.Connection) -> None:
    before = contents(writable)
    writable.execute("DELETE FROM checkpoints WHERE projection = 'messages'")
    writable.execute("DROP INDEX broadcasts_by_channel; CREATE TABLE broadcasts_by_channel (is_in INTEGER)")
    with pytest.raises((apsw.SQLError, StorageError), match="broadcasts_by_channel"), recording(storage):
        pass
    assert contents(writable) == before
    writable.execute("DROP TABLE broadcasts_by_channel")
    with recording(storage) as recorder:
        assert recorder.execute(PostMessage(from_agent="a", body="on")).created


# The proof -----------------------------------------------------------------------------------------------------------


def test_a_replay_of_a_whole_storage_shows_no_difference(storage: Path) -> None:
    assert differences(storage) == []


def test_a_replay_up_to_an_event_is_what_the_tables_were_then(storage: Path) -> None:
    with reading(storage) as connection, closing(apsw.Connection(":memory:")) as early:
        replay_into(connection, early, 5)
        assert early.execute("SELECT max(event_id), count(*) FROM broadcasts").get == (5, 1)
        assert early.execute("SELECT count(*) FROM locks").get == 0


@pytest.mark.parametrize(
    ("change", "table", "event_id"),
    [
        ("UPDATE inbox SET from_agent = 'mallory' WHERE event_id = 6", "inbox", 6),
        ("DELETE FROM broadcasts WHERE event_id = 5", "broadcasts", 5),
        ("DELETE FROM inbox", "inbox", 6),
        ("UPDATE sessions SET display_name = 'Eve' WHERE from_event = 4", "sessions", 4),
        ("UPDATE channels SET metadata = '{\"x\":1}' WHERE name = 'general'", "channels", 1),
        ("UPDATE claims SET owner_agent_id = 'b'", "claims", 8),
        ("UPDATE locks SET released_at = NULL WHERE released_at IS NOT NULL", "locks", 11),
        ("UPDATE tasks SET channel = 'x' WHERE state = 'done'", "tasks", 12),
        ("UPDATE threads SET root_task_id = 1 WHERE from_event = 12", "threads", 12),
        ("DELETE FROM lock_refusals", "lock_refusals", 9),
        ("DELETE FROM lock_holders", "lock_holders", 7),
        ("INSERT INTO claim_refusals VALUES (99, 'z', 98)", "claim_refusals", 98),
        ("INSERT INTO inbox VALUES ('z', 4, 'direct', 'a')", "inbox", 4),
        ("INSERT INTO inbox VALUES ('a', 3, 'direct', 'b')", "inbox", 3),
    ],
)
def test_a_table_that_is_not_what_the_log_says_is_found_with_the_event(
    storage: Path, writable: apsw.Connection, change: str, table: str, event_id: int
) -> None:
    writable.execute(change)
    (found,) = differences(storage)
    assert (found.table, found.event_id) == (table, event_id)
    assert found.live != found.replayed


def test_a_log_whose_numbers_do_not_grow_is_not_read_for_ever(tmp_path: Path) -> None:
    path = build_storage(tmp_path / "arc.sqlite3", 300)
    make_200_smaller(path)
    with (
        reading(path) as connection,
        closing(apsw.Connection(":memory:")) as target,
        pytest.raises(StorageDamaged, match=r"^event 72 stands after event 100"),
    ):
        replay_into(connection, target, 300, bounds=Bounds(events=100))


def test_a_rebuild_makes_the_same_tables_however_little_it_keeps_in_memory(storage: Path) -> None:
    with reading(storage) as connection, closing(apsw.Connection(":memory:")) as target:
        target.execute(CHECKPOINTS["schema"])
        build(connection, target, read_head(connection).event_id, bounds=Bounds(rows=3, counts=3, versions=3))
        assert contents(target) == contents(connection)


def test_a_replay_that_fails_leaves_its_target_empty(storage: Path) -> None:
    def progress(_reached: int, _last: int) -> None:
        raise RuntimeError

    with reading(storage) as connection, closing(apsw.Connection(":memory:")) as target:
        with pytest.raises(RuntimeError):
            replay_into(connection, target, 12, progress)
        assert target.execute("SELECT count(*) FROM sqlite_schema").get == 0
