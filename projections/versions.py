"""Versions: rows that hold from one event until another.

What changes is never overwritten. The present version of a key ends with the event that replaces it, and the next one
begins there; `projections.intervals` tells how the past is found again.
"""

from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import astuple

from arclog.sqlite.queries import Queries
from projections.intervals import CURRENT, fork

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
    """A table of versions.

    Args:
        table: its name.
        row: what its rows say; the fields are the columns, in the order in which `insert` and `find_current` of `sql`
            name them.
        sql: its statements: `insert` takes `from_event`, `until_event`, `fork` and the row; `close` takes
            `until_event`, `fork`, the key and `from_event`; `find_current` takes the key and gives `from_event` and
            the row.
        free_text: the columns that callers may fill as they like.
    """

    def __init__(self, table: str, row: type[Said], sql: Queries, free_text: tuple[str, ...] = ()) -> None:
        self.table: Final = table
        self.insert: Final = sql["insert"]
        self.close: Final = sql["close"]
        self.find_current: Final = sql["find_current"]
        self._row: Final = row
        self._free_text: Final = free_text

    def version_of(self, found: Sequence[Any] | None) -> Version[Said] | None:
        """What `find_current` found, as a version."""
        return None if found is None else Version(found[0], self._row(*found[1:]))

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
    return (version.from_event, until_event, fork(version.from_event, until_event), *astuple(version.row))


def ending(key: Key, from_event: int, until_event: int) -> tuple[int, int, Key, int]:
    """The bindings of `close` for a version that `until_event` replaces."""
    return until_event, fork(from_event, until_event), key, from_event
