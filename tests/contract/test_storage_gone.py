"""A storage that is taken away: for good, when nobody uses it, or from under a log that does."""

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic

import apsw
import pytest

from arclog.clock import LogClock
from arclog.errors import NotAnArcStorage, StorageBusy, StorageDamaged, StorageError, StorageGone
from arclog.sqlite import holders
from arclog.sqlite.backup import back_up
from arclog.sqlite.connection import open_connection
from arclog.sqlite.engine import file_log
from arclog.sqlite.in_place import OpenFiles
from arclog.sqlite.log import Log
from arclog.sqlite.reads import read
from arclog.sqlite.removal import remove_storage
from arclog.sqlite.rescue import rescue
from arclog.sqlite.schema import open_existing, open_storage
from tests.contract.engines import BY_HTTP, append_all, post
from tests.support.fake_time import FakeTime
from tests.support.foreign_files import make_011_database, make_foreign_database

# Removed -------------------------------------------------------------------------------------------------------------


def test_a_storage_that_nobody_uses_is_removed_with_all_that_belongs_to_it(path: Path) -> None:
    open_storage(path).close()
    path.with_name(path.name + "-wal").touch()
    assert remove_storage(path) == [path, path.with_name(path.name + "-wal")]
    assert list(path.parent.iterdir()) == []


def test_an_empty_file_is_removed_too(path: Path) -> None:
    path.touch()
    assert remove_storage(path) == [path]


def test_a_storage_that_is_in_use_is_not_removed(sqlite_log: Log, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arclog.sqlite.removal.BUSY_WITHIN_MS", 20)
    append_all(sqlite_log, post("a"))
    with pytest.raises(StorageBusy, match=r"is in use: stop what uses it first"):
        remove_storage(path)
    append_all(sqlite_log, post("a"))
    assert sqlite_log.head().event_id == 2


@pytest.mark.parametrize("make", [make_011_database, make_foreign_database])
def test_somebody_elses_file_is_not_removed(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    before = path.read_bytes()
    with pytest.raises(NotAnArcStorage, match="left as it is: delete it by hand"):
        remove_storage(path)
    assert path.read_bytes() == before


# Taken away under the log --------------------------------------------------------------------------------------------

COMPANIONS = ("", "-wal", "-shm")


def beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def found_again(path: Path) -> list[str]:
    """The messages that a hub which starts now finds, by the agents that posted them."""
    with closing(open_existing(path)) as connection:
        return [event.actor for event in read(connection)]


@pytest.mark.parametrize("end", COMPANIONS)
def test_a_storage_of_which_a_file_was_deleted_takes_no_more_events(sqlite_log: Log, path: Path, end: str) -> None:
    append_all(sqlite_log, post("a"))
    beside(path, end).unlink()
    with pytest.raises(StorageGone, match=rf"^arc\.sqlite3{end} was removed"):
        sqlite_log.begin()


@pytest.mark.parametrize("end", COMPANIONS)
def test_a_storage_of_which_a_file_was_replaced_takes_no_more_events(
    sqlite_log: Log, path: Path, tmp_path: Path, end: str
) -> None:
    append_all(sqlite_log, post("a"))
    (tmp_path / "new").touch()
    os.replace(tmp_path / "new", beside(path, end))  # noqa: PTH105 - what a shell's mv does
    with pytest.raises(StorageGone, match=rf"^arc\.sqlite3{end} was replaced"):
        sqlite_log.begin()


@pytest.mark.parametrize("end", ["", "-wal"])
def test_a_storage_of_which_a_file_was_cut_takes_no_more_events(sqlite_log: Log, path: Path, end: str) -> None:
    append_all(sqlite_log, post("a"))
    os.truncate(beside(path, end), 0)
    with pytest.raises(StorageGone, match="cut short"):
        sqlite_log.begin()


@pytest.mark.parametrize("end", COMPANIONS)
def test_a_commit_to_a_file_that_was_taken_away_is_not_taken_for_one(sqlite_log: Log, path: Path, end: str) -> None:
    sqlite_log.begin()
    sqlite_log.append(post("a"), sqlite_log.now(), BY_HTTP)
    beside(path, end).unlink()
    with pytest.raises(StorageGone):
        sqlite_log.commit()


def test_a_wal_that_was_cut_and_written_to_again_is_known_by_its_empty_beginning(sqlite_log: Log, path: Path) -> None:
    append_all(sqlite_log, post("a"))
    sqlite_log.begin()
    sqlite_log.append(post("b"), sqlite_log.now(), BY_HTTP)
    os.truncate(beside(path, "-wal"), 0)
    with pytest.raises(StorageGone, match="cut short"):
        sqlite_log.commit()


def test_a_wal_that_is_cut_in_the_middle_is_missed_though_looks_count_for_a_while(
    sqlite_log: Log, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = OpenFiles(sqlite_log.connection, path, counts_sec=3_600)
    monkeypatch.setattr(sqlite_log, "files", files)
    append_all(sqlite_log, *(post("a") for _ in range(20)))  # each of these commits trusts the look before it
    monkeypatch.setattr(files, "_counts_until", 0.0)
    wal = beside(path, "-wal")
    os.truncate(wal, wal.stat().st_size // 2)
    with pytest.raises(StorageGone, match="cut short"):
        sqlite_log.begin()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells where a file was never written")
def test_a_wal_that_was_cut_in_the_middle_and_written_to_again_is_known_by_its_gap(
    sqlite_log: Log, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = OpenFiles(sqlite_log.connection, path, counts_sec=3_600)
    monkeypatch.setattr(sqlite_log, "files", files)
    append_all(sqlite_log, *(post("a" * 9_000) for _ in range(20)))
    wal = beside(path, "-wal")
    os.truncate(wal, wal.stat().st_size // 2)
    append_all(sqlite_log, post("b"))  # the look before it still counts
    monkeypatch.setattr(files, "_counts_until", 0.0)
    with pytest.raises(StorageGone, match="cut short"):
        sqlite_log.begin()


def test_a_link_that_leads_elsewhere_takes_the_storage_away(tmp_path: Path, time: FakeTime) -> None:
    (tmp_path / "deep").mkdir()
    path = tmp_path / "arc.sqlite3"
    path.symlink_to(tmp_path / "deep" / "arc.sqlite3")
    open_storage(path.resolve()).close()
    with closing(open_storage(path)) as connection:
        log = file_log(connection, path, LogClock(time))
        append_all(log, post("a"))
        path.unlink()
        with pytest.raises(StorageGone):
            log.begin()


def test_a_wal_that_another_process_empties_by_right_is_in_its_place(sqlite_log: Log, path: Path) -> None:
    append_all(sqlite_log, *(post("a", "x" * 4000) for _ in range(50)))
    with closing(open_connection(path)) as other:
        other.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        assert beside(path, "-wal").stat().st_size == 0
        append_all(sqlite_log, post("a"))
    assert sqlite_log.head().event_id == 51


def test_a_database_that_another_program_compacts_is_in_its_place(sqlite_log: Log, path: Path) -> None:
    with closing(open_connection(path)) as other:
        other.execute("CREATE TABLE much (x); INSERT INTO much VALUES (zeroblob(400000))").fetchall()
        other.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        append_all(sqlite_log, post("a"))
        before = path.stat().st_size
        other.execute("DROP TABLE much; VACUUM").fetchall()
        other.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        assert path.stat().st_size < before
        append_all(sqlite_log, post("a"))


def test_a_storage_with_a_second_name_takes_events_again_when_that_is_gone(sqlite_log: Log, path: Path) -> None:
    append_all(sqlite_log, post("a"))
    path.with_name("other.sqlite3").hardlink_to(path)
    with pytest.raises(StorageError, match=r"has 2 names \(hard links\)"):
        sqlite_log.begin()
    path.with_name("other.sqlite3").unlink()
    append_all(sqlite_log, post("a"))


def keep_appending(log: Log, until: float) -> None:
    while monotonic() < until:
        append_all(log, post("a"))


@pytest.mark.parametrize("end", COMPANIONS)
def test_a_look_counts_for_a_while_and_then_a_file_that_was_deleted_is_missed(
    sqlite_log: Log, path: Path, end: str
) -> None:
    counts_sec = 0.1
    files = OpenFiles(sqlite_log.connection, path, counts_sec)
    log = Log(sqlite_log.connection, path, sqlite_log.engine, files)
    append_all(log, post("a"))
    assert files.look()
    looked_at = monotonic()
    beside(path, end).unlink()
    with pytest.raises(StorageGone):
        keep_appending(log, looked_at + 10)
    assert counts_sec <= monotonic() - looked_at < 10


def test_a_hub_whose_look_still_counts_looks_all_the_same_when_another_has_saved_the_wal(
    sqlite_log: Log, path: Path, time: FakeTime
) -> None:
    append_all(sqlite_log, post("a"))
    with closing(open_storage(path)) as connection:
        files = OpenFiles(connection, path, counts_sec=3600.0)
        other = Log(connection, path, file_log(connection, path, LogClock(time)).engine, files)
        append_all(other, post("b"))
        remove(path, "-wal")
        assert save(sqlite_log).kept
        with pytest.raises(StorageGone):
            other.begin()
        other.rollback()
    assert found_again(path) == ["a", "b"]


# Saved ---------------------------------------------------------------------------------------------------------------


def save(log: Log) -> StorageGone:
    with pytest.raises(StorageGone) as noticed:
        log.begin()
    log.rollback()
    return rescue(log, noticed.value)


def remove(path: Path, *ends: str) -> None:
    for end in ends:
        beside(path, end).unlink()


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
        assert "could not be saved, for its folder is gone too" in str(save(log))
    assert list(tmp_path.iterdir()) == []


# Half of a storage ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listed", [True, False], ids=["locks are listed", "locks are not listed"])
@pytest.mark.parametrize("ends", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_nobody_starts_on_a_storage_whose_companions_were_removed_under_another(
    sqlite_log: Log, path: Path, monkeypatch: pytest.MonkeyPatch, ends: tuple[str, ...], listed: bool
) -> None:
    monkeypatch.setattr(holders, "PATIENCE_SEC", 0.05)
    if not listed:
        monkeypatch.setattr(holders, "_LOCKS", path / "nowhere")
    append_all(sqlite_log, post("a"))
    remove(path, *ends)
    with pytest.raises(StorageBusy, match=r"has the storage .* open, but not all of its files"):
        open_storage(path)


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="the system does not list locks")
def test_nobody_starts_on_a_database_that_was_put_among_the_companions_of_one_in_use(
    sqlite_log: Log, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holders, "PATIENCE_SEC", 0.05)
    append_all(sqlite_log, post("a"))
    open_storage(tmp_path / "new.sqlite3").close()
    os.replace(tmp_path / "new.sqlite3", path)  # noqa: PTH105 - what a shell's mv does
    with pytest.raises(StorageBusy, match=f"^process {os.getpid()} has the storage"):
        open_storage(path)


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="the system does not list locks")
def test_companions_that_a_reader_made_anew_do_not_hide_that_another_works_on_others(
    sqlite_log: Log, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holders, "PATIENCE_SEC", 0.05)
    append_all(sqlite_log, post("a"))
    remove(path, "-wal", "-shm")
    for end in ("-wal", "-shm"):
        beside(path, end).touch()
    with pytest.raises(StorageBusy, match=f"^process {os.getpid()} has the storage"):
        open_storage(path)


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
