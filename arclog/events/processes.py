"""A process, so that it can be told from another of the same number."""

from msgspec import Struct


class Process(Struct, frozen=True, omit_defaults=True, gc=False):
    """A process of one machine.

    Attributes:
        pid: its number.
        started: when it was started, as the machine counts: ticks since its boot.
        boot_id: which boot of which machine that was.
        namespace: whose numbers these are, where a container has its own; None where that was not said.
    """

    pid: int
    started: int
    boot_id: str
    namespace: int | None = None
