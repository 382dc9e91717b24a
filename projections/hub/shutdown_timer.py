"""The countdown to a shutdown that somebody asked for."""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from arclog.deciders.hub import CancelShutdown, InitiateShutdown


class _Armed(Struct, frozen=True):
    """A shutdown that counts down; `fires_at` is in seconds of the event loop's clock."""

    delay_sec: float
    fires_at: float
    timer: asyncio.TimerHandle


class ShutdownTimer:
    """Counts down on the running event loop.

    Args:
        fire: called when the time is over.
    """

    def __init__(self, fire: Callable[[], None]) -> None:
        self._fire = fire
        self._armed: _Armed | None = None

    @property
    def is_armed(self) -> bool:
        """Whether it counts."""
        return self._armed is not None

    def follow(self, command: InitiateShutdown | CancelShutdown, *, is_pending: bool) -> None:
        """Count, or stop, after a command was carried out.

        Args:
            command: what was asked for; a retry under its key is answered like the first call, but changes nothing.
            is_pending: whether a shutdown is pending now.
        """
        if isinstance(command, InitiateShutdown) and is_pending and not self.is_armed:
            self.arm(command.delay_sec)
        elif isinstance(command, CancelShutdown) and not is_pending:
            self.disarm()

    def arm(self, delay_sec: float) -> None:
        """Begin to count."""
        loop = asyncio.get_running_loop()
        self._armed = _Armed(delay_sec, loop.time() + delay_sec, loop.call_later(delay_sec, self._end))

    def disarm(self) -> None:
        """Stop counting."""
        if self._armed is not None:
            self._armed.timer.cancel()
            self._armed = None

    def remaining(self) -> tuple[int, int] | None:
        """Seconds that are left, and the delay it was given; None when it does not count."""
        if self._armed is None:
            return None
        left_sec = self._armed.fires_at - asyncio.get_running_loop().time()
        return max(0, round(left_sec)), round(self._armed.delay_sec)

    def _end(self) -> None:
        self._armed = None
        self._fire()
