"""The file that keeps the log: made once, recognised ever after, never mistaken for somebody else's."""

import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from arclog.clock import LogClock
from arclog.codec import Metadata
from arclog.connection import APPLICATION_ID, create_file, storage_error
from arclog.errors import (
    NotAnArcStorage,
    StorageBusy,
    StorageDamaged,
    StorageError,
    StorageFull,
    StorageGone,
)
from arclog.events import AgentSeen
from arclog.removal import remove_storage
from arclog.schema import (
    EVENTS,
    find_setting,
    get_instance_id,
    new_instance_id,
    open_existing,
    open_storage,
    set_setting,
)
from arclog.store import LOOK_AGAIN, Log
from tests.support.fake_time import FakeTime
from tests.support.plans import plan_of, scanned_tables

SEEN = AgentSeen(agent_id="a")
BY_HTTP = Metadata("http")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "arc.sqlite3"


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def log(path: Path, time: FakeTime) -> Iterator[Log]:
    connection = open_storage(path)
    yield Log(connection, path, LogClock(time))
    connection.close(True)


def append(log: Log) -> None:
    log.begin()
    log.append(SEEN, log.now(), BY_HTTP)
    log.commit()


# Made and recognised -------------------------------------------------------------------------------------------------


def test_a_storage_is_made_where_there_is_none_for_its_owner_alone(path: Path) -> None:
    open_storage(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    connection = open_storage(path)
    assert connection.pragma("application_id") == APPLICATION_ID
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    connection.close()


def test_a_storage_keeps_its_instance_id(path: Path) -> None:
    ids = set()
    for _ in range(3):
        connection = open_storage(path)
        ids.add(get_instance_id(connection))
        connection.close()
    assert len(ids) == 1
    assert new_instance_id() not in ids


def test_two_storages_have_two_instance_ids(tmp_path: Path) -> None:
    connections = [open_storage(tmp_path / name) for name in ("a", "b")]
    assert len({get_instance_id(connection) for connection in connections}) == 2
    for connection in connections:
        connection.close()


def test_a_storage_without_an_instance_id_is_none(path: Path) -> None:
    connection = open_storage(path)
    connection.execute("DELETE FROM storage")
    with pytest.raises(NotAnArcStorage, match="no instance id"):
        get_instance_id(connection)
    connection.close()


def test_a_setting_is_kept_until_it_is_set_anew(path: Path) -> None:
    connection = open_storage(path)
    assert find_setting(connection, "colour") is None
    set_setting(connection, "colour", "red")
    set_setting(connection, "colour", "blue")
    assert find_setting(connection, "colour") == "blue"
    connection.close()


def test_an_empty_file_becomes_a_storage(path: Path) -> None:
    assert create_file(path)
    assert not create_file(path)
    open_storage(path).close()
    open_existing(path).close()


def test_many_that_make_the_same_storage_at_once_share_one(path: Path) -> None:
    barrier = threading.Barrier(8)
    ids: list[str] = []
    errors: list[Exception] = []

    def make() -> None:
        barrier.wait()
        try:
            connection = open_storage(path)
            ids.append(get_instance_id(connection))
            connection.close()
        except Exception as error:  # noqa: BLE001 - collected for the assertion below
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(ids) == 8
    assert len(set(ids)) == 1


def test_an_existing_storage_is_opened_for_reading_only(path: Path) -> None:
    open_storage(path).close()
    connection = open_existing(path)
    with pytest.raises(apsw.ReadOnlyError):
        connection.execute("DELETE FROM storage")
    connection.close()


def test_a_storage_at_rest_is_read_without_leaving_anything(path: Path) -> None:
    open_storage(path).close()
    before = path.read_bytes()
    for _ in range(2):
        with closing(open_existing(path)) as first, closing(open_existing(path)) as second:
            assert get_instance_id(first) == get_instance_id(second)
        assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_what_a_hub_that_was_killed_left_is_read_and_stays_where_it_is(path: Path, tmp_path: Path) -> None:
    with closing(open_storage(tmp_path / "running.sqlite3")) as running:
        set_setting(running, "colour", "red")
        for end in ("", "-wal"):
            path.with_name(path.name + end).write_bytes((tmp_path / f"running.sqlite3{end}").read_bytes())
    files = [path, path.with_name(path.name + "-wal")]
    before = [file.read_bytes() for file in files]
    with closing(open_existing(path)) as connection:
        assert find_setting(connection, "colour") == "red"
    assert [file.read_bytes() for file in files] == before


def test_a_reader_takes_nothing_from_a_hub_that_begins_beside_it(path: Path) -> None:
    open_storage(path).close()
    with closing(open_storage(path)) as hub:
        with closing(open_existing(path)) as reader:
            set_setting(hub, "colour", "red")
            assert find_setting(reader, "colour") == "red"
        set_setting(hub, "shape", "round")
    with closing(open_existing(path)) as reader:
        assert (find_setting(reader, "colour"), find_setting(reader, "shape")) == ("red", "round")


def test_a_transaction_of_another_program_that_was_killed_is_not_undone_by_looking(path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "running.sqlite3", isolation_level=None)) as running:
        running.executescript("PRAGMA cache_size = 1; CREATE TABLE recipes (name TEXT);")
        running.execute("INSERT INTO recipes VALUES (hex(zeroblob(20000)))")
        running.execute("BEGIN")
        running.execute("UPDATE recipes SET name = hex(zeroblob(30000))")
        for end in ("", "-journal"):
            path.with_name(path.name + end).write_bytes((tmp_path / f"running.sqlite3{end}").read_bytes())
    before = path.read_bytes()
    with pytest.raises(StorageError):
        open_existing(path)
    assert path.read_bytes() == before


@pytest.fixture
def read_only_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system says that no folder may be written; root may all the same, and leaves traces if it does."""
    monkeypatch.setattr("arclog.schema.os.access", lambda _path, _mode: False)


@pytest.mark.usefixtures("read_only_folder")
def test_a_storage_in_a_folder_that_cannot_be_written_is_read_without_leaving_anything(tmp_path: Path) -> None:
    path = tmp_path / "what #1 is?.sqlite3"
    open_storage(path).close()
    connection = open_existing(path)
    assert get_instance_id(connection)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    connection.close()


@pytest.mark.usefixtures("read_only_folder")
def test_a_wal_in_a_folder_that_cannot_be_written_is_not_passed_over(path: Path) -> None:
    open_storage(path).close()
    wal = path.with_name(path.name + "-wal")
    wal.write_bytes(b"what was recorded last")
    with pytest.raises(StorageError, match=f"copy it together with {wal.name} to a folder of yours"):
        open_existing(path)
    wal.write_bytes(b"")
    open_existing(path).close()


def test_where_there_is_no_storage_there_is_nothing_to_read(path: Path) -> None:
    with pytest.raises(StorageError, match="there is no storage at"):
        open_existing(path)
    assert not path.exists()


def test_an_empty_file_is_no_storage_to_read(path: Path) -> None:
    path.touch()
    with pytest.raises(NotAnArcStorage, match="is empty: it is not an Arc storage yet"):
        open_existing(path)


@pytest.mark.parametrize("place", ["missing/arc.sqlite3", "file/arc.sqlite3"])
def test_a_place_where_no_file_can_be_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=f"cannot create the storage .*{place}: (No such file|Not a directory)"):
        open_storage(tmp_path / place)


def test_a_folder_is_no_storage(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        open_storage(tmp_path)


# Other people's files ------------------------------------------------------------------------------------------------


def make_011_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT); CREATE TABLE sessions (id TEXT);"
        "CREATE TABLE claims (k TEXT); CREATE TABLE locks (p TEXT); INSERT INTO messages (body) VALUES ('precious');"
    )
    connection.close()


def make_foreign_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup');")
    connection.close()


def make_named_foreign_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA application_id = 1234; VACUUM;")
    connection.close()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (make_011_database, "is a database of Arc 0.1.1; it is left as it is.*arc log import"),
        (make_foreign_database, "is another program's database: choose another file"),
        (make_named_foreign_database, "is another program's database"),
        (lambda path: path.write_text("Dear diary,\n" * 500), "is not an Arc storage: choose another file"),
    ],
    ids=["0.1.1", "foreign", "named", "text"],
)
@pytest.mark.parametrize("opening", [open_storage, open_existing])
def test_somebody_elses_file_is_refused_and_left_as_it_is(path: Path, make: object, says: str, opening: object) -> None:
    assert callable(make)
    assert callable(opening)
    make(path)
    before = path.read_bytes()
    with pytest.raises(NotAnArcStorage, match=says):
        opening(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_database_of_011_that_was_killed_keeps_what_its_wal_holds(path: Path, tmp_path: Path) -> None:
    running = sqlite3.connect(tmp_path / "running.sqlite3")
    running.execute("PRAGMA journal_mode = WAL")
    running.executescript(
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT); CREATE TABLE sessions (id TEXT);"
        "CREATE TABLE claims (k TEXT); CREATE TABLE locks (p TEXT); INSERT INTO messages (body) VALUES ('precious');"
    )
    for suffix in ("", "-wal"):
        path.with_name(path.name + suffix).write_bytes((tmp_path / f"running.sqlite3{suffix}").read_bytes())
    running.close()
    with pytest.raises(NotAnArcStorage, match=r"0\.1\.1"):
        open_storage(path)
    after = sqlite3.connect(path)
    assert after.execute("SELECT body FROM messages").fetchall() == [("precious",)]
    after.close()


@pytest.mark.parametrize("version", [0, 2, 99])
def test_a_storage_of_another_format_is_refused(path: Path, version: int) -> None:
    connection = open_storage(path)
    connection.pragma("user_version", version)
    connection.close()
    for opening in (open_storage, open_existing):
        with pytest.raises(NotAnArcStorage, match=f"has format {version}, this Arc reads format 1"):
            opening(path)


def test_an_sqlite_that_can_corrupt_a_shared_wal_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "SQLITE_VERSION_NUMBER", 3_051_002)
    with pytest.raises(StorageError, match="can corrupt a shared WAL file; install apsw"):
        open_storage(path)


def test_a_filesystem_on_which_a_wal_cannot_be_shared_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_there(path: Path) -> apsw.Connection:
        return apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE, vfs="unix-dotfile")

    monkeypatch.setattr("arclog.schema.open_connection", open_there)
    with pytest.raises(StorageError, match="does not support WAL: put the storage on a local disk"):
        open_storage(path)


# Removed -------------------------------------------------------------------------------------------------------------


def test_a_storage_that_nobody_uses_is_removed_with_all_that_belongs_to_it(path: Path) -> None:
    open_storage(path).close()
    path.with_name(path.name + "-wal").touch()
    assert remove_storage(path) == [path, path.with_name(path.name + "-wal")]
    assert list(path.parent.iterdir()) == []


def test_an_empty_file_is_removed_too(path: Path) -> None:
    path.touch()
    assert remove_storage(path) == [path]


def test_a_storage_that_is_in_use_is_not_removed(log: Log, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arclog.removal.BUSY_WITHIN_MS", 20)
    append(log)
    with pytest.raises(
        StorageBusy, match=r"is in use: stop what uses it first, .* or a reader such as arc log tail -f"
    ):
        remove_storage(path)
    append(log)
    assert log.head().event_id == 2


@pytest.mark.parametrize("make", [make_011_database, make_foreign_database])
def test_somebody_elses_file_is_not_removed(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    before = path.read_bytes()
    with pytest.raises(NotAnArcStorage, match="left as it is: delete it by hand"):
        remove_storage(path)
    assert path.read_bytes() == before


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
def test_events_are_never_changed_or_removed(log: Log, statement: str) -> None:
    append(log)
    append(log)
    before = log.connection.execute("SELECT * FROM events").fetchall()
    with pytest.raises(apsw.ConstraintError, match="events are immutable"):
        log.connection.execute(statement)
    assert log.connection.execute("SELECT * FROM events").fetchall() == before


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
def test_a_row_that_is_no_event_is_refused_by_the_table(log: Log, values: str) -> None:
    with pytest.raises(apsw.ConstraintError):
        log.connection.execute(f"INSERT INTO events VALUES {values}")  # noqa: S608 - the values stand above


# Deleted or replaced under the log -----------------------------------------------------------------------------------


def test_a_storage_that_was_deleted_takes_no_more_events(log: Log, path: Path, time: FakeTime) -> None:
    append(log)
    path.unlink()
    time.pass_sec(LOOK_AGAIN / 1e6)
    with pytest.raises(StorageGone, match="was deleted or replaced while in use: restart the hub"):
        log.begin()
    with pytest.raises(StorageGone):
        log.check_in_place()


def test_a_storage_that_was_replaced_takes_no_more_events(log: Log, path: Path, tmp_path: Path, time: FakeTime) -> None:
    append(log)
    open_storage(tmp_path / "new.sqlite3").close()
    os.replace(tmp_path / "new.sqlite3", path)  # noqa: PTH105 - what a shell's mv does
    time.pass_sec(LOOK_AGAIN / 1e6)
    with pytest.raises(StorageGone):
        log.begin()


def test_a_storage_is_looked_for_when_a_look_is_due_and_not_with_every_event(
    log: Log, path: Path, time: FakeTime
) -> None:
    append(log)
    path.rename(path.with_suffix(".away"))
    time.pass_sec(LOOK_AGAIN / 1e6 - 0.001)
    append(log)
    time.pass_sec(0.001)
    with pytest.raises(StorageGone):
        log.begin()


def test_a_wall_clock_that_was_set_back_before_a_restart_puts_off_no_look(path: Path) -> None:
    early = FakeTime()
    with closing(open_storage(path)) as connection:
        append(Log(connection, path, LogClock(early)))
    late = FakeTime(wall=early.wall() + 3_600_000_000)
    with closing(open_storage(path)) as connection:
        log = Log(connection, path, LogClock(late))
        append(log)
        path.unlink()
        late.pass_sec(LOOK_AGAIN / 1e6)
        with pytest.raises(StorageGone):
            log.begin()


def test_a_storage_that_was_moved_away_and_back_goes_on(log: Log, path: Path, time: FakeTime) -> None:
    append(log)
    path.rename(path.with_suffix(".away"))
    time.pass_sec(LOOK_AGAIN / 1e6)
    with pytest.raises(StorageGone):
        log.begin()
    path.with_suffix(".away").rename(path)
    append(log)
    assert log.head().event_id == 2


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "becomes", "says"),
    [
        (apsw.FullError(), StorageFull, "no space left"),
        (apsw.BusyError(), StorageBusy, "another process holds"),
        (apsw.LockedError(), StorageBusy, "another process holds"),
        (apsw.NotADBError(), NotAnArcStorage, "is not an Arc storage"),
        (apsw.CorruptError(), StorageDamaged, "is damaged .*restore a backup"),
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


def test_a_writer_waits_for_another_but_not_for_ever(log: Log, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arclog.connection.BUSY_TIMEOUT_SEC", 0.05)
    other = open_storage(path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageBusy):
        log.begin()
    release = threading.Timer(0.01, other.execute, ["ROLLBACK"])
    monkeypatch.setattr("arclog.connection.BUSY_TIMEOUT_SEC", 10)
    release.start()
    append(log)
    release.join()
    other.close()
    assert log.head().event_id == 1


# Plans ---------------------------------------------------------------------------------------------------------------


BINDINGS = {"after": 0, "until": 9, "limit": 5, "stream": "s", "prefix": "s/", "prefix_end": "s0", "actor": "a"}


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("read", "INTEGER PRIMARY KEY"),
        ("read_facts", "INTEGER PRIMARY KEY"),
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
def test_reading_the_log_goes_by_an_index(log: Log, query: str, index: str) -> None:
    plan = plan_of(log.connection, EVENTS[query], {**BINDINGS, "types": "[]"})
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
def test_a_page_of_the_log_needs_no_sorting(log: Log, query: str) -> None:
    assert not any(
        "TEMP B-TREE" in step for step in plan_of(log.connection, EVENTS[query], {**BINDINGS, "types": "[]"})
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
def test_finding_one_thing_goes_by_an_index(log: Log, query: str) -> None:
    plan = plan_of(log.connection, EVENTS[query], None)
    if query in {"find_head", "read_from_end"}:
        assert plan == ["SCAN events"], "from the end, as many rows as are asked for"
    else:
        assert scanned_tables(plan) == set()
        assert not any("TEMP B-TREE" in step for step in plan)
