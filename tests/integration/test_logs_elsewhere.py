"""A log is copied between storages and engines byte for byte, and verified where an engine keeps it."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from msgspec.structs import replace

from arclog.errors import CopyAlone, CutOff, InvalidInput
from arclog.proof.elsewhere import verify_elsewhere
from arclog.proof.verify import verify_chain
from projections.moving.copying import Source, copy_to_engine, copy_to_file, source_at, source_in_file
from projections.rebuilding.verification import verify_storage
from tests.support.memory_engine import MemoryLog
from tests.support.recorders import events_in, post, recording
from tests.support.told import tell


def in_file(path: Path, stack: ExitStack) -> Source:
    return source_in_file(path, stack)


def test_a_log_goes_to_an_engine_and_back(tmp_path: Path) -> None:
    tell(tmp_path / "told.sqlite3")
    log = MemoryLog()
    with ExitStack() as stack:
        there = copy_to_engine(in_file(tmp_path / "told.sqlite3", stack), log.join(), log.head())
    assert verify_elsewhere(log.join()).digest == there.digest == verify_chain(tmp_path / "told.sqlite3").digest
    back = copy_to_file(source_at(log.join()), tmp_path / "back.sqlite3")
    assert back == there
    assert events_in(tmp_path / "back.sqlite3") == events_in(tmp_path / "told.sqlite3")
    report = verify_storage(tmp_path / "back.sqlite3", False, lambda _d, _a: None, lambda _d, _a: None)
    assert (report.findings, report.compared) == ((), True)


def test_a_copy_that_was_broken_off_goes_on_where_it_was(tmp_path: Path) -> None:
    tell(tmp_path / "told.sqlite3")
    log = MemoryLog()
    with ExitStack() as stack:
        source = in_file(tmp_path / "told.sqlite3", stack)
        whole = copy_to_engine(source, log.join(), log.head())
        log.restore(5)
        assert copy_to_engine(source, log.join(), log.head()).events == whole.events - 5
        assert copy_to_engine(source, log.join(), log.head()).events == 0


def test_a_storage_that_a_hub_has_served_has_the_tables_of_what_was_copied_into_it(tmp_path: Path) -> None:
    tell(tmp_path / "told.sqlite3")
    log, copy = MemoryLog(), tmp_path / "copy.sqlite3"
    with ExitStack() as stack:
        copy_to_engine(in_file(tmp_path / "told.sqlite3", stack), log.join(), log.head())
    later = log.events[5:]
    log.restore(5)
    copy_to_file(source_at(log.join()), copy)
    with recording(copy):
        pass
    log.events += later
    assert copy_to_file(source_at(log.join()), copy).events == len(later)
    report = verify_storage(copy, False, lambda _d, _a: None, lambda _d, _a: None)
    assert (report.findings, report.compared) == ((), True)


def test_what_is_not_the_beginning_of_the_log_is_refused(tmp_path: Path) -> None:
    tell(tmp_path / "told.sqlite3")
    log = MemoryLog()
    with recording(tmp_path / "other.sqlite3", remote=log.join()) as recorder:
        recorder.execute(post())
    with ExitStack() as stack, pytest.raises(InvalidInput, match="is not that of"):
        copy_to_engine(in_file(tmp_path / "told.sqlite3", stack), log.join(), log.head())


def test_a_hubs_copy_takes_no_other_events(tmp_path: Path) -> None:
    log = MemoryLog()
    with recording(tmp_path / "copy.sqlite3", remote=log.join()):
        pass
    with pytest.raises(CopyAlone):
        copy_to_file(source_at(log.join()), tmp_path / "copy.sqlite3")
    with pytest.raises(CopyAlone), recording(tmp_path / "copy.sqlite3"):
        pass


def test_a_change_is_named_and_not_copied(tmp_path: Path) -> None:
    log = MemoryLog()
    with recording(tmp_path / "a.sqlite3", remote=log.join()) as recorder:
        for number in range(5):
            recorder.execute(post(body=str(number)))
    log.events[3] = replace(log.events[3], actor="somebody")
    assert [finding.event_id for finding in verify_elsewhere(log.join()).findings] == [4]
    with pytest.raises(CutOff, match="event 4"):
        copy_to_file(source_at(log.join()), tmp_path / "b.sqlite3")


def test_a_hub_that_lags_far_reads_without_the_lock_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = MemoryLog()
    with (
        recording(tmp_path / "a.sqlite3", remote=log.join()) as one,
        recording(tmp_path / "b.sqlite3", remote=log.join()) as two,
    ):
        monkeypatch.setattr("projections.hub.following.MOST_TOLD", 3)
        for number in range(9):
            one.execute(post(body=str(number)))
        assert two.follow().after == -1, "everybody reads again"
        one.execute(post(body="last"))
        followed = two.follow()
        assert [message.event_id for message in followed.messages] == [followed.head]
