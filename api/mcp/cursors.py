"""How far an agent's polls have read, so that the model need not remember ids.

A poll looks at a channel or all, and a thread or all, and each of these views has a place of its own. What a wider view
has shown, a narrower one need not show again; what a narrower one has shown, a wider one still does. So a poll of one
channel never swallows a direct message.
"""

from msgspec import Struct


class View(Struct, frozen=True):
    """What a poll looks at; None is all."""

    channel: str | None = None
    thread_id: str | None = None

    def covers(self, other: "View") -> bool:
        """Whether everything that `other` shows is shown here too."""
        return self.channel in {None, other.channel} and self.thread_id in {None, other.thread_id}


ALL = View()
MAX_VIEWS = 256


class Cursors:
    """The places of one agent's views."""

    def __init__(self) -> None:
        self._places: dict[View, int] = {}

    @property
    def begun(self) -> bool:
        """Whether `begin` was called."""
        return bool(self._places)

    @property
    def start(self) -> int:
        """The id after which everything is new, in every view."""
        return self._places.get(ALL, 0)

    def begin(self, at: int) -> None:
        """Put every view after the message `at`."""
        self._places = {ALL: at}

    def place(self, view: View) -> int:
        """The id after which `view` has something new."""
        return max((place for seen, place in self._places.items() if seen.covers(view)), default=0)

    def move(self, view: View, to: int) -> None:
        """`view` has shown the message `to`. It never moves back."""
        self._places[view] = max(to, self._places.pop(view, 0))
        if len(self._places) > MAX_VIEWS:  # the view that moved longest ago shows again what it showed
            del self._places[next(seen for seen in self._places if seen != ALL)]
