"""Checkpoints: how far each projection has come.

A hub writes the rows of an event with the event, in one transaction. So the tables move with the log, and nothing more
need be said of it with every batch: their checkpoints say `MOVING`. Whoever appends events without their rows must have
them `stand_still` first, in the same transaction, and has the tables made anew from there.

How far the log itself has come is noted now and then, so that a log whose end was cut off is noticed.
"""

from typing import Final

import apsw

from arclog.sqlite.queries import Queries

CHECKPOINTS: Final = Queries("projections", "checkpoints.sql")
MOVING: Final = -1
"""In place of an event: the rows of each event are written with it."""


def read_checkpoints(connection: apsw.Connection) -> dict[str, tuple[int, int]]:
    """For each projection its version and the last event that it has seen, or `MOVING`.

    Empty in a storage that no hub has served yet.
    """
    if connection.execute(CHECKPOINTS["exists"]).get is None:
        return {}
    return {name: (version, at) for name, version, at in connection.execute(CHECKPOINTS["list"])}


def find_noted(connection: apsw.Connection) -> int:
    """How far the log had come at least, as far as anything here tells; 0 when nothing does."""
    if connection.execute(CHECKPOINTS["exists"]).get is None:
        return 0
    return max(0, connection.execute(CHECKPOINTS["find_noted"]).get or 0)


def are_moving(checkpoints: dict[str, tuple[int, int]]) -> bool:
    """Whether all tables move with the log.

    Where only some say so, a version of Arc has served the storage that does not know the others: then none does.
    """
    return bool(checkpoints) and all(at == MOVING for _version, at in checkpoints.values())


def let_move(connection: apsw.Connection) -> None:
    """The tables are as far as the log, and from here on the rows of each event are written with it."""
    connection.execute(CHECKPOINTS["let_move"])


def stand_still(connection: apsw.Connection, head: int) -> None:
    """Events come after `head`, the log's last, whose rows are not written."""
    if connection.execute(CHECKPOINTS["exists"]).get is not None:
        connection.execute(CHECKPOINTS["stand_still"], (head,))


def advance(connection: apsw.Connection, event_id: int) -> None:
    """All projections have seen everything up to `event_id`, and so far the log has come."""
    connection.execute(CHECKPOINTS["advance"], (event_id,))
    note(connection, event_id)


def note(connection: apsw.Connection, event_id: int) -> None:
    """Note how far the log has come."""
    connection.execute(CHECKPOINTS["note"], (event_id,))
