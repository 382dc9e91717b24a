"""A storage that is only read: it is there, it is ours, and it stays as it is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from arclog.errors import NotAnArcStorage, StorageError
from arclog.sqlite.schema import find_setting, get_instance_id, open_existing, open_storage, set_setting


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
    monkeypatch.setattr("arclog.sqlite.schema.os.access", lambda _path, _mode: False)


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
    with pytest.raises(StorageError, match=f"copy the storage together with {wal.name} to a folder that you"):
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
