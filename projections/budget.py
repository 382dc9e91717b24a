"""How many bytes an answer may have: whatever is asked for, it is bounded, and goes on in the next answer."""

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


class Budget:
    """What is left of an answer's bytes while its rows are gathered.

    Args:
        most: how many bytes there are. The first row is taken whatever its size, or nothing would ever come after it.
    """

    __slots__ = ("_left", "is_untouched", "spent")

    def __init__(self, most: int) -> None:
        self._left = most
        self.is_untouched = True
        """Whether nothing was taken yet."""
        self.spent = False
        """Whether a row was left out, so that there is more to come."""

    def takes(self, size: int) -> bool:
        """Whether a row of `size` bytes still fits; once one did not, none does."""
        if self.spent or (size > self._left and not self.is_untouched):
            self.spent = True
            return False
        self._left -= size
        self.is_untouched = False
        return True

    def takes_all(self, size: int) -> bool:
        """Whether rows of `size` bytes together all fit; if they do not, none is taken."""
        if self.spent or size > self._left:
            return False
        self._left -= size
        self.is_untouched = False
        return True

    def fill(self, rows: Iterable[T], encode: Callable[[T], bytes]) -> list[bytes]:
        """The rows that fit, encoded; no more of them are read than that."""
        taken: list[bytes] = []
        for row in rows:
            encoded = encode(row)
            if not self.takes(len(encoded)):
                break
            taken.append(encoded)
        return taken
