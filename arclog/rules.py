"""The number of the rules: which this hub knows, and which an event needs.

A log begins with rules number 1. The first event that needs newer rules raises the number, by an event before it
(`rules.raised`). A hub that knows only older ones shows everything from then on, and decides nothing: it would grant
what the newer rules refuse.
"""

from typing import Final

from arclog.events import Event

FIRST: Final = 1
KNOWN: Final = 1
"""The newest rules that this version of Arc knows."""


def rules_of(event: Event) -> int:
    """The number of the rules that an event needs."""
    needed: int = getattr(event, "rules", FIRST)
    return needed
