"""The writer of a rebuild: rows of one statement are gathered and written together, into tables that begin empty."""

from collections import defaultdict
from itertools import islice
from typing import Any, Final

import apsw
from msgspec import Struct

from projections.projector import Bindings
from projections.versions import Key, Said, Version, Versioned, current_row, ending, past_row


class Bounds(Struct, frozen=True):
    """How much a rebuild keeps in memory at most.

    Attributes:
        events: events that are decoded at a time.
        rows: rows of one statement, before they are written.
        counts: keys of one query whose last number is known.
        versions: current versions of one table, before the older half of them is written.
    """

    events: int = 1_000
    rows: int = 1_000
    counts: int = 100_000
    versions: int = 40_000


USUAL: Final = Bounds()


class RebuildWriter:
    """Gathers rows of the same statement and writes them together.

    A version is kept until it ends and then written once, as it will stay. When a table has too many that have not
    ended, the older half is written as current; only what ends later of these is looked up and updated.

    Args:
        connection: on a database whose tables are empty, in a transaction.
        bounds: how much is kept in memory meanwhile.
    """

    def __init__(self, connection: apsw.Connection, bounds: Bounds = USUAL) -> None:
        self._connection = connection
        self._bounds = bounds
        self._rows: defaultdict[str, list[Bindings]] = defaultdict(list)
        self._counts: defaultdict[str, dict[Key, int]] = defaultdict(dict)
        self._forgot: set[str] = set()
        """Queries of which some numbers are in the table alone; of all others, what is not counted yet has none."""
        self._unwritten: defaultdict[Versioned[Any], dict[Key, Version[Any]]] = defaultdict(dict)
        self._begun: set[Versioned[Any]] = set()
        """Tables with present versions; of all others, what is not in memory is nowhere."""

    def write(self, sql: str, bindings: Bindings) -> None:
        rows = self._rows[sql]
        rows.append(bindings)
        if len(rows) >= self._bounds.rows:
            self._write_rows(sql)

    def count(self, last: str, key: Key) -> int:
        counts = self._counts[last]
        number = counts.get(key)
        if number is None:
            number = self._find_uncounted(last, key) if last in self._forgot else 0
            if len(counts) >= self._bounds.counts:
                self._forgot.add(last)
                for oldest in _older_half(counts):
                    del counts[oldest]
        counts[key] = number + 1
        return number + 1

    def find(self, table: Versioned[Said], key: Key) -> Version[Said] | None:
        present = self._unwritten[table].get(key)
        if present is None and table in self._begun:
            # Rows that wait to be written are of the past, so the last one in the table is what was present there.
            return table.version_of(self._connection.execute(table.find_current, (key,)).fetchone())
        return present

    def add(self, table: Versioned[Said], key: Key, version: Version[Said]) -> None:
        if table.is_long(version.row):
            self._write_current(table, [version])
            return
        unwritten = self._unwritten[table]
        unwritten[key] = version
        if len(unwritten) > self._bounds.versions:
            self._write_current(table, [unwritten.pop(one) for one in _older_half(unwritten)])

    def replace(self, table: Versioned[Said], key: Key, version: Version[Said]) -> Version[Said] | None:
        ended = self.find(table, key)
        if ended is None:
            self.add(table, key, version)
        else:
            self.replace_found(table, key, ended, version)
        return ended

    def replace_found(self, table: Versioned[Said], key: Key, found: Version[Said], version: Version[Said]) -> None:
        if self._unwritten[table].pop(key, None) is not None:
            self.write(table.insert, past_row(found, version.from_event))
        else:
            self.write(table.close, ending(key, found.from_event, version.from_event))
        self.add(table, key, version)

    def flush(self) -> None:
        """Write everything that was kept."""
        for sql in self._rows:
            self._write_rows(sql)
        for table, unwritten in self._unwritten.items():
            self._write_current(table, list(unwritten.values()))
            unwritten.clear()

    def _find_uncounted(self, last: str, key: Key) -> int:
        for waiting in self._rows:
            self._write_rows(waiting)
        found = self._connection.execute(last, (key,)).fetchone()
        return 0 if found is None else int(found[0])

    def _write_current(self, table: Versioned[Said], versions: list[Version[Said]]) -> None:
        self._connection.executemany(table.insert, [current_row(version) for version in versions])
        self._begun.add(table)

    def _write_rows(self, sql: str) -> None:
        self._connection.executemany(sql, self._rows[sql])
        self._rows[sql].clear()


def _older_half(kept: dict[Key, Any]) -> list[Key]:
    return list(islice(kept, (len(kept) + 1) // 2))
