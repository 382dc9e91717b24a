"""The writer of a live hub: each row goes into its table at once."""

from collections.abc import Callable
from typing import Any, Final

import apsw

from projections.projector import Bindings
from projections.versions import Key, Said, Version, Versioned, current_row, ending

MAX_REMEMBERED: Final = 20_000
"""Rows that are remembered from one batch to the next at most."""
_UNKNOWN: Final[Any] = object()
"""What is not remembered; None is remembered of what is known not to be there."""


class LiveWriter:
    """Writes each row at once.

    Args:
        connection: through which they are written.
        room: how many rows are remembered from one batch to the next at most.

    Attributes:
        memory: what was read or written and will be needed again. It must be cleared whenever another process, or an
            undone transaction, may have made it untrue.
    """

    def __init__(self, connection: apsw.Connection, room: int = MAX_REMEMBERED) -> None:
        self.memory: dict[tuple[str, Key], Any] = {}
        self._room = room
        # A cursor that is kept costs less than a new one for each row.
        self.write: Callable[[str, Bindings], object] = connection.cursor().execute
        self._connection = connection

    def end_batch(self) -> None:
        """Remember no more than there is room for: nothing, where it has become more."""
        if len(self.memory) > self._room:
            self.memory.clear()

    def count(self, last: str, key: Key) -> int:
        place = (last, key)
        number: int | None = self.memory.get(place)
        if number is None:
            found = self._connection.execute(last, (key,)).get
            number = 0 if found is None else int(found)
        self.memory[place] = number + 1
        return number + 1

    def find(self, table: Versioned[Said], key: Key) -> Version[Said] | None:
        known: Version[Said] | None = self.memory.get((table.table, key), _UNKNOWN)
        if known is not _UNKNOWN:
            return known
        found = table.version_of(self._connection.execute(table.find_current, (key,)).fetchone())
        if found is None or not table.is_long(found.row):
            self.memory[table.table, key] = found
        return found

    def add(self, table: Versioned[Said], key: Key, version: Version[Said]) -> None:
        self.write(table.insert, current_row(version))
        if table.is_long(version.row):
            self.memory.pop((table.table, key), None)
        else:
            self.memory[table.table, key] = version

    def replace(self, table: Versioned[Said], key: Key, version: Version[Said]) -> Version[Said] | None:
        ended = self.find(table, key)
        if ended is None:
            self.add(table, key, version)
        else:
            self.replace_found(table, key, ended, version)
        return ended

    def replace_found(self, table: Versioned[Said], key: Key, found: Version[Said], version: Version[Said]) -> None:
        self.write(table.close, ending(key, found.from_event, version.from_event))
        self.add(table, key, version)
