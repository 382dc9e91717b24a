"""What a connection remembers of messages."""

import gc
from pathlib import Path
from weakref import ref

import apsw

from projections.recent import MAX_BYTES, MAX_MESSAGE_BYTES, Recent, recent_of


def test_a_message_is_remembered_unless_it_is_long() -> None:
    recent = Recent()
    recent.keep(1, b"x" * MAX_MESSAGE_BYTES)
    recent.keep(2, b"x" * (MAX_MESSAGE_BYTES + 1))
    assert list(recent) == [1]


def test_it_never_remembers_more_than_so_many_bytes() -> None:
    recent = Recent()
    for event_id in range(3 * MAX_BYTES // MAX_MESSAGE_BYTES):
        recent.keep(event_id, b"x" * MAX_MESSAGE_BYTES)
        assert sum(map(len, recent.values())) <= MAX_BYTES
        assert event_id in recent


def test_a_connection_that_could_write_remembers_nothing() -> None:
    connection = apsw.Connection(":memory:")
    recent_of(connection).keep(1, b"{}")
    assert recent_of(connection) == {}


def test_every_connection_remembers_for_itself_and_is_forgotten_with_what_it_remembers(tmp_path: Path) -> None:
    path = str(tmp_path / "arc.sqlite3")
    apsw.Connection(path).execute("CREATE TABLE t (a)")
    one, other = (apsw.Connection(path, apsw.SQLITE_OPEN_READONLY) for _ in range(2))
    recent_of(one).keep(1, b"{}")
    assert recent_of(one) == {1: b"{}"}
    assert recent_of(other) == {}
    gone = ref(one)
    one.close()
    del one
    gc.collect()
    assert gone() is None
