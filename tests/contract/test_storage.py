"""The file that keeps the log: made once, recognised ever after, never mistaken for somebody else's."""

import sqlite3
import stat
import threading
from pathlib import Path

import apsw
import pytest

from arclog.errors import NotAnArcStorage, StorageError
from arclog.sqlite.connection import APPLICATION_ID, create_file
from arclog.sqlite.schema import (
    find_setting,
    get_instance_id,
    new_instance_id,
    open_existing,
    open_storage,
    set_setting,
)
from tests.support.foreign_files import make_011_database, make_foreign_database, make_named_foreign_database

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


@pytest.mark.parametrize("place", ["missing/arc.sqlite3", "file/arc.sqlite3"])
def test_a_place_where_no_file_can_be_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=f"cannot create the storage .*{place}: (No such file|Not a directory)"):
        open_storage(tmp_path / place)


def test_a_folder_is_no_storage(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        open_storage(tmp_path)


# Other people's files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (make_011_database, "is a database of Arc 0.1.1; it is left as it is"),
        (make_foreign_database, "is another program's database: choose another file"),
        (make_named_foreign_database, "is another program's database"),
        (lambda path: path.write_text("Dear diary,\n" * 500), "is not an Arc storage"),
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


@pytest.mark.parametrize("version", [0, 4, 99])
def test_a_storage_of_another_format_is_refused(path: Path, version: int) -> None:
    connection = open_storage(path)
    connection.pragma("user_version", version)
    connection.close()
    for opening in (open_storage, open_existing):
        with pytest.raises(NotAnArcStorage, match=f"has format {version}, this Arc reads formats 1 to 3"):
            opening(path)


def test_an_sqlite_that_can_corrupt_a_shared_wal_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "SQLITE_VERSION_NUMBER", 3_051_002)
    with pytest.raises(StorageError, match="can corrupt a shared WAL file; install apsw"):
        open_storage(path)


def test_a_filesystem_on_which_a_wal_cannot_be_shared_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_there(path: Path, **_how: object) -> apsw.Connection:
        return apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE, vfs="unix-dotfile")

    monkeypatch.setattr("arclog.sqlite.schema.open_connection", open_there)
    with pytest.raises(StorageError, match="does not support WAL: put the storage on a local disk"):
        open_storage(path)
