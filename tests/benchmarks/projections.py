"""Rebuilding the tables from the log, and verifying the log."""

import contextlib
import itertools
import time
from collections.abc import Iterator
from typing import Final

import apsw

from arclog.sqlite.schema import open_storage
from projections.all_projectors import PROJECTORS
from projections.rebuilding.rebuild import bring_up_to_date
from tests.benchmarks.bench import FEW, Bench, Line
from tests.benchmarks.figures import ARC, Curve, Row, at_least, at_most, figure
from tests.benchmarks.process import OURS, run_arc

BARE: Final = "bare SQLite, the same rows"
CHUNK: Final = 5_000
MANY: Final = 100_000


def rebuild(bench: Bench) -> Iterator[Row]:
    """All tables from the log, in turns with SQLite alone inserting the same rows and making the same indexes."""
    usual = MANY if MANY in bench.effort.sizes else bench.largest
    ours: list[float] = []
    bare: list[float] = []
    for _ in bench.turns():
        ours.append(_rebuild_sec(bench, usual))
        bare.append(_bare_sec(bench, usual))
    once = {size: _rebuild_sec(bench, size) for size in bench.effort.sizes if size != usual}
    taken = sorted((once | {usual: sorted(ours)[len(ours) // 2]}).items())
    bench.curves.append(Curve("rebuild", "rebuild of all projections", "s", tuple(taken)))
    mine = figure(f"{ARC}, {usual:,} events", "events/s", [usual / sec for sec in ours])
    least = figure(BARE, "events/s", [usual / sec for sec in bare])
    largest = figure(f"{ARC}, {bench.largest:,} events", "events/s", [bench.largest / dict(taken)[bench.largest]])
    yield Row(
        "rebuild",
        "rebuild of all projections",
        (mine, least, largest),
        (at_most(3.5, least / mine, "within 3.5 × of bare SQLite"),),
    )


def verify(bench: Bench) -> Iterator[Row]:
    """`arc log verify --chain-only` as a whole process."""
    taken = {size: _verify_sec(bench, size) for size in bench.effort.sizes}
    bench.curves.append(Curve("rebuild", "arc log verify --chain-only", "s", tuple(taken.items())))
    rates = figure(ARC, "events/s", [bench.largest / _verify_sec(bench, bench.largest) for _ in bench.turns(most=FEW)])
    yield Row(
        "verify",
        f"arc log verify --chain-only as a whole process, {bench.largest:,} events",
        (rates,),
        (at_least(400_000, rates, "≥ 400,000 events/s"),),
    )


def _rebuild_sec(bench: Bench, size: int) -> float:
    """How long a hub of another version needs for its tables when it starts on a storage of so many events."""
    with bench.copy_of(size) as storage, contextlib.closing(open_storage(storage)) as connection:
        connection.execute("UPDATE checkpoints SET version = 0")
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        rebuilt = bring_up_to_date(connection)
        connection.execute("COMMIT")
        passed = time.perf_counter() - began
    assert len(rebuilt) == len(PROJECTORS)
    return passed


def _bare_sec(bench: Bench, size: int) -> float:
    """How long SQLite alone needs for the rows of all tables, and for their indexes; reading them is not counted."""
    passed = 0.0
    with (
        bench.home() as home,
        contextlib.closing(apsw.Connection(str(bench.storage(size)))) as source,
        contextlib.closing(open_storage(home / "bare.sqlite3")) as target,
    ):
        target.execute("BEGIN IMMEDIATE")
        for projector in PROJECTORS:
            target.execute(projector.schema)
            for table in projector.tables:
                passed += _insert_all(source, target, table)
        began = time.perf_counter()
        for projector in PROJECTORS:
            target.execute(projector.indexes)
        target.execute("COMMIT")
        return passed + time.perf_counter() - began


def _insert_all(source: apsw.Connection, target: apsw.Connection, table: str) -> float:
    """Copy a table, and return the seconds that the inserts took."""
    rows = source.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - table names are ours
    insert, passed = "", 0.0
    while chunk := list(itertools.islice(rows, CHUNK)):
        insert = insert or f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(chunk[0]))})'  # noqa: S608
        began = time.perf_counter()
        target.executemany(insert, chunk)
        passed += time.perf_counter() - began
    return passed


def _verify_sec(bench: Bench, size: int) -> float:
    return run_arc(OURS, bench.folder, "log", "verify", "--chain-only", "--storage", str(bench.storage(size)))


LINES: Final = (
    Line("rebuild", rebuild),
    Line("verify", verify),
)
