"""Erasing in the tables: the few rows that hold free text lose it when the event that brought it does.

What messages say stands in their events alone. What is here are the titles and answers of tasks, and what callers
attached to sessions, channels, claims and locks. Afterwards the rows are those that a rebuild makes.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import apsw
from msgspec import Struct

from arclog.codec import Fact, decode_data
from arclog.deciders.log import EarlierErasure
from arclog.erasure import texts_of
from arclog.events import (
    ChannelCreated,
    ClaimAcquired,
    ClaimHandedOver,
    Event,
    LockAcquired,
    LockHandedOver,
    MessagePosted,
    PayloadErased,
    SessionOpened,
    TasksOpened,
)
from arclog.events.messages import TASK_KINDS
from arclog.sqlite.queries import Queries
from arclog.sqlite.reads import NO_END, Filter, find_event, find_next, read, read_some_facts
from arclog.sqlite.schema import EVENTS
from projections.encoding import encode_json
from projections.marked import SQL as MARKED
from projections.projector import each_message
from projections.tasks import title_of

SQL: Final = Queries("projections", "erasing.sql")


class Erased(Struct, frozen=True):
    """What was erased, as the log has it.

    Attributes:
        event_id: the event that says so; None where all of it had been erased before.
        erased: the events whose texts are gone.
        erased_by: who had it done.
        reason: why.
    """

    event_id: int | None
    erased: tuple[int, ...]
    erased_by: str
    reason: str


def erase_rows(connection: apsw.Connection, erased: PayloadErased, tables: apsw.Connection | None = None) -> None:
    """Take the texts of erased events out of the tables, in the transaction in which the log lost them.

    Args:
        connection: where the log is.
        erased: what was erased.
        tables: where the tables are, if that is not the same file.
    """
    for fact in read_some_facts(connection, [one.event_id for one in erased.events]):
        erase = _ERASERS.get(type(fact.data))
        if erase is not None:
            erase(connection, tables or connection, fact)


def find_whole(connection: apsw.Connection, message_id: int) -> tuple[int, bytes, Event] | None:
    """The event of an id, or the one that posted the message of that id among others.

    Returns:
        Its id, its bytes and what they mean; None when there is none.
    """
    stored = find_event(connection, message_id)
    if stored is None:
        following = find_next(connection, message_id)
        stored = None if following is None else find_event(connection, following)
        if stored is None:
            return None
        data = decode_data(stored.type, stored.data)
        if not isinstance(data, TasksOpened) or message_id <= stored.event_id - len(data.messages):
            return None
    return stored.event_id, stored.data, decode_data(stored.type, stored.data)


def list_earlier_erasures(connection: apsw.Connection, event_ids: frozenset[int]) -> tuple[EarlierErasure, ...]:
    """The erasures that carry what they left of some events, and those that carry these erasures, in order."""
    found: list[EarlierErasure] = []
    carried = set(event_ids)
    for stored in read(connection, 0, NO_END, where=Filter(type=PayloadErased.type)):
        data = decode_data(stored.type, stored.data)
        assert isinstance(data, PayloadErased)
        if any(one.event_id in carried for one in data.events):
            found.append(EarlierErasure(stored.event_id, stored.data, data))
            carried.add(stored.event_id)
    return tuple(found)


def read_texts(connection: apsw.Connection, ids: list[int]) -> list[str]:
    """What some events say, to be looked for once it is erased."""
    found = (find_whole(connection, one) for one in ids)
    return [text for one in found if one is not None for text in texts_of(one[2])]


def find_last_erasure(connection: apsw.Connection) -> int:
    """The last event that erased something; 0 where nothing was erased."""
    return int(connection.execute(EVENTS["find_last_erasure"]).get or 0)


def find_erased(connection: apsw.Connection, after: int) -> tuple[int, tuple[int, ...]]:
    """The last event that erased something, and whose messages were erased after an event, or by that last one."""
    last = find_last_erasure(connection)
    messages: list[int] = []
    for stored in read(connection, min(after, last - 1), NO_END, where=Filter(type=PayloadErased.type)):
        data = decode_data(stored.type, stored.data)
        assert isinstance(data, PayloadErased)
        messages += data.message_ids
    return last, tuple(messages)


def _erase_message(log: apsw.Connection, tables: apsw.Connection, event: Fact) -> None:
    data: MessagePosted = event.data  # type: ignore[assignment]  # chosen by its type
    if data.handling is not None and data.handling.erased:
        tables.execute(MARKED["unmark"], (event.event_id,))
    if data.kind in TASK_KINDS and data.handling is not None and data.handling.erased:
        tables.execute(SQL["erase_task"], (title_of(""), "[]", event.event_id))


def _erase_tasks(log: apsw.Connection, tables: apsw.Connection, event: Fact) -> None:
    for place, _message in each_message(event, event.data):  # type: ignore[arg-type]  # chosen by its type
        _erase_message(log, tables, place)


def _erase_session(log: apsw.Connection, tables: apsw.Connection, event: Fact) -> None:
    data: SessionOpened = event.data  # type: ignore[assignment]
    tables.execute(SQL["erase_session"], (encode_json(data.metadata).decode(), data.session_id))


def _erase_channel(log: apsw.Connection, tables: apsw.Connection, event: Fact) -> None:
    data: ChannelCreated = event.data  # type: ignore[assignment]
    tables.execute(SQL["erase_channel"], (encode_json(data.metadata).decode(), event.event_id))


def _erase_claim(log: apsw.Connection, tables: apsw.Connection, event: Fact) -> None:
    data: ClaimAcquired = event.data  # type: ignore[assignment]
    for token in _tokens_of(log, event.event_id, ClaimHandedOver.type):
        tables.execute(SQL["erase_claim"], (encode_json(data.metadata).decode(), token))


def _erase_lock(log: apsw.Connection, tables: apsw.Connection, event: Fact) -> None:
    data: LockAcquired = event.data  # type: ignore[assignment]
    for token in _tokens_of(log, event.event_id, LockHandedOver.type):
        tables.execute(SQL["erase_lock"], (encode_json(data.metadata).decode(), token))


def _tokens_of(connection: apsw.Connection, token: int, handed_over: str) -> Iterator[int]:
    """A grant and those that came of it when it was handed over, which carry what was attached to it."""
    tokens = {token}
    yield token
    for stored in read(connection, token, NO_END, where=Filter(type=handed_over)):
        data: Any = decode_data(stored.type, stored.data)
        if data.fencing_token in tokens:
            tokens.add(stored.event_id)
            yield stored.event_id


_ERASERS: Final[dict[type, Callable[[apsw.Connection, apsw.Connection, Fact], None]]] = {
    MessagePosted: _erase_message,
    TasksOpened: _erase_tasks,
    SessionOpened: _erase_session,
    ChannelCreated: _erase_channel,
    ClaimAcquired: _erase_claim,
    LockAcquired: _erase_lock,
}
"""For each type of event whose texts stand in a table too, what takes them out there."""
