"""Recent messages: those that a connection has read already, as JSON.

A message changes only when what it said is erased, and a connection that reads sees only what is committed. So what it
read once stays true for as long as it is open, and of a page that many agents ask for, such as the newest fifty, only
what is new is read. What this hub erases is forgotten at once (`forget_messages`), what another hub on the storage
erases a moment later (`LOOK_SEC`).
"""

import time
from typing import Final
from weakref import WeakKeyDictionary

import apsw

from arclog.sqlite.schema import EVENTS

MAX_BYTES: Final = 2**20
"""JSON that one connection remembers at most."""
MAX_MESSAGE_BYTES: Final = 4_096
"""A message with longer JSON is read again each time."""
LOOK_SEC: Final = 0.2
"""How often it is looked whether another hub has erased something."""


class Recent(dict[int, bytes]):
    """The JSON of some messages by event id; it forgets everything when it is full.

    Args:
        room: how many bytes it holds at most.
    """

    def __init__(self, room: int = MAX_BYTES) -> None:
        super().__init__()
        self._room = room
        self._bytes = 0
        self._erasures: int | None = None
        """The last event that erased something, when it was last looked."""
        self._look_at = 0.0
        self._begun_at = _forgotten

    def keep(self, event_id: int, json: bytes) -> None:
        """Remember a message, unless it is long."""
        if len(json) > MAX_MESSAGE_BYTES or self._begun_at != _forgotten:
            return
        self._bytes += len(json)
        if self._bytes > self._room:
            self.clear()
            self._bytes = len(json)
        self[event_id] = json

    def look(self, connection: apsw.Connection) -> None:
        """Before a page is read: forget everything if something was erased since the last look."""
        self._begun_at = _forgotten
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SEC
        erasures = connection.execute(EVENTS["find_last_erasure"]).get
        if erasures != self._erasures:
            self.clear()
            self._bytes, self._erasures = 0, erasures


_RECENT: Final[WeakKeyDictionary[apsw.Connection, Recent]] = WeakKeyDictionary()
_forgotten = 0
"""How often everything was forgotten: what was being read meanwhile is not remembered."""


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


def forget_messages() -> None:
    """Remember nothing of what was read until now, on any connection of this process: something was erased."""
    global _forgotten  # noqa: PLW0603 - one number for all connections
    _forgotten += 1
    for recent in list(_RECENT.values()):
        recent.clear()
