"""Channels over HTTP: the rooms there are."""

from msgspec import Struct

from api.lists import After, read_list
from api.routes import Caller, Change, Found, Read, Route, created_or_known
from arclog.deciders.channels import CreateChannel
from arclog.errors import NotFound
from projections import channels
from projections.channels import Channel
from projections.hub import Hub


def require_channel(hub: Hub, name: str) -> None:
    """Refuse to read from a channel that is not there.

    Raises:
        NotFound: there is no such channel.
    """
    if hub.read(channels.find_channel, name, hub.at()) is None:
        raise NotFound("channel", name)


class ChannelsQuery(Struct, frozen=True):
    """From where on to list the channels."""

    after: After | None = None


async def list_channels(hub: Hub, query: ChannelsQuery, caller: Caller) -> Found:
    """All channels by name."""
    return await read_list(hub, channels.list_channels, _key, query.after, hub.at())


def _key(channel: Channel) -> str:
    return channel.name


ROUTES: tuple[Route, ...] = (
    Read(
        does="List the channels, by name.",
        path="/v1/channels",
        query=ChannelsQuery,
        answer=list_channels,
        result=list[Channel],
        beside=("more",),
    ),
    Change(
        does="Make a channel, unless it is there.",
        path="/v1/channels",
        body=CreateChannel,
        status=created_or_known,
        statuses=(200, 201),
        result=Channel,
    ),
)
