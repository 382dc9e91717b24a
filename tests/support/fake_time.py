"""A time that passes only when the test says so."""

BEGINNING = 1_800_000_000_000_000
"""The wall clock of a fake machine when it is made: 2027-01-15T08:00:00Z, in microseconds."""
ELAPSED = 3_600_000_000
"""How long it has been running then, in microseconds."""


class FakeTime:
    """A machine whose clocks a test moves.

    `pass_sec` is for real time, `sleep_sec` for such in which the machine is suspended, `set_wall` for a clock that is
    set.

    Args:
        wall: what the wall clock shows at first, in microseconds since 1970.
        elapsed: microseconds since the boot.
        boot: which boot of the machine it is.
    """

    def __init__(self, wall: int = BEGINNING, elapsed: int = ELAPSED, boot: str = "boot-1") -> None:
        self._wall = wall
        self._elapsed = elapsed
        self._boot = boot
        self._slept = 0

    def elapsed(self) -> int:
        return self._elapsed

    def slept(self) -> int:
        return self._slept

    def wall(self) -> int:
        return self._wall

    def boot_id(self) -> str:
        return self._boot

    def pass_sec(self, seconds: float) -> None:
        """Let time pass, on both clocks."""
        self.pass_micros(round(seconds * 1_000_000))

    def pass_micros(self, micros: int) -> None:
        """Let time pass, on both clocks."""
        self._elapsed += micros
        self._wall += micros

    def sleep_sec(self, seconds: float) -> None:
        """Let time pass while the machine is suspended."""
        self._slept += round(seconds * 1_000_000)
        self.pass_sec(seconds)

    def set_wall(self, wall: int) -> None:
        """Set the wall clock, as people and NTP do; no time passes."""
        self._wall = wall

    def shift_wall(self, seconds: float) -> None:
        """Move the wall clock by so much; no time passes."""
        self._wall += round(seconds * 1_000_000)
