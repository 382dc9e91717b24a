"""How far a batch that was sent must come, told by the place at which the server stops."""

from msgspec import Struct


class SentBatch(Struct, frozen=True):
    """A batch on its way to the server: how many of its statements must be done for each step.

    Attributes:
        committed: for its events to be in the log.
        kept: for them to be there for good, on the standby too.
        told: for the other hubs to be told; that is all of them.
    """

    committed: int
    kept: int
    told: int
