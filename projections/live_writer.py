"""The writer of a live hub: each row goes into its table at once."""

from collections.abc import Callable
from typing import Any, Final

import apsw

from projections.projector import MAX_REMEMBERED, Bindings, Memory
from projections.versions import Key, Said, Version, Versioned, current_row, ending

_UNKNOWN: Final[Any] = object()
"""What is not remembered; None is remembered of what is known not to be there."""


class LiveWriter:
    """Writes each row at once.

    Args:
        connection: through which they are written.
        room: how many rows are remembered at most.

    Attributes:
        memory: what was read or written and will be needed again. It must be cleared whenever another process, or an
            undone transaction, may have made it untrue.
    """

    def __init__(self, connection: apsw.Connection, room: int = MAX_REMEMBERED) -> None:
        self.memory = Memory(room)
        # A cursor that is kept costs less than a new one for each row.
        self.write: Callable[[str, Bindings], object] = connection.cursor().execute
        self._connection = connection

    def count(self, last: str, key: Key) -> int:
        place = (last, key)
        number: int | None = self.memory.get(place)
        if number is None:
            found = self._connection.execute(last, (key,)).get
            number = 0 if found is None else int(found)
        self.memory.keep(place, number + 1)
        return number + 1

    def find(self, table: Versioned[Said], key: Key) -> Version[Said] | None:
        known: Version[Said] | None = self.memory.get((table.table, key), _UNKNOWN)
        if known is not _UNKNOWN:
            return known
        found = table.version_of(self._connection.execute(table.find_current, (key,)).fetchone())
        if found is None or not table.is_long(found.row):
            self.memory.keep((table.table, key), found)
        return found

    def add(self, table: Versioned[Said], key: Key, version: Version[Said]) -> None:
        self.write(table.insert, current_row(version))
        if table.is_long(version.row):
            self.memory.pop((table.table, key), None)
        else:
            self.memory.keep((table.table, key), version)

    def replace(self, table: Versioned[Said], key: Key, version: Version[Said]) -> Version[Said] | None:
        ended = self.find(table, key)
        if ended is not None:
            self.write(table.close, ending(key, ended.from_event, version.from_event))
        self.add(table, key, version)
        return ended
