"""Events of the log as they are shown: decoded, and never without a word when they are not what was recorded."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import apsw
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from arclog.codec import Metadata, StoredEvent, decode_metadata
from arclog.digest import digest_of
from arclog.errors import InvalidInput, StorageDamaged
from arclog.events import EVENT_TYPES, SYSTEM, CursorsMoved, HubVouched
from arclog.sqlite.reads import (
    EVERYTHING,
    NO_END,
    Filter,
    find_end_before,
    find_event,
    find_last_at,
    matching_types,
    read_head,
)
from projections.event_streams import read_matching, read_matching_from_end
from projections.times import timestamp

_VOUCHED: Final = ("hub/", "session/")
_UNSHOWN: Final = (HubVouched.type, CursorsMoved.type)
"""The streams in which vouches are found."""


class EventMetadata(Struct, frozen=True, omit_defaults=True):
    """How an event came to be: the call's transport, its idempotency key, who asked, and which token proved it."""

    transport: str
    key: str | None = None
    principal: str | None = None
    token: str | None = None


class LoggedEvent(Struct, frozen=True, omit_defaults=True):
    """An event of the log as it goes over the wire.

    Attributes:
        event_id: its place in the log.
        recorded_at: when it was recorded, by the log's clock.
        type: what kind of event it is.
        stream: the entity whose life it belongs to.
        actor: the agent that did it.
        data: what happened; None when the bytes cannot be read.
        metadata: how it came to be; None when the bytes cannot be read.
        digest: its digest in hexadecimal, where events are given in full.
        damaged: that the event is not what was recorded.
    """

    event_id: int
    recorded_at: str
    type: str
    stream: str
    actor: str
    data: dict[str, Any] | None
    metadata: EventMetadata | None
    digest: str | None = None
    damaged: bool = False


class Point(Struct, frozen=True):
    """A place in the log, and when its event was recorded."""

    event_id: int
    at: str


def list_points(connection: apsw.Connection, count: int) -> list[Point]:
    """Places in the log, evenly apart, from the first event to the last; fewer than `count` in a short log.

    Args:
        connection: in a transaction.
        count: how many, at least 2.
    """
    head = read_head(connection).event_id
    if not head:
        return []
    places = sorted({1 + (head - 1) * index // (count - 1) for index in range(count)})
    return [Point(place, timestamp(find_last_at(connection, place)[1])) for place in places]


def check_type(name: str, wanted: str) -> None:
    """Make sure that there are events of the type that a filter asks for.

    Args:
        name: how the caller calls the filter.
        wanted: a type, or the beginning of one with a dot at its end.

    Raises:
        InvalidInput: no event will ever be of that type.
    """
    if not matching_types(wanted):
        types = ", ".join(EVENT_TYPES)
        raise InvalidInput(name, f"{wanted!r} is not a type of event (lock. is all of lock); the types are {types}")


def read_log(
    connection: apsw.Connection, after: int, limit: int, where: Filter = EVERYTHING, until: int = NO_END
) -> list[LoggedEvent]:
    """Events after `after`, at most `limit`, each checked against its digest.

    Raises:
        StorageDamaged: an event's texts are no texts any more.
    """
    return list(each_logged(connection, after, limit, where, until))


def each_logged(
    connection: apsw.Connection, after: int, limit: int, where: Filter = EVERYTHING, until: int = NO_END
) -> Iterator[LoggedEvent]:
    """The same one by one: no more are read than are taken.

    Raises:
        StorageDamaged: an event's texts are no texts any more.
    """
    try:
        yield from _logged(connection, read_matching(connection, after, limit, until, _without_vouches(where)))
    except UnicodeDecodeError as error:
        raise StorageDamaged(f"an event after {after} cannot be read ({error})", advice="verify") from None


def read_log_end(
    connection: apsw.Connection, limit: int, where: Filter = EVERYTHING, until: int = NO_END
) -> list[LoggedEvent]:
    """The last `limit` events up to and including `until` that match, in log order, each checked against its digest.

    Raises:
        StorageDamaged: an event's texts are no texts any more.
    """
    return list(each_logged_from_end(connection, limit, where, until))[::-1]


def each_logged_from_end(
    connection: apsw.Connection, limit: int, where: Filter = EVERYTHING, until: int = NO_END
) -> Iterator[LoggedEvent]:
    """The same one by one, newest first: no more are read than are taken.

    Raises:
        StorageDamaged: an event's texts are no texts any more.
    """
    try:
        yield from _logged(connection, read_matching_from_end(connection, limit, _without_vouches(where), until))
    except UnicodeDecodeError as error:
        raise StorageDamaged(f"one of the last events cannot be read ({error})", advice="verify") from None


def _without_vouches(where: Filter) -> Filter:
    """What to show of a log: that hubs have their agents still, and where these read, only when it is asked for."""
    if where.type is not None or where.actor not in {None, SYSTEM}:
        return where
    if where.stream is not None and not where.stream.startswith(_VOUCHED):
        return where
    return replace(where, without=_UNSHOWN)


def find_logged(connection: apsw.Connection, event_id: int) -> LoggedEvent | None:
    """One event, checked against its digest.

    Raises:
        StorageDamaged: its texts are no texts any more.
    """
    try:
        event = find_event(connection, event_id)
    except UnicodeDecodeError as error:
        raise StorageDamaged(f"event {event_id} cannot be read ({error})", advice="verify") from None
    return None if event is None else next(_logged(connection, [event]))


def _logged(connection: apsw.Connection, events: Iterable[StoredEvent]) -> Iterator[LoggedEvent]:
    """Stored events in the order in which they come, each checked against the digest before it."""
    last: StoredEvent | None = None
    for event in events:
        if last is not None and last.event_id == event.event_id - 1:
            previous = last.digest
        else:
            _, previous = find_end_before(connection, event.event_id)
        yield _show(event, damaged=digest_of(previous, event) != event.digest)
        last = event


def _show(event: StoredEvent, damaged: bool) -> LoggedEvent:
    data: dict[str, Any] | None
    metadata: EventMetadata | None
    try:
        recorded = event.decode()
        data = msgspec.to_builtins(recorded.data)
        metadata = _shown(recorded.metadata)
    except msgspec.MsgspecError:
        data, metadata, damaged = None, _find_metadata(event), True
    return LoggedEvent(
        event.event_id,
        _time_of(event),
        event.type,
        event.stream,
        event.actor,
        data,
        metadata,
        event.digest.hex(),
        damaged,
    )


def _time_of(event: StoredEvent) -> str:
    try:
        return timestamp(event.recorded_at)
    except OverflowError:  # no clock ever showed that: the event is damaged, and marked so
        return f"{event.recorded_at} microseconds"


def _find_metadata(event: StoredEvent) -> EventMetadata | None:
    try:
        return _shown(decode_metadata(event.metadata))
    except msgspec.MsgspecError:
        return None


def _shown(metadata: Metadata) -> EventMetadata:
    return EventMetadata(metadata.transport, metadata.key, metadata.principal, metadata.token)
