"""Verifying: the whole chain of a log, from the first event to its head."""

from collections.abc import Callable, Iterator
from typing import Final

import apsw
from msgspec import Struct

from arclog.digest import GENESIS, StoredRow, find_breaks
from arclog.schema import EVENTS
from arclog.store import read_head

CHUNK: Final = 10_000
"""Events that are read in one go: so long the WAL of a running hub cannot begin anew."""

Progress = Callable[[int, int], None]
"""Told `(event id reached, last event id)` after each chunk."""


class Break(Struct, frozen=True):
    """A place where the chain is broken.

    Attributes:
        event_id: the event whose digest does not follow from what is before it.
        previous_id: the event before it, 0 when it is the first.
    """

    event_id: int
    previous_id: int

    def __str__(self) -> str:
        if self.previous_id == 0:
            return f"event {self.event_id}: it was changed, or what stood before it was removed"
        if self.event_id == self.previous_id + 1:
            return f"event {self.event_id}: it was changed, or the digest of event {self.previous_id} was"
        return f"event {self.event_id}: it was changed, or what stood behind event {self.previous_id} was removed"


def verify(connection: apsw.Connection, progress: Progress) -> Iterator[Break]:
    """Walk along the chain up to the present head, and tell every place where it is broken.

    Raises:
        apsw.Error: the file cannot be read to the end.
    """
    walk = _Walk(connection, read_head(connection).event_id, progress)
    for event_id in find_breaks(GENESIS, walk):
        yield Break(event_id, walk.previous_id)


class _Walk:
    """The rows of the log, a chunk at a time; knows where it is."""

    def __init__(self, connection: apsw.Connection, until: int, progress: Progress) -> None:
        self.previous_id = 0
        self._connection = connection
        self._until = until
        self._progress = progress

    def __iter__(self) -> Iterator[StoredRow]:
        event_id = before_chunk = 0
        while True:
            bindings = {"after": event_id, "until": self._until, "limit": CHUNK}
            for row in self._connection.execute(EVENTS["read"], bindings):
                self.previous_id = event_id
                event_id = row[0]
                yield row
            if event_id == before_chunk:
                return
            before_chunk = event_id
            self._progress(event_id, self._until)
