"""The WAL is emptied beside the writer, and never grows without bound."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from msgspec.structs import replace

from arclog.deciders.messages import PostMessage
from arclog.sqlite import wal
from arclog.sqlite.connection import open_connection
from arclog.sqlite.schema import open_storage
from projections.hub.recorder import Recorder
from tests.support.recorders import events_in, execute_all, recording
from tests.support.waiting import wait_until

PAGE = 4096


SMALL_STEPS = wal.WalSizes(passive_pages=50, limit_pages=200, largest_pages=400)


@pytest.fixture
def recorder(storage: Path) -> Iterator[Recorder]:
    with recording(storage, wal=SMALL_STEPS) as recorder:
        yield recorder


def write(recorder: Recorder, pages: int) -> None:
    execute_all(recorder, [PostMessage(from_agent="a", body="x" * PAGE) for _ in range(pages)])


def wal_of(storage: Path) -> int:
    return storage.with_name(storage.name + "-wal").stat().st_size // PAGE


def test_what_was_committed_is_copied_into_the_database_beside_the_writer(recorder: Recorder, storage: Path) -> None:
    before = storage.stat().st_size
    write(recorder, 100)
    wait_until(lambda: storage.stat().st_size > before + 50 * PAGE, what="the copy")


def test_the_wal_stays_bounded_under_load(recorder: Recorder, storage: Path) -> None:
    for _ in range(200):
        write(recorder, 20)
    assert len(events_in(storage)) == 2 + 200 * 20
    assert wal_of(storage) < 200 * 20 * 2 / 2, "half of what was written"


def test_the_wal_shrinks_soon_after_a_reader_that_stayed_has_left(storage: Path) -> None:
    with recording(storage) as recorder:
        write(recorder, 10)
        with closing(open_connection(storage, read_only=True)) as reader:
            reader.execute("BEGIN; SELECT count(*) FROM events").fetchall()
            for _ in range(50):
                write(recorder, 200)
            assert wal_of(storage) > 10_000, "10,000 messages, which the reader keeps there"
        wait_until(lambda: wal_of(storage) <= 1_000, what="a WAL of 4 MB at most")
        write(recorder, 1)
        wait_until(lambda: storage.stat().st_size > 10_000 * PAGE, what="everything in the database")
    assert len(events_in(storage)) == 2 + 10 + 10_000 + 1


def test_a_reader_that_stays_has_the_writer_copy_now_and_then_and_not_with_every_commit(storage: Path) -> None:
    with recording(storage, wal=SMALL_STEPS) as recorder:
        with closing(open_connection(storage, read_only=True)) as reader:
            reader.execute("BEGIN; SELECT count(*) FROM events").fetchall()
            due = 0
            for _ in range(100):
                write(recorder, 10)
                due += recorder.copies_much
        assert 10 < due < 30


def test_what_is_written_after_a_reader_has_left_cuts_the_wal_to_its_limit(storage: Path) -> None:
    with recording(storage, wal=replace(SMALL_STEPS, calm_sec=1000.0)) as recorder:
        with closing(open_connection(storage, read_only=True)) as reader:
            reader.execute("BEGIN; SELECT count(*) FROM events").fetchall()
            for _ in range(20):
                write(recorder, 100)
            assert wal_of(storage) > 2_000

        def is_cut() -> bool:
            write(recorder, 20)
            return wal_of(storage) < 600

        wait_until(is_cut, what="a WAL that began anew")


def test_nothing_is_copied_from_files_that_are_not_in_their_place(storage: Path) -> None:
    looked: list[None] = []

    def is_in_place() -> bool:
        looked.append(None)
        return False

    checkpointer = wal.Checkpointer(storage, is_in_place, SMALL_STEPS)
    with closing(open_storage(storage)) as connection:
        checkpointer.watch(connection, lambda _pages: None)
        checkpointer.start()
        connection.execute("CREATE TABLE much (x); INSERT INTO much VALUES (zeroblob(400000))").fetchall()
        before = storage.stat().st_size
        wait_until(lambda: looked, what="the thread to ask")
        checkpointer.stop()
        assert storage.stat().st_size == before


def test_a_copy_that_fails_harms_nobody(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[None] = []

    def fail(_path: Path) -> apsw.Connection:
        tried.append(None)
        raise apsw.IOError

    monkeypatch.setattr(wal, "open_connection", fail)
    with recording(storage, wal=SMALL_STEPS) as recorder:
        write(recorder, 100)
        wait_until(lambda: tried, what="a failing copy")
        write(recorder, 100)
    assert len(events_in(storage)) == 202


def test_a_storage_that_was_closed_in_good_order_is_one_file(storage: Path) -> None:
    with recording(storage) as recorder:
        write(recorder, 100)
    assert [path.name for path in storage.parent.iterdir()] == [storage.name]


def test_a_wal_that_began_anew_while_it_was_copied_is_copied_again_when_it_has_grown(storage: Path) -> None:
    checkpointer = wal.Checkpointer(storage, sizes=SMALL_STEPS)
    connection = apsw.Connection(":memory:")
    checkpointer.watch(connection, lambda _pages: None)
    checkpointer._copied = 190  # what the thread notes when the writer has emptied the WAL meanwhile
    checkpointer._committed(connection, "main", 49)
    assert not checkpointer._grown.is_set()
    checkpointer._committed(connection, "main", 50)
    assert checkpointer._grown.is_set()
