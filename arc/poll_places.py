"""How far each poll has read.

A poll has a filter: a channel or all, a thread or all, with or without the agent's own messages. Each filter has its
own cursor, the id of the last message that a poll with this filter returned. A poll asks for what lies after its own
cursor *and* after the cursors of all wider filters, since whatever a wider poll has returned, this one need not:

- ``poll(channel="a")`` moves the cursor of that filter only. ``poll(channel="b")`` and ``poll()`` return the same as
  if it had never been called: nothing is swallowed.
- ``poll()`` returns everything visible, so what it has returned is not returned again by ``poll(channel="a")``.
- `PollPlaces.move_all` (bootstrap) puts every filter at one place.
"""

from __future__ import annotations

from _thread import allocate_lock

Filter = tuple[str | None, str | None, bool]
"""channel or None for all, thread id or None for all, whether the agent's own messages are left out"""

_WIDEST: Filter = (None, None, False)


def _covers(wider: Filter, narrower: Filter) -> bool:
    """Whether everything that passes ``narrower`` passes ``wider`` too."""
    return wider[0] in (None, narrower[0]) and wider[1] in (None, narrower[1]) and (narrower[2] or not wider[2])


class PollPlaces:
    """The places of all filters of one client. Safe to use from several threads."""

    def __init__(self) -> None:
        self._places: dict[Filter, int] = {_WIDEST: 0}
        self._lock = allocate_lock()

    def place(self, of: Filter) -> int:
        """The id after which a poll with this filter has something new to return."""
        with self._lock:
            return max(place for seen, place in self._places.items() if _covers(seen, of))

    def move(self, of: Filter, to: int) -> None:
        """A poll with this filter has returned the message ``to``. A cursor never moves back."""
        with self._lock:
            self._places[of] = max(to, self._places.get(of, 0))

    def move_all(self, to: int) -> None:
        """Every filter stands at ``to``, even where that is a step back: the hub may have been reset since."""
        with self._lock:
            self._places = {_WIDEST: to}
