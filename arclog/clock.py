"""The log's clock: UTC in microseconds that no wall clock can shake.

A lease is a promise about elapsed time, so it must not be measured by a clock that people and NTP may set. The log's
time is therefore

    now = elapsed + offset

where the elapsed time counts since the machine was started, suspension included, and is never set (CLOCK_BOOTTIME on
Linux). The offset is chosen once for each boot, from the wall clock, and kept with the storage, so that all hubs on one
file read the same time. Afterwards it is eased toward the wall clock by at most `SLEW` (50 microseconds a second): a
jump of an hour moves the log's clock by nothing anyone can notice, while honest drift is still followed. An event is
never recorded before the event that precedes it, whatever the offset.

Clocks of two machines are never compared. Where hubs on several machines share a log, its engine's clock is the log's:
each hub counts on from what the engine told it last (`LogClock.correct`), whatever its own wall clock says.
"""

from typing import Final, Protocol

SLEW: Final = 50e-6
"""How far the clock is eased toward the wall clock, in seconds for each second: 15 ms in a lease of five minutes."""

NEVER: Final = 2**63 - 1
"""Later than any time of the log's clock."""


class TimeSource(Protocol):
    """Where time comes from; tests and simulations bring their own."""

    def elapsed(self) -> int:
        """Microseconds since some moment that is fixed for this boot."""

    def slept(self) -> int:
        """How many of them the machine was suspended; 0, give or take a few, where it does not tell."""

    def wall(self) -> int:
        """Microseconds since 1970, as the machine's wall clock has it."""

    def boot_id(self) -> str:
        """The same text for as long as `elapsed` counts from the same moment."""


class LogClock:
    """Reads the log's time from an offset that the storage keeps.

    The writer loads the stored offset at each batch, and stores it again when it has moved enough to matter.
    """

    def __init__(self, source: TimeSource) -> None:
        self._source = source
        self.elapsed: Final = source.elapsed
        """Microseconds since some moment of this boot, which nothing sets: for spans, not for events."""
        self.boot_id = source.boot_id()
        self.offset = source.wall() - source.elapsed()
        self._eased_at = source.elapsed()

    def now(self) -> int:
        """Microseconds since 1970."""
        return self.elapsed() + self.offset

    def slept(self) -> int:
        """How many microseconds of this boot the machine was suspended, as far as it tells."""
        return self._source.slept()

    def correct(self, time: int, asked_at: int, told_at: int) -> None:
        """Move the offset as far as another clock proves it wrong: one that is the log's, and is asked over a line.

        What it said was so at some moment between the question and the answer. So the offset stays where it is while it
        agrees with any such moment, and an answer that was long on its way moves nothing.

        Args:
            time: what the other clock said, in microseconds since 1970.
            asked_at: when it was asked, by `elapsed`.
            told_at: when the answer was there, by `elapsed`.
        """
        self.offset = min(max(self.offset, time - told_at), time - asked_at)

    def ease(self) -> bool:
        """Move the offset toward the wall clock by what has passed times `SLEW`; true when it moved."""
        elapsed = self.elapsed()
        most = int((elapsed - self._eased_at) * SLEW)
        if most == 0:
            return False
        self._eased_at = elapsed
        drift = self._source.wall() - elapsed - self.offset
        step = max(-most, min(most, drift))
        self.offset += step
        return step != 0
