"""Cursors: how far an agent has read, where it has the hub remember that."""

from typing import ClassVar

from msgspec import Struct

from arclog.events import CursorPosition, CursorsMoved


class MoveCursors(Struct, frozen=True, kw_only=True):
    """Keep where cursors stand that have moved at a hub."""

    sender_field: ClassVar[str | None] = None

    positions: tuple[CursorPosition, ...]


def decide_move(hub_id: str, command: MoveCursors, now: int) -> CursorsMoved:
    """Record it, all of them in one event."""
    return CursorsMoved(hub_id=hub_id, positions=command.positions)
