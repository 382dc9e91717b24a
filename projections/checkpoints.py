"""Checkpoints: how far each projection has come."""

import apsw

from projections.catalog import CHECKPOINTS


def read_checkpoints(connection: apsw.Connection) -> dict[str, tuple[int, int]]:
    """For each projection its version and the last event that it has seen; empty in a storage no hub has served yet."""
    if connection.execute(CHECKPOINTS["exists"]).get is None:
        return {}
    return {name: (version, at) for name, version, at in connection.execute(CHECKPOINTS["list"])}
