"""Recent messages: those that a connection has read already, as JSON.

A message never changes, and a connection that reads sees only what is committed. So what it read once stays true for as
long as it is open, and of a page that many agents ask for, such as the newest fifty, only what is new is read.
"""

from typing import Final
from weakref import WeakKeyDictionary

import apsw

MAX_MESSAGES: Final = 1_000
MAX_BYTES: Final = 4_096
"""A message with longer JSON is read anew each time."""


class Recent(dict[int, bytes]):
    """The JSON of some messages by event id; it forgets everything when it is full."""

    def keep(self, event_id: int, json: bytes) -> None:
        """Remember a message, unless it is long."""
        if len(json) <= MAX_BYTES:
            if len(self) >= MAX_MESSAGES:
                self.clear()
            self[event_id] = json


_RECENT: Final[WeakKeyDictionary[apsw.Connection, Recent]] = WeakKeyDictionary()


def recent_of(connection: apsw.Connection) -> Recent:
    """What `connection`, which must not write, has read of messages."""
    recent = _RECENT.get(connection)
    if recent is None:
        recent = _RECENT[connection] = Recent()
    return recent
