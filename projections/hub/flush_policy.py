"""Where a transaction is flushed: on the event loop, or on a thread beside it.

To wake a thread and to be woken by it costs more than a quick disk takes to flush; while the loop flushes, it reads no
request. So a quick disk is flushed on the loop, and a slow one on the thread, where the loop can meanwhile read the
requests that form the next batch. What is quick is found out by flushing on the loop: after a time on the thread, one
flush is tried there again.

    loop ---- flushes take `quick_sec` or more, as a running mean ----> thread
      ^                                                                    |
      +------------------------ `apart_sec` later -------------------------+

Pure: it is told the time and what flushes took, and knows no clock and no disk.
"""

from typing import Final, Literal

Place = Literal["loop", "thread"]

QUICK_SEC: Final = 0.002
"""A mean flush that takes less is done on the loop: to wake a thread and to be woken by it costs a quarter of that."""
APART_SEC: Final = 1.0
"""How long flushes are done on the thread before one is tried on the loop again."""
_WEIGHT: Final = 0.125
"""How much the latest flush counts in the running mean."""


class FlushPolicy:
    """Decides for each transaction where it is flushed.

    Args:
        quick_sec: a mean flush that takes less is done on the loop.
        apart_sec: how long flushes are done on the thread before one is tried on the loop again.
    """

    def __init__(self, quick_sec: float = QUICK_SEC, apart_sec: float = APART_SEC) -> None:
        self._quick_sec = quick_sec
        self._apart_sec = apart_sec
        self._mean_sec: float | None = None
        """How long flushes on the loop take, as a running mean, since they are done there."""
        self._apart_until = 0.0

    def choose(self, now: float, *, is_slow: bool) -> Place:
        """Where to flush the transaction that is staged now.

        Args:
            now: seconds of any clock that never goes back; the same one as for `learn`.
            is_slow: whether it takes long for a known reason: much of the WAL is copied into the database besides, or
                the log is remote.
        """
        return "thread" if is_slow or now < self._apart_until else "loop"

    def learn(self, took_sec: float, now: float) -> None:
        """Take note of how long a flush on the loop took, which ended `now`."""
        known = self._mean_sec
        mean_sec = took_sec if known is None else known + (took_sec - known) * _WEIGHT
        if mean_sec < self._quick_sec:
            self._mean_sec = mean_sec
        else:
            self._mean_sec, self._apart_until = None, now + self._apart_sec
