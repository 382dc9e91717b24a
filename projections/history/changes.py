"""What one event changed: each thing that it touched, before and after."""

from collections.abc import Sequence
from typing import Any, Final

import apsw
import msgspec
from msgspec import Raw, Struct
from msgspec.structs import asdict

from arclog.errors import InvalidInput
from arclog.sqlite.reads import find_event
from projections.budget import Budget
from projections.history.entities import Entity, find_entity, touched_by
from projections.history.events import LoggedEvent, find_logged
from projections.intervals import AsOf
from projections.moments import find_moment

MAX_ROW_BYTES: Final = 4096
"""A row with longer JSON is shown with its long texts cut where many rows are shown."""
MAX_TEXT_CHARS: Final = 2000


class Change(Struct, frozen=True):
    """How one thing stood before and after; None where there was no such thing."""

    entity: str
    before: Raw | None
    after: Raw | None


class EventInFull(Struct, frozen=True):
    """An event with everything that it changed; `changes` is None when the event cannot be read."""

    event: LoggedEvent
    changes: tuple[Change, ...] | None


class Row(Struct, frozen=True):
    """How one thing stands after an event; None where it is no more."""

    entity: str
    after: Raw | None


class EventWithRows(LoggedEvent, frozen=True, omit_defaults=True, kw_only=True):
    """An event with the rows that it changed, as the reads would give them right after it."""

    changes: tuple[Row, ...] = ()


def add_changes(connection: apsw.Connection, event: LoggedEvent) -> EventWithRows:
    """An event with the rows that it changed, texts of more than `MAX_TEXT_CHARS` cut and marked `cut`.

    Args:
        connection: in a transaction.
        event: as the log shows it.
    """
    return EventWithRows(**asdict(event) | {"data": shorten(event.data)}, changes=_rows_after(connection, event))


def _rows_after(connection: apsw.Connection, event: LoggedEvent) -> tuple[Row, ...]:
    stored = None if event.data is None else find_event(connection, event.event_id)
    if stored is None:
        return ()
    at = find_moment(connection, event.event_id)
    rows = ((str(one), find_entity(connection, one, at)) for one in touched_by(connection, stored.decode(), at))
    return tuple(Row(entity, None if row is None else _short_row(row)) for entity, row in rows)


def _short_row(row: Raw) -> Raw:
    if len(bytes(row)) <= MAX_ROW_BYTES:
        return row
    return Raw(msgspec.json.encode(shorten(msgspec.json.decode(row)) | {"cut": True}))


def shorten(value: Any) -> Any:  # noqa: ANN401 - JSON has any shape
    """A JSON value with its long texts cut."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT_CHARS else value[:MAX_TEXT_CHARS] + "…"
    if isinstance(value, dict):
        return {key: shorten(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shorten(one) for one in value]
    return value


def find_in_full(
    connection: apsw.Connection, event_id: int, budget: Budget | None = None, after: str | None = None
) -> EventInFull | None:
    """One event and what it changed.

    Args:
        connection: in a transaction, so that the log and the tables are of one moment.
        event_id: the event.
        budget: how many bytes the changes may have; without one, all of them.
        after: only the changes that follow that of this entity.

    Raises:
        StorageDamaged: its texts are no texts any more.
        InvalidInput: the event did not touch the entity `after`.
    """
    event = find_logged(connection, event_id)
    if event is None:
        return None
    if event.data is None:
        return EventInFull(event, None)
    stored = find_event(connection, event_id)
    assert stored is not None
    then, now = find_moment(connection, event_id - 1), find_moment(connection, event_id)
    touched = touched_by(connection, stored.decode(), now)
    changes: list[Change] = []
    for entity in _following(touched, after):
        change = compare_entity(connection, entity, then, now)
        if change is None:
            continue
        if budget is not None and not budget.takes(len(bytes(change.before or b"")) + len(bytes(change.after or b""))):
            break
        changes.append(change)
    return EventInFull(event, tuple(changes))


def _following(touched: Sequence[Entity], after: str | None) -> Sequence[Entity]:
    if after is None:
        return touched
    names = [str(entity) for entity in touched]
    if after not in names:
        raise InvalidInput("after", f"is not an entity that this event touched: {after!r}")
    return touched[names.index(after) + 1 :]


def compare_entity(connection: apsw.Connection, entity: Entity, before: AsOf, after: AsOf) -> Change | None:
    """How an entity changed between two moments, None when it did not."""
    then, now = find_entity(connection, entity, before), find_entity(connection, entity, after)
    if (then is None and now is None) or (then is not None and now is not None and bytes(then) == bytes(now)):
        return None
    return Change(str(entity), then, now)
