"""The number of the rules: which this hub knows, and which an event needs.

A log begins with rules number 1. The first event that needs newer rules raises the number, by an event before it
(`rules.raised`). A hub that knows only older ones shows everything from then on, and decides nothing: it would grant
what the newer rules refuse.

Number 2 is that of locks that overlap and of queues: a hub that knows only exact names would grant `src/a.py` beside
`src/**`.

Number 3 is that of sub-agents: a hub that knows no families would take a lock of a parent for gone as soon as its
sub-agent has one on the same file.

Number 4 is that of work: a hub that knows only tasks that are open or done would complete what has failed, and let
anybody act under a name that a token binds.
"""

from typing import Final

from arclog.events import Event
from arclog.events.rule_numbers import FIRST_RULES, WORK_RULES

FIRST: Final = FIRST_RULES
KNOWN: Final = WORK_RULES
"""The newest rules that this version of Arc knows."""


def rules_of(event: Event) -> int:
    """The number of the rules that an event needs."""
    needed: int = getattr(event, "rules", FIRST)
    return needed
