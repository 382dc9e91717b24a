"""When something is due: one number, so that a batch in which nothing is due asks the tables nothing."""

from collections.abc import Callable
from typing import Final

from arclog.sqlite.snapshot import Snapshot


class Due:
    """What is due of one noun, as one hub sees it.

    Args:
        find_next: when the next of it is due, as the tables have it.

    Attributes:
        next_at: when something is due, in microseconds of the log's clock; 0 when it is to be looked at again.
    """

    def __init__(self, find_next: Callable[[Snapshot], int]) -> None:
        self._find_next: Final = find_next
        self.next_at = 0

    def look_again(self) -> None:
        """Something became of one of them."""
        self.next_at = 0

    def prepare(self, snapshot: Snapshot, now: int) -> bool:
        """Find what is due, by reading only.

        Returns:
            Whether anything is to be written now.
        """
        self.next_at = self._find_next(snapshot)
        return self.next_at <= now
