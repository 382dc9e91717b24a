"""Checking the tables of a storage beside its hub: every row against a replay of the log, a little at a time.

The replay goes on in a file of its own, piece by piece, with a rest after each. Then each table is compared in one
statement, against one state of the storage: what was appended meanwhile is replayed first. So no reader's mark is held
for longer than one table takes, and the WAL can begin again in between.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw
from msgspec import Struct

from arclog.proof.findings import Finding
from arclog.sqlite.connection import storage_errors
from arclog.sqlite.reads import read_head
from arclog.sqlite.schema import open_existing
from projections.checkpoints import CHECKPOINTS
from projections.rebuilding.differences import TABLES, attached, find_differences, is_alike, tell_difference
from projections.rebuilding.rebuild import build_at_leisure, find_stale
from projections.rebuilding.rebuild_writer import Bounds
from projections.rebuilding.replay import catch_up, scratch

CACHE_KB: Final = 1_000
FEW: Final = Bounds(rows=200, counts=20_000, versions=5_000, events=100)
"""What is replayed in one go, and kept in memory meanwhile: a hub is not to grow by its own check."""


class CheckedTables(Struct, frozen=True):
    """What a check of the tables found.

    Attributes:
        head: the event up to which the last of them was compared.
        findings: the first difference of each table that does not follow from the log.
    """

    head: int
    findings: tuple[Finding, ...]


class GivenUp(Exception):
    """The check was told to end."""


def check_tables(path: Path, rest: Callable[[], bool]) -> CheckedTables | None:
    """Compare every table of the storage at `path` with a replay of its log.

    Args:
        path: the storage.
        rest: called after each piece of work; false when the check is to end.

    Returns:
        What was found; None when the tables are of another version of Arc, so that they say nothing.

    Raises:
        GivenUp: `rest` said so.
        StorageError: the storage cannot be read.
        msgspec.DecodeError: an event cannot be read.
    """

    def take_rest(_reached: int = 0, _until: int = 0) -> None:
        if not rest():
            raise GivenUp

    with scratch() as replayed, closing(open_existing(path)) as live, storage_errors(path):
        if find_stale(live):
            return None
        for connection in (live, replayed):
            connection.pragma("cache_size", -CACHE_KB)
        reached = read_head(live).event_id
        replayed.execute("BEGIN IMMEDIATE")
        replayed.execute(CHECKPOINTS["schema"])
        build_at_leisure(live, replayed, reached, progress=take_rest, bounds=FEW)
        replayed.execute("COMMIT")
        findings: list[Finding] = []
        for table in TABLES:
            with attached(live, replayed.filename):
                reached = _compare(live, replayed, table, reached, findings)
            take_rest()
    return CheckedTables(reached, tuple(findings))


def _compare(
    live: apsw.Connection, replayed: apsw.Connection, table: str, reached: int, findings: list[Finding]
) -> int:
    """Compare one table, as it is at the head of the log, which is returned."""
    head = read_head(live).event_id
    catch_up(live, replayed, reached, head)
    if not is_alike(live, table):
        findings += map(tell_difference, find_differences(live, replayed, [table]))
    return head
