"""Waiting on a condition, with a bound: tests never sleep for luck."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

WITHIN_SEC: Final = 30.0
"""How long a test waits at most, unless it says otherwise: far longer than it takes, however busy the machine is."""


def wait_until(condition: Callable[[], T], *, within_sec: float = WITHIN_SEC, what: str = "the condition") -> T:
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


async def until(condition: Callable[[], object], what: str) -> None:
    """Let the event loop run until `condition` holds.

    Args:
        condition: looked at every 5 ms.
        what: named in the failure.

    Raises:
        AssertionError: `WITHIN_SEC` passed and the condition did not hold.
    """
    deadline = time.monotonic() + WITHIN_SEC
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.005)
