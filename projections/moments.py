"""Moments: places in the log to read from, named by an event or a time."""

import apsw

from arclog.errors import InvalidInput
from arclog.sqlite.reads import find_event_at, find_last_at, read_head
from projections.intervals import AsOf, as_of
from projections.times import parse_timestamp


def find_moment(connection: apsw.Connection, event_id: int, name: str = "as_of") -> AsOf:
    """The moment right after an event; 0 is the empty hub.

    Raises:
        InvalidInput: the event is beyond the log's head; the message calls it `name`.
    """
    head = read_head(connection).event_id
    if not 0 <= event_id <= head:
        raise InvalidInput(name, f"must be from 0 to {head}, the last event there is, not {event_id}")
    # An event that posts several messages takes several ids: between them is no moment, but the one before.
    last, time = find_last_at(connection, event_id)
    return as_of(last, head, time)


def find_moment_of(connection: apsw.Connection, text: str) -> AsOf:
    """The moment that a text names, as `find_event_of` reads it.

    Raises:
        InvalidInput: it names no event and no time, or an event beyond the head.
    """
    return find_moment(connection, find_event_of(connection, text))


def find_event_of(connection: apsw.Connection, text: str, name: str = "as_of") -> int:
    """The event that a text names: an event id, or an RFC 3339 time, which is the last event at or before it.

    Raises:
        InvalidInput: it is neither; the message calls it `name`.
    """
    try:
        if text.isascii() and text.isdigit():
            return int(text)
        # The `+` of a zone is a blank once a query string was decoded.
        return find_event_at(connection, parse_timestamp(text.replace(" ", "+")))
    except (ValueError, OverflowError):
        raise InvalidInput(name, f"must be an event id or a time such as 2026-11-22T12:00:00Z, not {text!r}") from None
