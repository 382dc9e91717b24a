"""Pages of messages: what an agent, a channel or a thread is shown.

The tables find the ids of a page; what the messages say is then read from their events.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

import apsw
import msgspec
from msgspec import Struct

from arclog.events import GENERAL_CHANNEL, Notice
from arclog.limits import ANSWER_BYTES, PAGE_ROWS
from arclog.sqlite.reads import find_last_at, find_next, read_some_facts
from projections.budget import Budget
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.messages import SQL, Message, PostedMessage, from_hub, messages_of
from projections.recent import Recent, recent_of

PART: Final = 128
"""Messages of a page that are read at a time."""


class Page(Struct, frozen=True):
    """Some messages in order of their ids, each as JSON.

    Attributes:
        rows: the messages.
        ids: their ids.
        more: whether the page ended because it grew too large.
    """

    rows: list[bytes]
    ids: list[int]
    more: bool = False

    def json(self) -> bytes:
        """The page as a JSON array."""
        return b"[" + b",".join(self.rows) + b"]"


class MessageQuery(Struct, frozen=True, kw_only=True):
    """Which messages to read.

    Attributes:
        agent_id: what this agent may see, broadcasts and messages to it; None for broadcasts only.
        channel: only of this channel.
        channels: only of these channels; with `agent_id` alone.
        thread_id: only of this thread.
        exclude_self: leave out what `agent_id` wrote.
        since_id: only after this id.
        limit: at most this many.
        tail: the last `limit` rows instead of the first; with `agent_id`, of all that it may see.
        max_bytes: about how large a page may grow.
    """

    agent_id: str | None = None
    channel: str | None = None
    channels: tuple[str, ...] = ()
    thread_id: str | None = None
    exclude_self: bool = False
    since_id: int = 0
    limit: int = PAGE_ROWS
    tail: bool = False
    max_bytes: int = ANSWER_BYTES

    def matches(self, message: PostedMessage) -> bool:
        """Whether a new message belongs to what the query asks for, its cursor apart."""
        if message.to_agent is not None and message.to_agent != self.agent_id:
            return False
        return (
            (self.channel is None or message.channel == self.channel)
            and (self.thread_id is None or message.thread_id == self.thread_id)
            and (not self.channels or message.channel in self.channels)
            and not (self.exclude_self and message.from_agent == self.agent_id)
        )


def read_messages(
    connection: apsw.Connection, query: MessageQuery, at: AsOf, limit: int | None = None, max_bytes: int | None = None
) -> Page:
    """A page of what `query` asks for; with `limit` and `max_bytes` in the place of its own, if they are given."""
    bindings: dict[str, str | int | None] = {
        "at": at.at,
        "since_id": query.since_id,
        "limit": query.limit if limit is None else limit,
        "channel": query.channel,
        "thread_id": query.thread_id,
    }
    if query.agent_id is None:
        scope = "channel" if query.thread_id is None else "thread"
        name = f"{scope}_tail" if query.tail else f"{scope}_page"
    else:
        bindings["agent_id"] = query.agent_id
        bindings["exclude_agent"] = query.agent_id if query.exclude_self else None
        if query.thread_id is not None:
            name = "visible_in_thread_page"
        elif query.channel is not None:
            name = "visible_in_channel_page"
        elif query.channels:
            name = "visible_in_channels_page"
            bindings["channels"] = encode_json(query.channels).decode()
        else:
            name = "visible_tail" if query.tail else "visible_page"
    budget = Budget(query.max_bytes if max_bytes is None else max_bytes)
    return gather(connection, connection.execute(SQL[name], bindings), budget, reverse=query.tail)


def reader_of(query: MessageQuery, at: AsOf) -> Callable[[apsw.Connection, int, int], Page]:
    """Reads a page of what `query` asks for, given a limit of rows and one of bytes."""
    return lambda connection, limit, max_bytes: read_messages(connection, query, at, limit, max_bytes)


def read_thread_messages(
    connection: apsw.Connection, thread_id: str, at: AsOf, since_id: int, limit: int, budget: Budget | None = None
) -> Page:
    """Everything said in a thread, direct messages included."""
    bindings = {"thread_id": thread_id, "at": at.at, "since_id": since_id, "limit": limit}
    return gather(connection, connection.execute(SQL["thread_all"], bindings), budget or Budget(ANSWER_BYTES))


def read_by_ids(connection: apsw.Connection, ids: Iterable[int], max_bytes: int) -> Page:
    """The messages of some ids, in that order."""
    return gather(connection, ((one,) for one in ids), Budget(max_bytes))


def gather(connection: apsw.Connection, found: Iterable[tuple[int]], budget: Budget, reverse: bool = False) -> Page:
    """The messages whose ids a query found, until there are enough bytes for a page.

    That they are read by other statements than their ids is no matter: a message never changes.
    """
    rows: list[bytes] = []
    ids: list[int] = []
    recent, waiting = recent_of(connection), iter(found)
    recent.look(connection)
    while not budget.spent and (part := [event_id for (event_id,) in islice(waiting, PART)]):
        known = [json for event_id in part if (json := recent.get(event_id)) is not None]
        if len(known) == len(part) and budget.takes_all(sum(map(len, known))):
            rows += known
            ids += part
            continue
        for event_id, json in _read_part(connection, part, recent):
            if not budget.takes(len(json)):
                break
            rows.append(json)
            ids.append(event_id)
    if reverse:
        rows.reverse()
        ids.reverse()
    return Page(rows, ids, budget.spent)


def _read_part(connection: apsw.Connection, part: list[int], recent: Recent) -> Iterator[tuple[int, bytes]]:
    """The messages of some events, as JSON; what the connection has read lately is not read again."""
    # Taken out first, since remembering others may make it forget them.
    known = {event_id: json for event_id in part if (json := recent.get(event_id)) is not None}
    unread = _read(connection, [event_id for event_id in part if event_id not in known])
    for event_id in part:
        json = known.get(event_id)
        if json is None:
            json = next(unread)
            if json is None:
                continue  # only where tables are damaged
            recent.keep(event_id, json)
        yield event_id, json


def _read(connection: apsw.Connection, event_ids: list[int]) -> Iterator[bytes | None]:
    """The JSON of the message of each of some events, None for one that posts none.

    No more is read than is asked for, since one message may have megabytes.
    """
    expected = iter(event_ids)
    try:
        for event in read_some_facts(connection, event_ids):
            for event_id in expected:
                if event_id == event.event_id:
                    break
                yield _read_among_several(connection, event_id)
            said = messages_of(event)
            yield encode_json(said[-1]) if said else None
    except msgspec.DecodeError:
        for event_id in expected:
            yield encode_json(_unreadable(connection, event_id))
            break
        yield from _read(connection, list(expected))
    for event_id in expected:
        yield _read_among_several(connection, event_id)


def _read_among_several(connection: apsw.Connection, message_id: int) -> bytes | None:
    """The JSON of a message that is not the last of its event, which then stands after it."""
    event_id = find_next(connection, message_id)
    if event_id is not None:
        for event in read_some_facts(connection, [event_id]):
            for message in messages_of(event):
                if message.id == message_id:
                    return encode_json(message)
    return None


def _unreadable(connection: apsw.Connection, event_id: int) -> Message:
    """What stands for a message whose event is damaged, so that nobody waits for it or thinks it was never said."""
    body = f"message {event_id} cannot be read: the log is damaged"
    return from_hub(event_id, find_last_at(connection, event_id)[1], Notice(body=body, channel=GENERAL_CHANNEL))


def get_json(connection: apsw.Connection, event_id: int) -> bytes:
    """The JSON of a message that is known to exist."""
    (json,) = _read(connection, [event_id])
    assert json is not None
    return json


def find_json(connection: apsw.Connection, event_id: int, at: AsOf) -> bytes | None:
    """The JSON of the message that an event posted, if it did and was there by then."""
    return next(_read(connection, [event_id])) if event_id <= at.at else None


def count_messages(connection: apsw.Connection, until: int) -> int:
    """How many messages there are up to event `until`."""
    return int(connection.execute(SQL["count"], {"at": until}).get)


def find_latest_broadcast(connection: apsw.Connection, at: AsOf) -> int:
    """The id of the last message to everyone, 0 when there is none."""
    found = connection.execute(SQL["find_latest_broadcast"], {"at": at.at}).get
    return 0 if found is None else int(found)
