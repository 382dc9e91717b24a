"""Writers: the live hub's and the rebuild's write the same rows, however little they remember."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import apsw
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from projections.intervals import CURRENT, node_of
from projections.live_writer import LiveWriter
from projections.projector import Writer
from projections.rebuilding.rebuild_writer import Bounds, RebuildWriter
from projections.versions import LONG, Version, Versioned


class Lamp(Struct, frozen=True):
    """A row of a table of versions."""

    name: str
    state: str


LAMPS = Versioned("lamps", Lamp, free_text=("state",))


@contextmanager
def lamp_table() -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(":memory:")) as connection:
        connection.execute(
            "CREATE TABLE lamps (name TEXT, from_event INTEGER, until_event INTEGER, node INTEGER, state TEXT, "
            "PRIMARY KEY (name, from_event)) STRICT, WITHOUT ROWID"
        )
        yield connection


def bulk_writer(connection: apsw.Connection, room: int) -> RebuildWriter:
    return RebuildWriter(connection, Bounds(room, room, room))


WRITERS: tuple[Callable[[apsw.Connection, int], LiveWriter | RebuildWriter], ...] = (
    LiveWriter,
    bulk_writer,
)


def switch(writer: Writer, switches: list[tuple[str, str]]) -> list[str | None]:
    """Change lamps, one an event and a batch; what each was before."""
    before = []
    for event_id, (name, state) in enumerate(switches, 1):
        present = writer.find(LAMPS, name)
        before.append(None if present is None else present.row.state)
        version = Version(event_id, Lamp(name, state))
        if present is None or event_id % 2:
            assert writer.replace(LAMPS, name, version) == present
        else:
            writer.replace_found(LAMPS, name, present, version)
        end_batch(writer)
    return before


def end_batch(writer: Writer) -> None:
    if isinstance(writer, LiveWriter):
        writer.end_batch()


@settings(deadline=None, database=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["on", "off", "x" * LONG, "x" * (LONG + 1)]))),
    st.sampled_from([2, 3, 100]),
)
def test_every_writer_keeps_the_same_versions_however_little_it_remembers(
    switches: list[tuple[str, str]], room: int
) -> None:
    told, rows = [], []
    for kind in WRITERS:
        with lamp_table() as connection:
            writer = kind(connection, room)
            told.append(switch(writer, switches))
            if isinstance(writer, RebuildWriter):
                writer.flush()
            rows.append(connection.execute("SELECT * FROM lamps ORDER BY name, from_event").fetchall())
    expected: list[tuple[str, int, int, int | None, str]] = []
    last: dict[str, tuple[int, str]] = {}
    for event_id, (name, state) in enumerate(switches, 1):
        if name in last:
            began, old = last[name]
            expected.append((name, began, event_id, node_of(began, event_id), old))
        last[name] = event_id, state
    expected += [(name, began, CURRENT, None, state) for name, (began, state) in last.items()]
    assert rows[0] == rows[1] == sorted(expected, key=lambda row: row[:2])
    assert told[0] == told[1]


@settings(deadline=None, database=None)
@given(st.lists(st.sampled_from("abcdefgh")), st.sampled_from([2, 3, 100]))
def test_every_writer_counts_on_however_little_it_remembers(keys: list[str], room: int) -> None:
    for kind in WRITERS:
        with closing(apsw.Connection(":memory:")) as connection:
            connection.execute("CREATE TABLE t (key TEXT, number INTEGER)")
            writer = kind(connection, room)
            numbers = []
            for key in keys:
                numbers.append(writer.count("SELECT number FROM t WHERE key = ? ORDER BY number DESC LIMIT 1", key))
                writer.write("INSERT INTO t VALUES (?, ?)", (key, numbers[-1]))
                end_batch(writer)
        assert numbers == [keys[:place].count(key) for place, key in enumerate(keys, 1)]


def test_a_rebuild_writes_each_version_once() -> None:
    statements: list[str] = []
    with lamp_table() as lamps:
        lamps.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: statements.append(event["sql"]))
        writer = RebuildWriter(lamps)
        switch(writer, [("a", "on"), ("b", "on"), ("a", "off"), ("b", "off"), ("a", "on")])
        writer.flush()
    assert statements == [LAMPS.insert] * 5


def test_a_bulk_writer_keeps_a_bounded_number_of_rows() -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t (a INTEGER)")
    writer = RebuildWriter(connection, Bounds(rows=3))
    for number in range(7):
        writer.write("INSERT INTO t VALUES (?)", (number,))
    assert connection.execute("SELECT count(*) FROM t").get == 6
    writer.flush()
    assert connection.execute("SELECT count(*) FROM t").get == 7


def test_a_live_writer_forgets_everything_at_the_end_of_a_batch_after_which_it_has_too_much() -> None:
    with lamp_table() as lamps:
        writer = LiveWriter(lamps, room=3)
        for number, remembered in enumerate((1, 2, 3, 0, 1), 1):
            writer.replace(LAMPS, f"lamp-{number}", Version(number, Lamp(f"lamp-{number}", "on")))
            writer.end_batch()
            assert len(writer.memory) == remembered
