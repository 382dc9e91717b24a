"""The difference between two moments: what an agent that was away has missed, in one answer."""

from collections import Counter
from typing import Final

import apsw
import msgspec
from msgspec import Raw, Struct

from arclog.errors import NotFound, StorageDamaged
from arclog.sqlite.reads import EVERYTHING, NO_END, find_last_event_of, read
from projections import message_pages
from projections.history.changes import compare_entity
from projections.history.entities import Entity, natural_order, touched_by
from projections.moments import find_moment
from projections.times import timestamp

MAX_MESSAGES: Final = 500


class EntityChange(Struct, frozen=True):
    """How one thing changed between two moments, and by which events."""

    entity: str
    events: tuple[int, ...]
    before: Raw | None
    after: Raw | None


class Diff(Struct, frozen=True):
    """What changed between two moments.

    Attributes:
        after: the event that the first moment is right after.
        after_at: its time.
        until: the event that the second moment is right after.
        until_at: its time.
        events: how many events of each type lie between.
        changes: what changed, by entity; what was changed back is left out.
        message_count: how many messages were posted.
        messages: the last of them, at most `MAX_MESSAGES`.
    """

    after: int
    after_at: str
    until: int
    until_at: str
    events: dict[str, int]
    changes: tuple[EntityChange, ...]
    message_count: int
    messages: tuple[Raw, ...]


def find_last_act(connection: apsw.Connection, agent_id: str) -> int:
    """The last event that shows that an agent was there.

    Raises:
        NotFound: it was never there.
    """
    event_id = find_last_event_of(connection, agent_id)
    if event_id is None:
        raise NotFound("agent", agent_id, "never did anything in this log")
    return event_id


def read_diff(connection: apsw.Connection, after: int, until: int) -> Diff:
    """What changed between the moments right after two events.

    Args:
        connection: in a transaction, so that the log and the tables are of one moment.
        after: the first event; 0 for the beginning.
        until: the second.

    Raises:
        InvalidInput: one of the events is beyond the log's head.
        StorageDamaged: an event between them cannot be read.
    """
    first, last = find_moment(connection, after), find_moment(connection, until)
    touched: dict[Entity, list[int]] = {}
    types: Counter[str] = Counter()
    posted: list[int] = []
    try:
        for stored in read(connection, after, NO_END, until, EVERYTHING):
            types[stored.type] += 1
            for entity in touched_by(connection, stored.decode(), last):
                if entity.noun == "message":
                    posted.append(int(entity.key))
                else:
                    touched.setdefault(entity, []).append(stored.event_id)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StorageDamaged(f"an event after {after} cannot be read ({error})", advice="verify") from None
    changes = []
    for entity, events in sorted(touched.items(), key=lambda one: natural_order(str(one[0]))):
        change = compare_entity(connection, entity, first, last)
        if change is not None:
            changes.append(EntityChange(change.entity, tuple(events), change.before, change.after))
    said = tuple(Raw(message_pages.get_json(connection, event_id)) for event_id in posted[-MAX_MESSAGES:])
    return Diff(
        after,
        timestamp(first.now),
        until,
        timestamp(last.now),
        dict(sorted(types.items())),
        tuple(changes),
        len(posted),
        said,
    )
