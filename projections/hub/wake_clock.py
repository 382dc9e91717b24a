"""What time does to wakes: a turn that nobody takes passes on, and an agent that was called in vain counts as dark.

This is settled like what is due for tasks (`projections.hub.task_clock`), by whichever hub comes first.
"""

from collections.abc import Callable
from typing import Final

from arclog.deciders.wakes import decide_due
from arclog.events import Event
from arclog.sqlite.snapshot import Snapshot
from projections import wakes
from projections.hub.due import Due

Append = Callable[[Event], object]

MOST: Final = 100
"""Wakes of which something becomes in one transaction at most; the rest follows with the next."""


class WakeClock(Due):
    """What is due, as one hub sees it."""

    def __init__(self) -> None:
        super().__init__(lambda snapshot: snapshot.read(wakes.find_next_due))

    def settle(self, snapshot: Snapshot, now: int, append: Append) -> None:
        """Do what is due.

        Args:
            snapshot: the writer's, in its transaction.
            now: the transaction's time.
            append: takes each event that follows.
        """
        if not self.prepare(snapshot, now):
            return
        for wake, since in snapshot.read(wakes.list_due, now, MOST):
            append(decide_due(wake, now, was_there=snapshot.read(wakes.did_anything, wake.agent_id, since)))
        self.prepare(snapshot, now)
