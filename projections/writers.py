"""Writers: how rows get into the tables, one by one in a hub or in bulk in a rebuild."""

from collections import defaultdict
from collections.abc import Callable
from itertools import islice
from typing import Any

import apsw

from projections.projector import Bindings, Memory
from projections.versions import Key, Said, Version, Versioned, ending, past_row, present_row

MAX_BUFFERED = 1_000
"""Rows of one statement that a bulk writer keeps at most before it hands them to SQLite."""
MAX_COUNTED = 100_000
"""Keys of one query whose last number a bulk writer keeps at most."""
MAX_UNWRITTEN = 40_000
"""Present versions of one table that a bulk writer keeps at most before it writes the older half of them."""


class DirectWriter:
    """Writes each row at once, as the live hub does.

    Attributes:
        memory: what was read or written and will be needed again. It must be cleared whenever another process, or an
            undone transaction, may have made it untrue.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self.memory = Memory()
        # A cursor that is kept costs less than a new one for each row.
        self.write: Callable[[str, Bindings], object] = connection.cursor().execute
        self._connection = connection

    def count(self, last: str, key: Key) -> int:
        place = (last, key)
        number: int | None = self.memory.get(place)
        if number is None:
            number = _find_last(self._connection, last, key)
        self.memory.keep(place, number + 1)
        return number + 1

    def find(self, table: Versioned[Said], key: Key) -> Version[Said] | None:
        place = (table.table, key)
        if place in self.memory:
            known: Version[Said] | None = self.memory[place]
            return known
        found = table.find_present(self._connection, key)
        if found is None or not table.is_long(found.row):
            self.memory.keep(place, found)
        return found

    def add(self, table: Versioned[Said], key: Key, version: Version[Said]) -> None:
        self.write(table.insert, present_row(version))
        if table.is_long(version.row):
            self.memory.pop((table.table, key), None)
        else:
            self.memory.keep((table.table, key), version)

    def replace(self, table: Versioned[Said], key: Key, version: Version[Said]) -> None:
        present = self.find(table, key)
        if present is not None:
            self.write(table.close, ending(key, present.from_event, version.from_event))
        self.add(table, key, version)


class BulkWriter:
    """Gathers rows of the same statement and writes them together, as a rebuild does; its tables begin empty.

    A version is kept until it ends and then written once, as it will stay. When a table has too many that have not
    ended, the older half is written as present; only what ends later of these is looked up and updated.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
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
        if len(rows) >= MAX_BUFFERED:
            self._write_rows(sql)

    def count(self, last: str, key: Key) -> int:
        counts = self._counts[last]
        number = counts.get(key)
        if number is None:
            number = self._find_uncounted(last, key) if last in self._forgot else 0
            if len(counts) >= MAX_COUNTED:
                self._forgot.add(last)
                for oldest in list(islice(counts, MAX_COUNTED // 2)):
                    del counts[oldest]
        counts[key] = number + 1
        return number + 1

    def find(self, table: Versioned[Said], key: Key) -> Version[Said] | None:
        present = self._unwritten[table].get(key)
        if present is None and table in self._begun:
            # Rows that wait to be written are of the past, so the last one in the table is what was present there.
            return table.find_present(self._connection, key)
        return present

    def add(self, table: Versioned[Said], key: Key, version: Version[Said]) -> None:
        if table.is_long(version.row):
            self._write_present(table, [version])
            return
        unwritten = self._unwritten[table]
        unwritten[key] = version
        if len(unwritten) > MAX_UNWRITTEN:
            oldest = list(islice(unwritten, MAX_UNWRITTEN // 2))
            self._write_present(table, [unwritten.pop(one) for one in oldest])

    def replace(self, table: Versioned[Said], key: Key, version: Version[Said]) -> None:
        present = self._unwritten[table].pop(key, None)
        if present is not None:
            self.write(table.insert, past_row(present, version.from_event))
        elif table in self._begun:
            written = table.find_present(self._connection, key)
            if written is not None:
                self.write(table.close, ending(key, written.from_event, version.from_event))
        self.add(table, key, version)

    def flush(self) -> None:
        """Write everything that was kept."""
        for sql in self._rows:
            self._write_rows(sql)
        for table, unwritten in self._unwritten.items():
            self._write_present(table, list(unwritten.values()))
            unwritten.clear()

    def _find_uncounted(self, last: str, key: Key) -> int:
        for waiting in self._rows:
            self._write_rows(waiting)
        return _find_last(self._connection, last, key)

    def _write_present(self, table: Versioned[Said], versions: list[Version[Said]]) -> None:
        self._connection.executemany(table.insert, map(present_row, versions))
        self._begun.add(table)

    def _write_rows(self, sql: str) -> None:
        self._connection.executemany(sql, self._rows[sql])
        self._rows[sql].clear()


def _find_last(connection: apsw.Connection, last: str, key: Key) -> int:
    found = connection.execute(last, (key,)).get
    return 0 if found is None else int(found)
