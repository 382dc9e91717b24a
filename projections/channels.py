"""Channels: the rooms there are."""

from collections.abc import Iterator
from typing import Final

import apsw
import msgspec
from msgspec import Struct

from arclog.codec import Fact
from arclog.events import DIRECT_CHANNEL, GENERAL_CHANNEL, ChannelCreated
from arclog.sqlite.queries import Queries
from projections.encoding import encode_json
from projections.intervals import AsOf
from projections.projector import Projector, Writer, time_of
from projections.times import timestamp

SQL: Final = Queries("projections", "channels.sql")

FIRST_CHANNELS: Final = (GENERAL_CHANNEL, DIRECT_CHANNEL)
"""The channels that every hub has from its first event on."""


class Channel(Struct, frozen=True):
    """A channel as it goes over the wire."""

    name: str
    created_at: str
    created_by: str | None
    metadata: msgspec.Raw


def _on_created(writer: Writer, event: Fact, data: ChannelCreated) -> None:
    writer.write(
        SQL["create"],
        (
            data.name,
            event.event_id,
            time_of(event, data.occurred_at),
            data.created_by,
            encode_json(data.metadata).decode(),
        ),
    )


PROJECTOR: Final = Projector(
    name="channels",
    version=1,
    tables=("channels",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={ChannelCreated: _on_created},
)


def find_channel(connection: apsw.Connection, name: str, at: AsOf) -> Channel | None:
    """A channel by its name."""
    row = connection.execute(SQL["find"], {"name": name, "at": at.at}).fetchone()
    return None if row is None else _channel(*row)


def find_creation(connection: apsw.Connection, name: str) -> int | None:
    """The event that made a channel."""
    found = connection.execute(SQL["find_event"], (name,)).get
    return None if found is None else int(found)


def each_channel(connection: apsw.Connection, at: AsOf) -> Iterator[Channel]:
    """All channels by name, one by one: no more are read than are taken."""
    return (_channel(*row) for row in connection.execute(SQL["list"], {"at": at.at}))


def _channel(name: str, created_at: int, created_by: str | None, metadata: str) -> Channel:
    return Channel(name, timestamp(created_at), created_by, msgspec.Raw(metadata.encode()))
