"""How long a connection may wait for its client, without I/O: the limits, and how to tell that nothing gets on."""

from msgspec import Struct


class Patience(Struct, frozen=True, kw_only=True):
    """How long the hub waits for a client, in each phase of a connection.

    Attributes:
        head_sec: how long a client may take for the head of a request.
        stall_sec: how long it may send nothing of a body, or take nothing of an answer.
        idle_sec: how long a connection is kept between two requests.
        half_closed_sec: how long a client that will send no more gets to read its answer; then it counts as gone.
        least_progress: how many bytes within `stall_sec` count as progress.
        linger_sec: how long more of a request that was refused is read and thrown away, so that its client gets to read
            the answer: to close a connection with unread bytes resets it.
        linger_bytes: how many bytes of it at most.
    """

    head_sec: float = 10.0
    stall_sec: float = 12.0
    idle_sec: float = 75.0
    half_closed_sec: float = 1.0
    least_progress: int = 1024
    linger_sec: float = 5.0
    linger_bytes: int = 64 * 2**20


class Stall(Struct, frozen=True):
    """Where a connection waits for its client.

    Attributes:
        phase: what it waits for.
        limit_sec: how long it may take to make progress.
        progress: a number of bytes that grows while it does.
        request: which request of the connection it is.
    """

    phase: str
    limit_sec: float
    progress: int = 0
    request: int = 0

    def is_same(self, earlier: "Stall | None", least_progress: int) -> bool:
        """Whether the connection has got no further since."""
        return (
            earlier is not None
            and (self.phase, self.request) == (earlier.phase, earlier.request)
            and self.progress < earlier.progress + least_progress
        )


class Stalling:
    """Since when one connection has waited for its client.

    Args:
        patience: how long it may.
    """

    __slots__ = ("_least_progress", "_since", "_stall")

    def __init__(self, patience: Patience) -> None:
        self._least_progress = patience.least_progress
        self._stall: Stall | None = None
        self._since = 0.0

    def is_over(self, stall: Stall | None, now: float) -> bool:
        """Whether it has waited for too long.

        Args:
            stall: where it waits now, if it does.
            now: the loop's time.
        """
        if stall is None or not stall.is_same(self._stall, self._least_progress):
            self._stall, self._since = stall, now
            return False
        return now - self._since > stall.limit_sec
