"""Waiting on a condition, with a bound: tests never sleep for luck."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], *, within_sec: float = 10.0, what: str = "the condition") -> T:
    """Call `condition` until what it returns is true, and return that.

    Args:
        condition: looked at every 10 ms; the exceptions it raises are the caller's.
        within_sec: the bound.
        what: named in the failure.

    Raises:
        AssertionError: the bound passed and the condition did not hold.
    """
    deadline = time.monotonic() + within_sec
    while True:
        if found := condition():
            return found
        if time.monotonic() > deadline:
            message = f"waited {within_sec} s in vain for {what}"
            raise AssertionError(message)
        time.sleep(0.01)
