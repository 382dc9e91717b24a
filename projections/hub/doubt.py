"""Doubt: a batch of which nobody can say whether the log kept it, until the log says so.

Until then its callers have no answer, for either answer may be wrong, and no further batch is written, for it would
stand on one that may not be there. Calls that come meanwhile are refused at once.
"""

import threading
from collections.abc import Callable
from typing import Final

from arclog.errors import LogAway, OutcomeUnknown, StorageError

_FIRST_PAUSE_SEC: Final = 0.05
_LONGEST_PAUSE_SEC: Final = 1.0


class Doubt:
    """Asks the log until it answers.

    Attributes:
        exists: whether there is a batch in doubt now.
        on_begin: called when there is, on the thread that asks.
    """

    def __init__(self) -> None:
        self.exists = False
        self.on_begin: Callable[[], None] = _ignore
        self._stopping = threading.Event()

    def resolve(self, was_kept: Callable[[], bool]) -> bool:
        """Whether the log kept the batch; returns when that is known.

        Args:
            was_kept: asks the log; raises StorageError while it cannot be asked.

        Raises:
            OutcomeUnknown: `stop_waiting` was called before it was known.
        """
        self.exists = True
        self.on_begin()
        pause_sec = _FIRST_PAUSE_SEC
        try:
            while True:
                try:
                    return was_kept()
                except StorageError as error:
                    if self._stopping.wait(pause_sec):
                        raise OutcomeUnknown from error
                pause_sec = min(2 * pause_sec, _LONGEST_PAUSE_SEC)
        finally:
            self.exists = False

    def stop_waiting(self) -> None:
        """The hub ends: those who wait are told that it is not known."""
        self._stopping.set()


def in_doubt() -> LogAway:
    """What to say to calls that come while there is a batch in doubt."""
    return LogAway("it has not said yet whether it kept the batch before")


def _ignore() -> None:
    """Nobody asked to be told."""
