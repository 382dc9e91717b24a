"""Rates: how many calls a second each sender on another machine may make.

Each has a bucket that fills at the rate and holds ten seconds of it, so that who was silent may hurry. The limit is
generous: it is there for a program in a loop, not for a busy agent. Calls of this machine are not counted.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from api.http.errors import TooManyRequests

HELD_SEC: Final = 10.0
"""How much of its rate a sender that was silent has in store."""
MAX_SENDERS: Final = 4096
_ROUNDING_SEC: Final = 1e-9


class Rates:
    """Counts the calls of each sender.

    Args:
        rate: calls a second; 0 for as many as they like.
        clock: seconds that only grow.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()
        """When each sender's bucket will be full again: each call moves it by what one costs."""

    def count(self, sender: str) -> None:
        """Count a call.

        Raises:
            TooManyRequests: the sender has none left; this one is not counted.
        """
        if not self._rate:
            return
        now, cost_sec = self._clock(), 1 / self._rate
        full_at = max(self._full_at.pop(sender, 0.0), now)
        over_sec = full_at + cost_sec - now - HELD_SEC
        if over_sec > _ROUNDING_SEC:
            self._full_at[sender] = full_at
            raise TooManyRequests(self._rate, math.ceil(over_sec))
        self._full_at[sender] = full_at + cost_sec
        if len(self._full_at) > MAX_SENDERS:
            self._full_at.popitem(last=False)
