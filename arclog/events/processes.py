"""A process, so that it can be told from another of the same number."""

from msgspec import Struct


class Process(Struct, frozen=True, gc=False):
    """A process of one machine.

    Attributes:
        pid: its number.
        started: when it was started, as the machine counts: ticks since its boot.
        boot_id: which boot of which machine that was.
    """

    pid: int
    started: int
    boot_id: str
