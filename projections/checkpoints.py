"""Checkpoints: how far each projection has come."""

from typing import Final

import apsw

from arclog.sqlite.queries import Queries

CHECKPOINTS: Final = Queries("projections", "checkpoints.sql")


def read_checkpoints(connection: apsw.Connection) -> dict[str, tuple[int, int]]:
    """For each projection its version and the last event that it has seen; empty in a storage no hub has served yet."""
    if connection.execute(CHECKPOINTS["exists"]).get is None:
        return {}
    return {name: (version, at) for name, version, at in connection.execute(CHECKPOINTS["list"])}


def advance(connection: apsw.Connection, event_id: int) -> None:
    """Note that all projections have seen everything up to `event_id`."""
    connection.execute(CHECKPOINTS["advance"], (event_id,))
