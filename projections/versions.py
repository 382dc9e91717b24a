"""Versions: rows that hold from one event until another.

What changes is never overwritten. The current version of a key ends with the event that replaces it, and the next one
begins there; `projections.intervals` tells how the past is found again.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import apsw
from msgspec import Struct
from msgspec.structs import astuple

from arclog.sqlite.queries import Queries
from projections.intervals import CURRENT, AsOf, node_of

Key = str | int
LONG: Final = 256
"""Characters of free text in a row, from which on it is not worth remembering."""
Said = TypeVar("Said", bound=Struct)


class Version(Struct, Generic[Said], frozen=True, gc=False):
    """What was so since an event.

    Attributes:
        from_event: the event that made it so.
        row: the row's columns, the key first, but for those that place it in the log.
    """

    from_event: int
    row: Said


class Versioned(Generic[Said]):
    """A table of versions. What its rows say is a Struct, whose fields are its columns, so these are written once.

    Args:
        table: its name.
        row: what its rows say, the key first.
        free_text: the columns that callers may fill as they like.

    Attributes:
        parts: what its statements have in common, for the `.sql` file of the noun; see `versions.sql`.
    """

    def __init__(self, table: str, row: type[Said], free_text: tuple[str, ...] = ()) -> None:
        columns = row.__struct_fields__
        own = {
            "table": table,
            "key": columns[0],
            "columns": ", ".join(columns),
            "values": ", ".join("?" * len(columns)),
            "CURRENT": str(CURRENT),
        }
        shared = Queries("projections", "versions.sql", own)
        self.table: Final = table
        self.parts: Final[Mapping[str, str]] = shared.parts
        self.insert: Final = shared["insert"]
        self.close: Final = shared["close"]
        self.find_current: Final = shared["find_current"]
        self._find: Final = shared["find"]
        self._row: Final = row
        self._free_text: Final = free_text

    def version_of(self, found: Sequence[Any] | None) -> Version[Said] | None:
        """What `find_current` found, as a version."""
        return None if found is None else Version(found[0], self._row(*found[1:]))

    def find_at(self, connection: apsw.Connection, key: Key, at: AsOf) -> Said | None:
        """What the version of `key` says that holds at a moment."""
        row = connection.execute(self._find, {"key": key, "at": at.at}).fetchone()
        return None if row is None else self._row(*row)

    def read(self, connection: apsw.Connection, query: str, bindings: Mapping[str, str | int | None]) -> Iterator[Said]:
        """What a query for {columns} finds, row by row: no more is read than is taken."""
        row = self._row
        return (row(*found) for found in connection.execute(query, bindings))

    def is_long(self, row: Said) -> bool:
        """Whether a row holds so much text that it is better looked up than remembered."""
        for column in self._free_text:  # noqa: SIM110 - a generator costs more than the look itself
            if len(getattr(row, column)) > LONG:
                return True
        return False


def current_row(version: Version[Said]) -> tuple[Any, ...]:
    """The bindings of `insert` for a version that nothing has replaced."""
    return (version.from_event, CURRENT, None, *astuple(version.row))


def past_row(version: Version[Said], until_event: int) -> tuple[Any, ...]:
    """The bindings of `insert` for a version that `until_event` has replaced already."""
    return (version.from_event, until_event, node_of(version.from_event, until_event), *astuple(version.row))


def ending(key: Key, from_event: int, until_event: int) -> tuple[int, int, Key, int]:
    """The bindings of `close` for a version that `until_event` replaces."""
    return until_event, node_of(from_event, until_event), key, from_event
