"""Differences: which tables do not follow from the log, and how that is told: the row, the column, and both values.

The tables of a storage are compared with those of a replay, which are attached to it as `replayed`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import Final

import apsw
from msgspec import Struct

from arclog.proof.findings import Finding
from projections.all_projectors import PROJECTORS
from projections.projector import Row

TABLES: Final = tuple(table for projector in PROJECTORS for table in projector.tables)
BEFORE_CHARS: Final = 20
"""How much of a long value is shown before the place where it differs."""
SHOWN_CHARS: Final = 80


class Difference(Struct, frozen=True):
    """The first row at which a table is not what the log says; None stands for no row.

    `event_id` is the event that made the row.
    """

    table: str
    columns: tuple[str, ...]
    live: Row | None
    replayed: Row | None
    event_id: int


@contextmanager
def attached(live: apsw.Connection, replayed: str) -> Iterator[None]:
    """Have one state of a storage beside the tables that were replayed."""
    live.execute("ATTACH ? AS replayed", (replayed,))
    try:
        live.execute("BEGIN")
        try:
            yield
        finally:
            live.execute("ROLLBACK")
    finally:
        live.execute("DETACH replayed")


def find_differences(
    live: apsw.Connection, replayed: apsw.Connection, tables: Iterable[str] = TABLES
) -> Iterator[Difference]:
    """The first difference of each of `tables`, none when they are the same row by row."""
    for table in tables:
        columns = _columns_of(replayed, table)
        made_by = columns.index("from_event" if "from_event" in columns else "event_id")
        query = f'SELECT * FROM "{table}" ORDER BY 1, 2'  # noqa: S608 - table names are ours
        for one, other in zip_longest(live.execute(query), replayed.execute(query)):
            if one != other:
                # Of two different rows the first in order is the one that the other table lacks.
                row = min((row for row in (other, one) if row is not None), key=_place)
                yield Difference(table, tuple(columns), one, other, row[made_by])
                break


def find_unlike(connection: apsw.Connection) -> Iterator[str]:
    """The tables that differ from those that are `attached`; this takes a third of what `find_differences` takes."""
    return (table for table in TABLES if not is_alike(connection, table))


def is_alike(connection: apsw.Connection, table: str) -> bool:
    """Whether a table is the same as the one that is `attached`."""
    same = " AND ".join(f'ours."{column}" IS theirs."{column}"' for column in _columns_of(connection, table))
    here, there, alike = connection.execute(
        f'SELECT (SELECT count(*) FROM main."{table}"), (SELECT count(*) FROM replayed."{table}"), '  # noqa: S608
        f'(SELECT count(*) FROM replayed."{table}" AS theirs CROSS JOIN main."{table}" AS ours ON {same})'
    ).get
    return bool(here == there == alike)


def tell_difference(difference: Difference) -> Finding:
    """The first row at which a table is not what the log says, in one line."""
    live, replayed, row = difference.live, difference.replayed, f"the row of event {difference.event_id}"
    if live is not None and replayed is not None and live[:2] == replayed[:2]:
        column = next(n for n, (one, other) in enumerate(zip(live, replayed, strict=True)) if one != other)
        is_, should_be = _side_by_side(live[column], replayed[column])
        problem = f"{difference.columns[column]} in {row} is {is_}, by the log {should_be}"
    elif replayed is None or (live is not None and live[:2] < replayed[:2]):
        assert live is not None
        problem = f"{row}, which does not follow from the log, is there: {_shown(difference.columns, live)}"
    else:
        problem = f"{row} is not there, by the log it is {_shown(difference.columns, replayed)}"
    return Finding("projection", "differs", difference.event_id, f"table {difference.table}: {problem}")


def _shown(columns: tuple[str, ...], row: Row) -> str:
    values = zip(columns, row, strict=True)
    return ", ".join(f"{name}={_cut(value, 0)}" for name, value in values if value is not None)


def _side_by_side(one: object, other: object) -> tuple[str, str]:
    """Two values, long ones from shortly before the place where they part."""
    if isinstance(one, str | bytes) and isinstance(other, str | bytes) and type(one) is type(other):
        pairs = zip(one, other, strict=False)
        same = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
        return _cut(one, same), _cut(other, same)
    return _cut(one, 0), _cut(other, 0)


def _cut(value: object, place: int) -> str:
    if not isinstance(value, str | bytes) or len(value) <= SHOWN_CHARS:
        return repr(value)
    start = max(0, place - BEFORE_CHARS)
    end = start + SHOWN_CHARS
    return f"{'…' if start else ''}{value[start:end]!r}{'…' if end < len(value) else ''}"


def _columns_of(connection: apsw.Connection, table: str) -> list[str]:
    return [str(name) for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def _place(row: Row) -> Row:
    return row[:2]
