"""A storage that is taken away: for good, when nobody uses it, or from under a log that does."""

import os
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic

import apsw
import pytest

from arclog.clock import LogClock
from arclog.errors import NotAnArcStorage, StorageBusy, StorageError, StorageGone
from arclog.sqlite.connection import open_connection
from arclog.sqlite.engine import file_log
from arclog.sqlite.in_place import OpenFiles
from arclog.sqlite.log import Log
from arclog.sqlite.removal import remove_storage
from arclog.sqlite.schema import open_storage
from arclog.sqlite.wal import Checkpointer
from tests.contract.engines import BY_HTTP, append_all, post
from tests.support.fake_time import FakeTime
from tests.support.foreign_files import make_011_database, make_foreign_database
from tests.support.storage_files import COMPANIONS, beside, found_again, remove, save

# Removed -------------------------------------------------------------------------------------------------------------


def test_a_storage_that_nobody_uses_is_removed_with_all_that_belongs_to_it(path: Path) -> None:
    open_storage(path).close()
    path.with_name(path.name + "-wal").touch()
    assert remove_storage(path) == [path, path.with_name(path.name + "-wal")]
    assert list(path.parent.iterdir()) == []


def test_an_empty_file_is_removed_too(path: Path) -> None:
    path.touch()
    assert remove_storage(path) == [path]


def test_a_storage_that_is_in_use_is_not_removed(sqlite_log: Log, path: Path) -> None:
    append_all(sqlite_log, post("a"))
    with pytest.raises(StorageBusy, match=r"is in use: stop what uses it first"):
        remove_storage(path, busy_within_ms=20)
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


def trusted(log: Log, path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenFiles:
    """The files of a log, of which a look counts for long; each commit says how long the WAL is, as in a hub."""
    files = OpenFiles(log.connection, path, counts_sec=3_600)
    Checkpointer(path).watch(log.connection, files.remember)
    monkeypatch.setattr(log, "files", files)
    return files


def test_a_wal_that_is_cut_in_the_middle_is_missed_though_looks_count_for_a_while(
    sqlite_log: Log, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = trusted(sqlite_log, path, monkeypatch)
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
    files = trusted(sqlite_log, path, monkeypatch)
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
