"""Checkpoints: how far each projection has come.

A hub writes the rows of an event with the event, in one transaction. So its tables are in step with the log, and
nothing more need be said of it with every batch. Whoever appends events without their rows says first, in the same
transaction, where the tables stop; they are then made anew.

How far the log itself has come is noted now and then, so that a log whose end was cut off is noticed.
"""

from collections.abc import Sequence
from typing import Final

import apsw

from arclog.sqlite.queries import Queries
from projections.encoding import encode_json

CHECKPOINTS: Final = Queries("projections", "checkpoints.sql")
IN_STEP: Final = -1
"""In place of an event: the rows of each event are written with it, so that the projection is as far as the log."""


def read_checkpoints(connection: apsw.Connection) -> dict[str, tuple[int, int]]:
    """For each projection its version and the last event that it has seen, or `IN_STEP`.

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


def are_in_step(checkpoints: dict[str, tuple[int, int]]) -> bool:
    """Whether all tables are in step with the log.

    Where only some say so, a version of Arc has served the storage that does not know the others: then none does.
    """
    return bool(checkpoints) and all(at == IN_STEP for _version, at in checkpoints.values())


def keep_in_step(connection: apsw.Connection) -> None:
    """The tables are as far as the log, and the rows of each event are written with it from here on."""
    connection.execute(CHECKPOINTS["keep_in_step"])


def stop_at(connection: apsw.Connection, head: int) -> None:
    """The tables, if in step, stop at `head`, the log's last event: the rows of those that come are not written."""
    if connection.execute(CHECKPOINTS["exists"]).get is not None:
        connection.execute(CHECKPOINTS["stop_at"], (head,))


def forget_others(connection: apsw.Connection, projections: Sequence[str]) -> None:
    """Forget all but these, whose rows alone are written from here on: a version that knows others makes them anew."""
    connection.execute(CHECKPOINTS["forget_others"], (encode_json(projections).decode(),))


def advance(connection: apsw.Connection, before: int, event_id: int) -> None:
    """The log has come from `before` to `event_id`, and the rows of that event are written."""
    connection.execute(CHECKPOINTS["advance"], (event_id, before))
    note(connection, event_id)


def note(connection: apsw.Connection, event_id: int) -> None:
    """Note how far the log has come."""
    connection.execute(CHECKPOINTS["note"], (event_id,))
