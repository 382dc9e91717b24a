"""A storage that was taken away from under a log: what it had is saved, and nobody starts on half of it."""

import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from arclog.clock import LogClock
from arclog.errors import StorageBusy, StorageDamaged, StorageError
from arclog.sqlite.backup import back_up
from arclog.sqlite.engine import file_log
from arclog.sqlite.holders import LOCKS, check_whole
from arclog.sqlite.log import Log
from arclog.sqlite.schema import open_storage
from tests.contract.engines import append_all, post
from tests.support.fake_time import FakeTime
from tests.support.storage_files import beside, found_again, remove, save

# Removed -------------------------------------------------------------------------------------------------------------


# Saved ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_what_was_in_a_companion_that_was_deleted_is_in_the_storage_again(
    sqlite_log: Log, path: Path, ends: tuple[str, ...]
) -> None:
    append_all(sqlite_log, post("a"), post("b"))
    remove(path, *ends)
    assert save(sqlite_log).kept
    assert found_again(path) == ["a", "b"]


@pytest.mark.parametrize("end", ["", "-wal"])
def test_what_was_cut_off_a_file_is_in_the_storage_again(sqlite_log: Log, path: Path, end: str) -> None:
    append_all(sqlite_log, *(post("a", "x" * 4000) for _ in range(300)))
    os.truncate(beside(path, end), 0)
    assert save(sqlite_log).kept
    assert found_again(path) == ["a"] * 300
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_what_somebody_else_wrote_under_the_name_of_the_wal_is_left_alone(sqlite_log: Log, path: Path) -> None:
    append_all(sqlite_log, post("a"))
    remove(path, "-wal")
    beside(path, "-wal").write_bytes(b"somebody's")
    gone = save(sqlite_log)
    assert not gone.kept
    assert beside(path, "-wal").read_bytes() == b"somebody's"
    (copy,) = path.parent.glob("arc.rescued-*.sqlite3")
    assert str(copy) in str(gone)
    assert found_again(copy) == ["a"]


def test_a_wal_that_another_hub_wrote_again_already_is_taken_for_what_it_is(sqlite_log: Log, path: Path) -> None:
    append_all(sqlite_log, post("a"))
    whole = beside(path, "-wal").read_bytes()
    remove(path, "-wal")
    beside(path, "-wal").write_bytes(whole + b"and what was recorded since")
    assert save(sqlite_log).kept
    assert beside(path, "-wal").read_bytes() == whole + b"and what was recorded since"


def test_a_database_that_was_deleted_is_saved_beside_its_place(sqlite_log: Log, path: Path) -> None:
    append_all(sqlite_log, post("a"))
    remove(path, "", "-wal", "-shm")
    gone = save(sqlite_log)
    assert not gone.kept
    (copy,) = path.parent.iterdir()
    assert str(copy) in str(gone)
    assert found_again(copy) == ["a"]


def test_what_lies_in_the_place_of_a_replaced_database_is_left_alone(
    sqlite_log: Log, path: Path, tmp_path: Path
) -> None:
    append_all(sqlite_log, post("a"))
    open_storage(tmp_path / "new.sqlite3").close()
    before = (tmp_path / "new.sqlite3").read_bytes()
    os.replace(tmp_path / "new.sqlite3", path)  # noqa: PTH105 - what a shell's mv does
    assert "was saved as" in str(save(sqlite_log))
    assert path.read_bytes() == before
    assert found_again(path) == []


def test_a_database_that_was_replaced_by_its_backup_needs_no_saving(
    sqlite_log: Log, path: Path, tmp_path: Path
) -> None:
    append_all(sqlite_log, post("a"))
    back_up(path, tmp_path / "backup.sqlite3")
    remove(path, "-wal", "-shm")
    os.replace(tmp_path / "backup.sqlite3", path)  # noqa: PTH105 - what a shell's mv does
    gone = save(sqlite_log)
    assert gone.kept
    assert list(path.parent.glob("*rescued*")) == []


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not tell where a file went")
def test_a_storage_that_was_moved_with_its_folder_is_whole_where_it_lies_now(tmp_path: Path, time: FakeTime) -> None:
    (tmp_path / "here").mkdir()
    path = tmp_path / "here" / "arc.sqlite3"
    with closing(open_storage(path)) as connection:
        log = file_log(connection, path, LogClock(time))
        append_all(log, post("a"))
        (tmp_path / "here").rename(tmp_path / "there")
        assert f"it lies at {tmp_path / 'there' / 'arc.sqlite3'} now" in str(save(log))
        assert found_again(tmp_path / "there" / "arc.sqlite3") == ["a"]


def test_nothing_is_written_into_a_folder_that_was_deleted_with_the_storage(tmp_path: Path, time: FakeTime) -> None:
    (tmp_path / "here").mkdir()
    path = tmp_path / "here" / "arc.sqlite3"
    with closing(open_storage(path)) as connection:
        log = file_log(connection, path, LogClock(time))
        append_all(log, post("a"))
        shutil.rmtree(path.parent)
        assert "could not be saved, because the folder is gone too" in str(save(log))
    assert list(tmp_path.iterdir()) == []


# Half of a storage ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listed", [True, False], ids=["locks are listed", "locks are not listed"])
@pytest.mark.parametrize("ends", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_nobody_starts_on_a_storage_whose_companions_were_removed_under_another(
    sqlite_log: Log, path: Path, ends: tuple[str, ...], listed: bool
) -> None:
    append_all(sqlite_log, post("a"))
    remove(path, *ends)
    told = r"has the storage .* open, but not all of its files"
    with pytest.raises(StorageBusy, match=told):
        check_whole(path, patience_sec=0.05, locks=LOCKS if listed else path / "nowhere")
    with pytest.raises(StorageBusy, match=told):
        open_storage(path, patience_sec=0.05)


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="the system does not list locks")
def test_nobody_starts_on_a_database_that_was_put_among_the_companions_of_one_in_use(
    sqlite_log: Log, path: Path, tmp_path: Path
) -> None:
    append_all(sqlite_log, post("a"))
    open_storage(tmp_path / "new.sqlite3").close()
    os.replace(tmp_path / "new.sqlite3", path)  # noqa: PTH105 - what a shell's mv does
    with pytest.raises(StorageBusy, match=f"^process {os.getpid()} has the storage"):
        open_storage(path, patience_sec=0.05)


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="the system does not list locks")
def test_companions_that_a_reader_made_anew_do_not_hide_that_another_works_on_others(
    sqlite_log: Log, path: Path
) -> None:
    append_all(sqlite_log, post("a"))
    remove(path, "-wal", "-shm")
    for end in ("-wal", "-shm"):
        beside(path, end).touch()
    with pytest.raises(StorageBusy, match=f"^process {os.getpid()} has the storage"):
        open_storage(path, patience_sec=0.05)


def test_a_storage_that_others_use_as_it_lies_is_opened_at_once(sqlite_log: Log, path: Path) -> None:
    append_all(sqlite_log, post("a"))
    open_storage(path).close()


def test_a_storage_with_a_second_name_is_not_opened_by_either(path: Path) -> None:
    open_storage(path).close()
    other = path.with_name("other.sqlite3")
    other.hardlink_to(path)
    for name in (path, other):
        with pytest.raises(StorageError, match="has 2 names"):
            open_storage(name)


def test_a_database_that_was_cut_to_nothing_is_not_made_anew_while_its_wal_lies_there(path: Path) -> None:
    path.touch()
    beside(path, "-wal").write_bytes(b"what was recorded last")
    with pytest.raises(StorageDamaged, match="it was cut"):
        open_storage(path)
    assert beside(path, "-wal").exists()
