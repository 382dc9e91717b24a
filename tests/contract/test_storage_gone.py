"""A storage that is taken away: for good, when nobody uses it, or from under a log that does."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from arclog.clock import LogClock
from arclog.errors import NotAnArcStorage, StorageBusy, StorageGone
from arclog.sqlite.engine import file_log
from arclog.sqlite.log import LOOK_AGAIN, Log
from arclog.sqlite.removal import remove_storage
from arclog.sqlite.schema import open_storage
from tests.contract.engines import append_all, post
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


# Deleted or replaced under the log -----------------------------------------------------------------------------------


def test_a_storage_that_was_deleted_takes_no_more_events(sqlite_log: Log, path: Path, time: FakeTime) -> None:
    append_all(sqlite_log, post("a"))
    path.unlink()
    time.pass_sec(LOOK_AGAIN / 1e6)
    with pytest.raises(StorageGone, match="was deleted or replaced while in use: restart the hub"):
        sqlite_log.begin()
    with pytest.raises(StorageGone):
        sqlite_log.check_in_place()


def test_a_storage_that_was_replaced_takes_no_more_events(
    sqlite_log: Log, path: Path, tmp_path: Path, time: FakeTime
) -> None:
    append_all(sqlite_log, post("a"))
    open_storage(tmp_path / "new.sqlite3").close()
    os.replace(tmp_path / "new.sqlite3", path)  # noqa: PTH105 - what a shell's mv does
    time.pass_sec(LOOK_AGAIN / 1e6)
    with pytest.raises(StorageGone):
        sqlite_log.begin()


def test_a_storage_is_looked_for_when_a_look_is_due_and_not_with_every_event(
    sqlite_log: Log, path: Path, time: FakeTime
) -> None:
    append_all(sqlite_log, post("a"))
    path.rename(path.with_suffix(".away"))
    time.pass_sec(LOOK_AGAIN / 1e6 - 0.001)
    append_all(sqlite_log, post("a"))
    time.pass_sec(0.001)
    with pytest.raises(StorageGone):
        sqlite_log.begin()


def test_a_wall_clock_that_was_set_back_before_a_restart_puts_off_no_look(path: Path) -> None:
    early = FakeTime()
    with closing(open_storage(path)) as connection:
        append_all(file_log(connection, path, LogClock(early)), post("a"))
    late = FakeTime(wall=early.wall() + 3_600_000_000)
    with closing(open_storage(path)) as connection:
        log = file_log(connection, path, LogClock(late))
        append_all(log, post("a"))
        path.unlink()
        late.pass_sec(LOOK_AGAIN / 1e6)
        with pytest.raises(StorageGone):
            log.begin()


def test_a_storage_that_was_moved_away_and_back_goes_on(sqlite_log: Log, path: Path, time: FakeTime) -> None:
    append_all(sqlite_log, post("a"))
    path.rename(path.with_suffix(".away"))
    time.pass_sec(LOOK_AGAIN / 1e6)
    with pytest.raises(StorageGone):
        sqlite_log.begin()
    path.with_suffix(".away").rename(path)
    append_all(sqlite_log, post("a"))
    assert sqlite_log.head().event_id == 2
