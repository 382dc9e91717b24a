"""Crowds: how many connections an address, and how many open calls a sender, on other machines may have at a time.

An open call is one without an answer yet: a wait, a stream, or whatever takes long. The limits are generous: they are
there for a program that opens one after the other and forgets them, not for a house full of agents. Nothing of this
machine is counted.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from arclog.errors import ArcError


class Crowd:
    """Counts what each has at the same time.

    Args:
        most: how many each may have; 0 for any number.
        refusal: the error about one more than that.
    """

    def __init__(self, most: int, refusal: Callable[[int], ArcError]) -> None:
        self._most = most
        self._refusal = refusal
        self._inside: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many all have together."""
        return self._inside.total()

    def enter(self, who: str) -> None:
        """Count one more.

        Raises:
            ArcError: `who` has as many as it may; this one is not counted.
        """
        if self._most and self._inside[who] >= self._most:
            raise self._refusal(self._most)
        self._inside[who] += 1

    def leave(self, who: str) -> None:
        """Count one less."""
        self._inside[who] -= 1
        if self._inside[who] <= 0:
            del self._inside[who]

    @contextmanager
    def inside(self, who: str) -> Iterator[None]:
        """Count one more for as long as this lasts.

        Raises:
            ArcError: `who` has as many as it may.
        """
        self.enter(who)
        try:
            yield
        finally:
            self.leave(who)
