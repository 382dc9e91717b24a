"""Open calls: the calls of this hub that wait for a claim or a lock, by their places.

Only the hub that holds a call may grant its place, and only while the call is open. A place whose calls have all ended
is kept for a while, so that another can go on at it.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from arclog.limits import MICROSECONDS, PLACE_KEPT_SEC

R = TypeVar("R")


class OpenCall(Generic[R]):
    """A call that waits.

    Attributes:
        place_id: where it waits.
        wait_until: when it ends, in microseconds of the log's clock.
        result: what it is told; None while it waits.
        on_result: called when there is a result; set by the call that waits.
    """

    __slots__ = ("on_result", "place_id", "result", "wait_until")

    def __init__(self, place_id: int, wait_until: int) -> None:
        self.place_id = place_id
        self.wait_until = wait_until
        self.result: R | None = None
        self.on_result: Callable[[], None] = _ignore

    def tell(self, result: R) -> None:
        """End the wait."""
        self.result = result
        self.on_result()


class OpenCalls(Generic[R]):
    """All open calls of one hub."""

    def __init__(self) -> None:
        self._calls: dict[int, list[OpenCall[R]]] = {}
        self._left: dict[int, int] = {}
        """Places that no call waits at any more, and until when they are kept."""

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def has_places(self) -> bool:
        """Whether there is a place at which a call waits, or which is kept for one."""
        return bool(self._calls or self._left)

    def open(self, place_id: int, wait_until: int) -> OpenCall[R]:
        """Another call waits at a place."""
        call: OpenCall[R] = OpenCall(place_id, wait_until)
        self._calls.setdefault(place_id, []).append(call)
        self._left.pop(place_id, None)
        return call

    def close(self, call: OpenCall[R], now: int) -> None:
        """A call waits no more, whatever it was told."""
        calls = self._calls.get(call.place_id, [])
        if call in calls:
            calls.remove(call)
            if not calls:
                del self._calls[call.place_id]
                if call.result is None:
                    self._left[call.place_id] = now + PLACE_KEPT_SEC * MICROSECONDS

    def at(self, place_id: int) -> tuple[OpenCall[R], ...]:
        """The calls that wait at a place."""
        return tuple(self._calls.get(place_id, ()))

    def places(self) -> list[int]:
        """The places at which calls wait, in their order."""
        return sorted(self._calls)

    def take_left(self, now: int) -> list[int]:
        """The places that have been left for so long that they are to be given up; each is named once."""
        over = [place_id for place_id, until in self._left.items() if until < now]
        for place_id in over:
            del self._left[place_id]
        return over

    def forget(self, place_id: int) -> None:
        """Another hub has a call at a place, or it is over: it is not this hub's to give up."""
        self._left.pop(place_id, None)

    def next_left(self) -> int | None:
        """When the next place is to be given up."""
        return min(self._left.values(), default=None)


def _ignore() -> None:
    """Nobody waits yet."""
