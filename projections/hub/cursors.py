"""Where agents of this hub have read to: kept in memory, and written for all of them together.

What moved is written every five seconds at most, and at the hub's end. After a crash at most those seconds are shown
again. What is written is forgotten here, so that another hub on the log may go on from there.
"""

import asyncio
from collections.abc import Callable
from typing import Final
from weakref import WeakValueDictionary

from arclog.deciders.cursors import MoveCursors
from arclog.errors import ArcError
from arclog.events import CursorPosition
from arclog.sqlite.readers import Readers
from projections.cursors import find_position
from projections.hub.outcomes import Outcome
from projections.intervals import AsOf

WRITE_EVERY_SEC: Final = 5.0
MOST: Final = 1_000
"""Cursors that one event moves at most."""


class _Answer:
    """One answer, to be told from any other."""


class Cursors:
    """The cursors of one hub; used on its event loop.

    Args:
        readers: the way to read the storage.
        write: has positions recorded, and tells how that went.
        write_every_sec: how often.
    """

    def __init__(
        self,
        readers: Readers,
        write: Callable[[MoveCursors, Callable[[Outcome | ArcError], None]], None],
        write_every_sec: float = WRITE_EVERY_SEC,
    ) -> None:
        self._write_every_sec = write_every_sec
        self._readers = readers
        self._write = write
        self._moved: dict[tuple[str, str], int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._answers: WeakValueDictionary[tuple[str, str], _Answer] = WeakValueDictionary()
        """The answers that moved cursors last, as long as they may be taken back."""

    def find(self, agent_id: str, name: str, at: AsOf) -> int | None:
        """The last message that a cursor has passed; None when there is no such cursor."""
        moved = self._moved.get((agent_id, name)) if at.is_live else None
        return self._readers.read(find_position, agent_id, name, at) if moved is None else moved

    def move(self, agent_id: str, name: str, position: int) -> None:
        """A reader has passed a message."""
        self._answers.pop((agent_id, name), None)
        self._moved[agent_id, name] = position
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._write_every_sec, self._begin_writing)

    def move_with_answer(self, agent_id: str, name: str, began_at: int, position: int) -> Callable[[], None]:
        """An answer takes the messages up to `position`; what is returned takes it back, as one that nobody has read.

        It does so once, and only while no other answer has gone on from there, or when that was taken back first.
        """
        before = self._answers.get((agent_id, name))
        self.move(agent_id, name, position)
        answer = self._answers[agent_id, name] = _Answer()

        def take_back() -> None:
            if self._answers.get((agent_id, name)) is answer:
                self.move(agent_id, name, began_at)
                if before is not None:
                    self._answers[agent_id, name] = before

        return take_back

    def take(self) -> MoveCursors | None:
        """What is to be written at the hub's end."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return _command(list(self._moved.items())) if self._moved else None

    def _begin_writing(self) -> None:
        self._timer = None
        written = list(self._moved.items())[:MOST]

        def done(result: Outcome | ArcError) -> None:
            if isinstance(result, Outcome):
                for key, position in written:
                    if self._moved.get(key) == position:
                        del self._moved[key]
            if self._moved and self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(self._write_every_sec, self._begin_writing)

        self._write(_command(written), done)


def _command(moved: list[tuple[tuple[str, str], int]]) -> MoveCursors:
    return MoveCursors(positions=tuple(CursorPosition(agent, name, at) for (agent, name), at in moved))
