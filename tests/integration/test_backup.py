"""Backups: whole, while the hub writes, and restored as a life of its own."""

import errno
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from arclog.deciders.messages import PostMessage
from arclog.errors import InvalidInput, NotAnArcStorage, StorageDamaged, StorageError
from arclog.progress import no_progress
from arclog.sqlite.backup import Copy, back_up
from arclog.sqlite.new_file import new_file
from arclog.sqlite.reads import read_head
from arclog.sqlite.schema import get_instance_id, get_origin, open_existing
from projections.moving.transfer import Transferred, restore
from projections.rebuilding.verification import verify_storage
from tests.support.recorders import recording
from tests.support.tampering import build_storage, flip_bit, tampering


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return build_storage(tmp_path / "arc.sqlite3", 100)


def identity(storage: Path) -> tuple[str, str]:
    with closing(open_existing(storage)) as connection:
        return get_instance_id(connection), get_origin(connection)


def test_a_backup_is_the_same_storage(storage: Path, tmp_path: Path) -> None:
    copy = back_up(storage, tmp_path / "backup.sqlite3")
    report = verify_storage(tmp_path / "backup.sqlite3", False, no_progress, no_progress)
    assert report.findings == ()
    assert report.compared
    assert (copy.head, copy.digest) == (100, report.digest)
    assert identity(tmp_path / "backup.sqlite3") == identity(storage)


def test_a_backup_is_one_file_that_its_owner_alone_may_read(storage: Path, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    back_up(storage, tmp_path / "backups" / "one.sqlite3")
    assert [file.name for file in (tmp_path / "backups").iterdir()] == ["one.sqlite3"]
    assert (tmp_path / "backups" / "one.sqlite3").stat().st_mode & 0o777 == 0o600


def test_backups_made_while_a_hub_writes_are_whole(storage: Path, tmp_path: Path) -> None:
    done = threading.Event()

    def write() -> None:
        with recording(storage) as recorder:
            while not done.is_set():
                recorder.execute(PostMessage(from_agent="a", body="x" * 2000))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        heads = [back_up(storage, tmp_path / f"{number}.sqlite3").head for number in range(5)]
    finally:
        done.set()
        writer.join()
    for number, head in enumerate(heads):
        report = verify_storage(tmp_path / f"{number}.sqlite3", False, no_progress, no_progress)
        assert (report.findings, report.head, report.compared) == ((), head, True)
    assert heads == sorted(heads)


def test_a_backup_has_what_is_still_in_the_wal(storage: Path, tmp_path: Path) -> None:
    with recording(storage) as recorder:
        recorder.execute(PostMessage(from_agent="a", body="not in the database file yet"))
        assert back_up(storage, tmp_path / "backup.sqlite3").head == 101


def test_a_restored_storage_has_a_new_instance_id_and_remembers_where_it_began(storage: Path, tmp_path: Path) -> None:
    back_up(storage, tmp_path / "backup.sqlite3")
    copy = restore(tmp_path / "backup.sqlite3", tmp_path / "restored.sqlite3")
    original, origin = identity(storage)
    assert identity(tmp_path / "restored.sqlite3") == (copy.instance_id, origin)
    assert copy.instance_id != original
    assert verify_storage(tmp_path / "restored.sqlite3", False, no_progress, no_progress).findings == ()
    assert identity(tmp_path / "backup.sqlite3") == (original, origin)


def test_nothing_is_ever_overwritten(storage: Path, tmp_path: Path) -> None:
    back_up(storage, tmp_path / "backup.sqlite3")
    with pytest.raises(InvalidInput, match="is there already"):
        back_up(storage, tmp_path / "backup.sqlite3")
    with pytest.raises(InvalidInput, match="is there already"):
        restore(tmp_path / "backup.sqlite3", storage)


@pytest.mark.parametrize("copy", [back_up, restore])
def test_a_damaged_log_is_not_copied(
    storage: Path, tmp_path: Path, copy: Callable[[Path, Path], Copy | Transferred]
) -> None:
    with tampering(storage) as connection:
        flip_bit(connection, 40, "actor", 0)
    with pytest.raises(StorageDamaged, match="event 40"):
        copy(storage, tmp_path / "copy.sqlite3")
    assert not (tmp_path / "copy.sqlite3").exists()


def test_what_is_no_storage_is_neither_backed_up_nor_restored(tmp_path: Path) -> None:
    with closing(apsw.Connection(str(tmp_path / "other.db"))) as connection:
        connection.execute("CREATE TABLE t (x)")
    for make in (back_up, restore):
        with pytest.raises(NotAnArcStorage):
            make(tmp_path / "other.db", tmp_path / "copy.sqlite3")
        with pytest.raises(StorageError, match="there is no storage"):
            make(tmp_path / "nothing", tmp_path / "copy.sqlite3")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["other.db"]


def test_a_copy_that_cannot_be_written_leaves_nothing(storage: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"there is no folder .*/no such folder for backup\.sqlite3"):
        back_up(storage, tmp_path / "no such folder" / "backup.sqlite3")


def write_as_somebody_else_does(target: Path) -> None:
    with new_file(target) as draft:
        draft.write_text("ours")
        target.write_text("theirs")


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_came_meanwhile_is_not_overwritten(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "copy"

    def refuse(_self: Path, _target: Path) -> None:
        raise PermissionError(errno.EPERM, "this filesystem has no hard links")

    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    with pytest.raises(InvalidInput, match="is there already"):
        write_as_somebody_else_does(target)
    assert target.read_text() == "theirs"
    target.unlink()
    with new_file(target) as draft:
        draft.write_text("ours")
    assert target.read_text() == "ours"
    assert list(tmp_path.iterdir()) == [target]


def test_a_name_is_given_and_refused_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks, then renames, overwrites what comes in between."""
    target = tmp_path / "copy"
    monkeypatch.setattr(Path, "exists", lambda _self: False)
    with pytest.raises(InvalidInput, match="is there already"):
        write_as_somebody_else_does(target)
    assert target.read_text() == "theirs"


def test_a_restored_storage_takes_calls(storage: Path, tmp_path: Path) -> None:
    back_up(storage, tmp_path / "backup.sqlite3")
    restore(tmp_path / "backup.sqlite3", tmp_path / "restored.sqlite3")
    with recording(tmp_path / "restored.sqlite3") as recorder:
        recorder.execute(PostMessage(from_agent="a", body="on"))
    with closing(open_existing(tmp_path / "restored.sqlite3")) as connection:
        assert read_head(connection).event_id == 101
