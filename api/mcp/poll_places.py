"""How far an agent's polls have read, so that the model need not remember ids.

A poll looks at a channel or all, and a thread or all, and each of these views has a place of its own. What a wider view
has shown, a narrower one need not show again; what a narrower one has shown, a wider one still does. So a poll of one
channel never swallows a direct message.

An answer that takes messages moves the place of its view, so that two polls at once do not take the same. But nobody
knows yet whether the answer will be read: the host may have given up, or the connection be gone. Then the place goes
back to where it was, and the next poll takes the messages again. So each message is taken at least once; one that may
have been read before says so (`again`).

Where a hub serves the host itself, it keeps the places in its log, so that they outlast it: what an answer took is kept
when the host goes on to its next request. After a restart the last answer is shown once more, and no other.
"""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from msgspec import Struct

MAX_VIEWS: Final = 256


class View(Struct, frozen=True):
    """What a poll looks at; None is all."""

    channel: str | None = None
    thread_id: str | None = None

    def covers(self, other: "View") -> bool:
        """Whether everything that `other` shows is shown here too."""
        return self.channel in {None, other.channel} and self.thread_id in {None, other.thread_id}


ALL: Final = View()


class Taken(Struct, frozen=True):
    """What one answer takes: the messages of a view after one id, up to another.

    Attributes:
        view: the view.
        after: the id.
        to: the other.
        waited: whether the host has waited for them.
    """

    view: View
    after: int
    to: int
    waited: bool = False


class Places(Protocol):
    """Where agents stand, kept longer than this process lives."""

    def find(self, agent_id: str, view: View) -> int | None:
        """The place that was kept of an agent's view, if any was."""
        ...

    def move(self, agent_id: str, view: View, place: int) -> None:
        """Keep the place of an agent's view."""
        ...


class PollPlaces:
    """The places of one agent's views.

    Args:
        kept: what keeps them, if anything does.
        whose: tells the agent's name, which may change.
    """

    def __init__(self, kept: Places | None = None, whose: Callable[[], str] = str) -> None:
        self._kept = kept
        self._whose = whose
        self._places: dict[View, int] = {}
        self._shown: dict[View, int] = {}
        self._unkept: list[Taken] = []
        """What went out since the host last asked for something."""

    @property
    def begun(self) -> bool:
        """Whether `begin` was called."""
        return bool(self._places)

    @property
    def start(self) -> int:
        """The id after which everything is new, in every view."""
        return self._places.get(ALL, 0)

    def begin(self, at: int, *, shown: int = 0) -> None:
        """Put every view after the message `at`.

        Args:
            at: an id.
            shown: the messages up to this id may have been shown already, by a process that nothing is known of.
        """
        self._places = {ALL: max(at, self._recall(ALL))}
        self._shown = {ALL: shown} if shown > at else {}
        self._unkept.clear()

    def place(self, view: View) -> int:
        """The id after which `view` has something new."""
        known = max((place for seen, place in self._places.items() if seen.covers(view)), default=0)
        return max(known, *(self._recall(seen) for seen in _covering(view) if seen not in self._places), 0)

    def take(self, view: View, to: int, *, waited: bool = False) -> Taken:
        """Move `view` on to the message `to`. It never moves back, but by `give_back`.

        Args:
            view: what the poll looks at.
            to: the last message of its answer.
            waited: whether there was none when the poll came.
        """
        taken = Taken(view, self.place(view), to, waited)
        self._places[view] = max(to, self._places.pop(view, 0))
        if len(self._places) > MAX_VIEWS:  # the view that moved longest ago shows again what it showed
            oldest = next(seen for seen in self._places if seen != ALL)
            del self._places[oldest]
            self._shown.pop(oldest, None)
        return taken

    def show(self, taken: Taken) -> None:
        """An answer goes out: from here on the host may have read it."""
        self._shown[taken.view] = max(taken.to, self._shown.get(taken.view, 0))
        if self._kept is not None:
            self._unkept.append(taken)

    def confirm(self) -> None:
        """The host goes on: what it was answered before was read, unless it was given back."""
        if self._kept is not None and self._unkept:
            for taken in self._unkept:
                self._kept.move(self._whose(), taken.view, min(taken.to, self._places.get(taken.view, 0)))
            self._unkept.clear()

    def give_back(self, taken: Taken) -> None:
        """An answer was not read, or nobody knows: the next poll takes its messages again."""
        for view, place in self._places.items():
            if taken.view.covers(view) and place > taken.after:
                self._places[view] = taken.after
                if self._kept is not None and self._recall(view) > taken.after:
                    self._kept.move(self._whose(), view, taken.after)
        self._unkept = [one for one in self._unkept if one is not taken]

    def is_again(self, message_id: int, channel: str, thread_id: str | None) -> bool:
        """Whether a message may have been read before."""
        return self._may_have_shown(View(channel, thread_id), message_id)

    def _recall(self, view: View) -> int:
        """The place that was kept of a view; 0 when none was."""
        return 0 if self._kept is None else self._kept.find(self._whose(), view) or 0

    def _may_have_shown(self, view: View, message_id: int) -> bool:
        """Whether all of a view up to a message may have been shown."""
        return any(message_id <= shown and seen.covers(view) for seen, shown in self._shown.items())


def _covering(view: View) -> Iterator[View]:
    """The views that show everything that `view` does."""
    for channel in {None, view.channel}:
        for thread_id in {None, view.thread_id}:
            yield View(channel, thread_id)
