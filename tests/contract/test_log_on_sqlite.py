"""The log in one SQLite file: what cannot be done to it, what its errors mean, and by which index it is read."""

import os
import threading
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from arclog.clock import LogClock
from arclog.codec import Metadata
from arclog.errors import NotAnArcStorage, StorageBusy, StorageDamaged, StorageError, StorageFull
from arclog.sqlite.connection import open_connection, storage_error
from arclog.sqlite.engine import file_log
from arclog.sqlite.log import Log
from arclog.sqlite.schema import EVENTS, open_storage
from tests.contract.engines import append_all, post
from tests.support.fake_time import FakeTime
from tests.support.plans import plan_of, scanned_tables

# What cannot be done to a log ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET actor = 'b'",
        "UPDATE events SET event_id = 7",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT event_id, 0, type, stream, 'b', data, metadata, digest FROM events",
        "UPDATE OR REPLACE events SET event_id = 1 WHERE event_id = 2",
    ],
)
def test_events_are_never_changed_or_removed(sqlite_log: Log, statement: str) -> None:
    append_all(sqlite_log, post("a"))
    append_all(sqlite_log, post("a"))
    before = sqlite_log.connection.execute("SELECT * FROM events").fetchall()
    with pytest.raises(apsw.ConstraintError, match="events are immutable"):
        sqlite_log.connection.execute(statement)
    assert sqlite_log.connection.execute("SELECT * FROM events").fetchall() == before


@pytest.mark.parametrize(
    "values",
    [
        "(0, 1, 't', 's', 'a', x'80', x'80', zeroblob(32))",
        "(1, 1, 't', 's', 'a', x'80', x'80', zeroblob(31))",
        "(1, 'now', 't', 's', 'a', x'80', x'80', zeroblob(32))",
        "(1, 1, 't', 's', NULL, x'80', x'80', zeroblob(32))",
        "(1, 1, 't', 's', 'a', 'text', x'80', zeroblob(32))",
    ],
)
def test_a_row_that_is_no_event_is_refused_by_the_table(sqlite_log: Log, values: str) -> None:
    with pytest.raises(apsw.ConstraintError):
        sqlite_log.connection.execute(f"INSERT INTO events VALUES {values}")  # noqa: S608 - the values stand above


def test_one_key_is_never_kept_for_two_events(sqlite_log: Log) -> None:
    append_all(sqlite_log, post("a"), metadata=Metadata("http", "key", b"hash"))
    sqlite_log.begin()
    with pytest.raises(apsw.ConstraintError):
        sqlite_log.append(post("a"), sqlite_log.now(), Metadata("http", "key", b"hash"))
    sqlite_log.rollback()
    assert sqlite_log.head().event_id == 1


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "becomes", "says"),
    [
        (apsw.FullError(), StorageFull, "no space left"),
        (apsw.BusyError(), StorageBusy, "another process holds"),
        (apsw.LockedError(), StorageBusy, "another process holds"),
        (apsw.NotADBError(), NotAnArcStorage, "is not an Arc storage"),
        (apsw.CorruptError(), StorageDamaged, "is damaged"),
        (apsw.ReadOnlyError(), StorageError, "cannot be written: check the permissions"),
        (apsw.PermissionsError(), StorageError, "cannot be written: check the permissions"),
        (apsw.AuthError(), StorageError, "cannot be written: check the permissions"),
        (apsw.CantOpenError(), StorageError, "cannot be opened: check that its folder exists"),
        (apsw.IOError(), StorageError, "the disk failed"),
        (apsw.SQLError("odd"), StorageError, "failed: odd"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_error_of_the_disk_says_what_happened(error: apsw.Error, becomes: type[StorageError], says: str) -> None:
    with pytest.raises(becomes, match=says) as caught:
        raise storage_error(Path("/data/arc.sqlite3"), error)
    assert type(caught.value) is becomes
    assert "/data/arc.sqlite3" in str(caught.value)


def test_an_error_of_the_disk_on_a_full_one_says_that_it_is_full(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = os.statvfs(path.parent)
    full = os.statvfs_result((room.f_bsize, room.f_frsize, room.f_blocks, 0, 0, *room[5:]))
    monkeypatch.setattr(os, "statvfs", lambda _folder: full)
    assert isinstance(storage_error(path, apsw.IOError("disk I/O error")), StorageFull)


def test_a_writer_waits_for_another_but_not_for_ever(sqlite_log: Log, path: Path, time: FakeTime) -> None:
    other = open_storage(path)
    other.execute("BEGIN IMMEDIATE")
    with (
        closing(open_connection(path, busy_sec=0.05)) as hasty,
        pytest.raises(StorageBusy),
    ):
        file_log(hasty, path, LogClock(time), busy_sec=0.05).begin()
    release = threading.Timer(0.01, other.execute, ["ROLLBACK"])
    release.start()
    append_all(sqlite_log, post("a"))
    release.join()
    other.close()
    assert sqlite_log.head().event_id == 1


# Plans ---------------------------------------------------------------------------------------------------------------


BINDINGS = {"after": 0, "until": 9, "limit": 5, "stream": "s", "prefix": "s/", "prefix_end": "s0"}
BINDINGS |= {"actor": "a", "without": None}


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("read", "INTEGER PRIMARY KEY"),
        ("read_facts", "INTEGER PRIMARY KEY"),
        ("read_without", "INTEGER PRIMARY KEY"),
        ("read_without_from_end", "INTEGER PRIMARY KEY"),
        ("read_stream", "events_by_stream"),
        ("read_streams_below", "events_by_stream"),
        ("read_actor", "events_by_actor"),
        ("read_types", "events_by_type"),
        ("read_stream_from_end", "events_by_stream"),
        ("read_streams_below_from_end", "events_by_stream"),
        ("read_actor_from_end", "events_by_actor"),
        ("read_types_from_end", "events_by_type"),
    ],
)
def test_reading_the_log_goes_by_an_index(sqlite_log: Log, query: str, index: str) -> None:
    plan = plan_of(sqlite_log.connection, EVENTS[query], {**BINDINGS, "types": "[]"})
    assert any("events" in step and index in step for step in plan), plan
    assert scanned_tables(plan) == set()


@pytest.mark.parametrize(
    "query",
    [
        "read",
        "read_facts",
        "read_stream",
        "read_actor",
        "read_frequent_types",
        "read_from_end",
        "read_stream_from_end",
        "read_actor_from_end",
        "read_frequent_types_from_end",
    ],
)
def test_a_page_of_the_log_needs_no_sorting(sqlite_log: Log, query: str) -> None:
    assert not any(
        "TEMP B-TREE" in step for step in plan_of(sqlite_log.connection, EVENTS[query], {**BINDINGS, "types": "[]"})
    )


@pytest.mark.parametrize(
    "query",
    [
        "find_head",
        "read_from_end",
        "get_event",
        "find_last_seen",
        "find_event_at",
        "find_key",
        "find_setting",
        "find_clock",
    ],
)
def test_finding_one_thing_goes_by_an_index(sqlite_log: Log, query: str) -> None:
    plan = plan_of(sqlite_log.connection, EVENTS[query], None)
    if query == "find_head":
        assert plan == ["SCAN events"], "from the end, as many rows as are asked for"
    else:
        assert scanned_tables(plan) == set()
        assert not any("TEMP B-TREE" in step for step in plan)
