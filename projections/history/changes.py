"""What one event changed: each thing that it touched, before and after."""

import apsw
from msgspec import Raw, Struct

from arclog.sqlite.log import find_event
from projections.history.entities import Entity, find_entity, touched_by
from projections.history.events import LoggedEvent, find_logged
from projections.intervals import AsOf
from projections.moments import find_moment


class Change(Struct, frozen=True):
    """How one thing stood before and after; None where there was no such thing."""

    entity: str
    before: Raw | None
    after: Raw | None


class EventInFull(Struct, frozen=True):
    """An event with everything that it changed; `changes` is None when the event cannot be read."""

    event: LoggedEvent
    changes: tuple[Change, ...] | None


def find_in_full(connection: apsw.Connection, event_id: int) -> EventInFull | None:
    """One event and what it changed.

    Args:
        connection: in a transaction, so that the log and the tables are of one moment.
        event_id: the event.

    Raises:
        StorageDamaged: its texts are no texts any more.
    """
    event = find_logged(connection, event_id)
    if event is None:
        return None
    if event.data is None:
        return EventInFull(event, None)
    stored = find_event(connection, event_id)
    assert stored is not None
    before, after = find_moment(connection, event_id - 1), find_moment(connection, event_id)
    touched = touched_by(connection, stored.decode(), after)
    changes = (compare_entity(connection, entity, before, after) for entity in touched)
    return EventInFull(event, tuple(change for change in changes if change is not None))


def compare_entity(connection: apsw.Connection, entity: Entity, before: AsOf, after: AsOf) -> Change | None:
    """How an entity changed between two moments, None when it did not."""
    then, now = find_entity(connection, entity, before), find_entity(connection, entity, after)
    if (then is None and now is None) or (then is not None and now is not None and bytes(then) == bytes(now)):
        return None
    return Change(str(entity), then, now)
