"""Deadlocks: requests that were not let wait, because what they would have waited for waited for the asker.

A refusal says all of the circle.
"""

from collections.abc import Iterable
from typing import Final

import apsw
import msgspec
from msgspec import Struct

from arclog.codec import Fact
from arclog.events import ClaimRefused, LockRefused
from arclog.events.leases import Wait
from arclog.sqlite.queries import Queries
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.projector import Projector, Writer

SQL: Final = Queries("projections", "deadlocks.sql")


class Deadlock(Struct, frozen=True):
    """A circle that would have been closed.

    Attributes:
        event_id: the refusal.
        circle: who waits for whom; the first one is who was refused.
    """

    event_id: int
    circle: tuple[Wait, ...]


def _on_refused(writer: Writer, event: Fact, data: LockRefused | ClaimRefused) -> None:
    if data.circle:
        circle = encode_json(data.circle).decode()
        writer.write(SQL["refuse"], (event.event_id, data.asker_agent_id, _place_of(data.circle), circle))


def _place_of(circle: tuple[Wait, ...]) -> int | None:
    return circle[-1].place


PROJECTOR: Final = Projector(
    name="deadlocks",
    version=2,
    tables=("deadlocks",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={LockRefused: _on_refused, ClaimRefused: _on_refused},
)


def find_same(connection: apsw.Connection, refused: LockRefused | ClaimRefused) -> int | None:
    """The event that told of the same circle already."""
    circle = encode_json(refused.circle).decode()
    found = connection.execute(SQL["find_same"], (_place_of(refused.circle), refused.asker_agent_id, circle)).get
    return None if found is None else int(found)


def list_deadlocks(connection: apsw.Connection, at: AsOf, waiting: Iterable[int]) -> list[Deadlock]:
    """The circles that were not closed up to a moment, oldest first.

    Args:
        connection: any connection on the storage.
        at: the moment.
        waiting: only those in which somebody waits for the one that was refused at one of these places.
    """
    bindings = {"places": encode_json(list(waiting)).decode(), "at": at.at}
    rows = connection.execute(SQL["list_at"], bindings)
    return [Deadlock(event_id, msgspec.json.decode(circle, type=tuple[Wait, ...])) for event_id, circle in rows]
