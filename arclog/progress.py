"""How far a walk through the log has come, for those who watch."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Told `(event id reached, last event id)` now and then."""


def no_progress(_reached: int, _last: int) -> None:
    """Nobody is watching."""
