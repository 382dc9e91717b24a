"""Checkpoints: how far each projection has come."""

import apsw

from projections.catalog import CHECKPOINTS, PROJECTORS


def read_checkpoints(connection: apsw.Connection) -> dict[str, tuple[int, int]]:
    """For each projection its version and the last event that it has seen; empty in a storage no hub has served yet."""
    if connection.execute(CHECKPOINTS["exists"]).get is None:
        return {}
    return {name: (version, at) for name, version, at in connection.execute(CHECKPOINTS["list"])}


def find_stale(connection: apsw.Connection) -> tuple[str, ...]:
    """The projections whose tables were made by another version of Arc, or not at all."""
    kept = {name: version for name, (version, _at) in read_checkpoints(connection).items()}
    return tuple(projector.name for projector in PROJECTORS if kept.get(projector.name) != projector.version)
