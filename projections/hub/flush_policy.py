"""Where a transaction is flushed: on the event loop, or on a thread beside it.

To wake a thread and to be woken by it costs more than a quick disk takes to flush, and on a busy machine far more: each
of the two waits for its turn on a core. But while the loop flushes, it answers nobody else. So the loop flushes while
the disk is quick, and also when it is not, as long as nobody else is there to be held up. Otherwise the thread does,
and the loop meanwhile reads the requests that form the next batch. After a time, one flush is tried on the loop again.

                           flushes take `quick_sec` or more as a running mean, and somebody waited for one,
    loop ----------------- or they take `lone_sec` or more -----------------> thread
      ^                                                                         |
      +---------------------------- `apart_sec` later --------------------------+

Pure: it is told the time, what flushes took and who waited, and knows no clock and no disk.
"""

from typing import Final, Literal

Place = Literal["loop", "thread"]

QUICK_SEC: Final = 0.002
"""A mean flush that takes less is done on the loop: to wake a thread and to be woken by it costs a quarter of that."""
LONE_SEC: Final = 0.02
"""A mean flush that takes less is done on the loop while it holds nobody up; anyone who comes then waits no longer."""
APART_SEC: Final = 1.0
"""How long flushes are done on the thread before one is tried on the loop again."""
_WEIGHT: Final = 0.125
"""How much the latest flush counts in the running mean."""


class FlushPolicy:
    """Decides for each transaction where it is flushed.

    Args:
        quick_sec: a mean flush that takes less is done on the loop, even if somebody waits.
        lone_sec: a mean flush that takes less is done on the loop while nobody waits.
        apart_sec: how long flushes are done on the thread before one is tried on the loop again.

    Attributes:
        quick_sec: a flush that takes less needs no look at who waited for it.
    """

    def __init__(self, quick_sec: float = QUICK_SEC, lone_sec: float = LONE_SEC, apart_sec: float = APART_SEC) -> None:
        self.quick_sec = quick_sec
        self._lone_sec = lone_sec
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

    def learn(self, took_sec: float, now: float, *, held_up: bool) -> None:
        """Take note of a flush on the loop.

        Args:
            took_sec: how long it took.
            now: when it ended, or later.
            held_up: whether somebody else had come meanwhile.
        """
        known = self._mean_sec
        mean_sec = took_sec if known is None else known + (took_sec - known) * _WEIGHT
        if mean_sec < self.quick_sec or (mean_sec < self._lone_sec and not held_up):
            self._mean_sec = mean_sec
        else:
            self._mean_sec, self._apart_until = None, now + self._apart_sec
