"""Measures: what a hub counts of its own work, for who watches it (`GET /metrics`).

Plain numbers in memory, so that counting costs next to nothing; how they are shown is the API's business.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""The upper bounds of what durations are counted by, in seconds; beyond the last is one more."""


class Durations:
    """How many times something took how long.

    Attributes:
        counts: for each of `BOUNDS` how many took no longer and longer than the one before; last, how many took longer.
        total_sec: how long all of them took together.
    """

    __slots__ = ("counts", "total_sec")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total_sec = 0.0

    def add(self, took_sec: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, took_sec)] += 1
        self.total_sec += took_sec

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)


class Measures:
    """The numbers of one hub; used on its event loop, but for `flushes`, which one thread at a time adds to.

    Attributes:
        requests: how long requests took, by route, method, and the class of their status (`2xx`).
        rejects: how many were refused, by the code of the error.
        relay: how many requests came from files, by the class of their status.
        flushes: how long it took to have transactions on disk.
        calls: how many calls were judged in them.
        gauges: what there is of something now, by name; set when the hub starts.
    """

    def __init__(self) -> None:
        self.requests: defaultdict[tuple[str, str, str], Durations] = defaultdict(Durations)
        self.rejects: defaultdict[str, int] = defaultdict(int)
        self.relay: defaultdict[str, int] = defaultdict(int)
        self.flushes = Durations()
        self.calls = 0
        self.gauges: Mapping[str, Callable[[], float]] = {}
