"""Recent messages: those that a connection has read already, as JSON.

A message never changes, and a connection that reads sees only what is committed. So what it read once stays true for as
long as it is open, and of a page that many agents ask for, such as the newest fifty, only what is new is read.
"""

from typing import Final
from weakref import WeakKeyDictionary

import apsw

MAX_BYTES: Final = 2**20
"""JSON that one connection remembers at most."""
MAX_MESSAGE_BYTES: Final = 4_096
"""A message with longer JSON is read anew each time."""


class Recent(dict[int, bytes]):
    """The JSON of some messages by event id; it forgets everything when it is full.

    Args:
        room: how many bytes it holds at most.
    """

    def __init__(self, room: int = MAX_BYTES) -> None:
        super().__init__()
        self._room = room
        self._bytes = 0

    def keep(self, event_id: int, json: bytes) -> None:
        """Remember a message, unless it is long."""
        if len(json) > MAX_MESSAGE_BYTES:
            return
        self._bytes += len(json)
        if self._bytes > self._room:
            self.clear()
            self._bytes = len(json)
        self[event_id] = json


_RECENT: Final[WeakKeyDictionary[apsw.Connection, Recent]] = WeakKeyDictionary()


def recent_of(connection: apsw.Connection, room: int = MAX_BYTES) -> Recent:
    """What a connection has read of messages; empty if it can write, because what it reads may be undone.

    Args:
        connection: the connection.
        room: how many bytes are remembered for it, if nothing was before.
    """
    if not connection.readonly("main"):
        return Recent()
    recent = _RECENT.get(connection)
    if recent is None:
        recent = _RECENT[connection] = Recent(room)
    return recent
