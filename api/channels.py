"""Channels over HTTP: the rooms there are."""

from api.http.as_of import Dated
from api.http.lists import After, read_list
from api.http.routes import Change, Found, Read, Reader, Route, created_or_known
from arclog.deciders.channels import CreateChannel
from arclog.errors import NotFound
from projections import channels
from projections.channels import Channel
from projections.hub.hub import Hub
from projections.intervals import AsOf


def require_channel(hub: Hub, name: str, at: AsOf) -> None:
    """Refuse to read from a channel that is not there.

    Raises:
        NotFound: there is no such channel at that moment.
    """
    if hub.read(channels.find_channel, name, at) is None:
        raise NotFound("channel", name)


class ChannelsQuery(Dated, frozen=True, kw_only=True):
    """From where on to list the channels."""

    after: After | None = None


async def list_channels(hub: Hub, query: ChannelsQuery, reader: Reader) -> Found:
    """All channels by name."""
    return await read_list(hub, channels.list_channels, _key, query.after, reader.at)


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
