"""Where each harness keeps its hooks and its MCP servers: in a repository, and for all folders of a user.

Three harnesses let their user move the second place by a variable, which is honoured here as they do.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from arc.harnesses import HARNESSES


class Places(Struct, frozen=True):
    """The files of one harness.

    Attributes:
        hooks: its hooks; for opencode, the plugin.
        servers: its MCP servers, which may be the same file.
    """

    hooks: Path
    servers: Path


def in_repository(harness: str, top: Path) -> Places:
    """Where a harness looks in a repository.

    Args:
        harness: its name.
        top: the top folder of the working tree.
    """
    known = HARNESSES[harness]
    return Places(top / known.hooks, top / known.servers)


def of_user(harness: str, home: Path, environment: Mapping[str, str] = os.environ) -> Places:
    """Where a harness looks in whatever folder it was started.

    Args:
        harness: its name.
        home: the user's home.
        environment: where the user may have named another place.
    """
    known = HARNESSES[harness]
    moved = environment.get(known.moved_by) if known.moved_by else None
    if not moved:
        return Places(home / known.user_hooks, home / known.user_servers)
    inside = f"{known.home}/"  # what lies beside that folder moves into it
    return Places(
        Path(moved, known.user_hooks.removeprefix(inside)), Path(moved, known.user_servers.removeprefix(inside))
    )
