"""Channels over HTTP: the rooms there are."""

from api.http.lists import Listed, read_list
from api.http.routes import ChangeRoute, ReadCaller, ReadResult, ReadRoute, Route, created_or_known
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


class ChannelsQuery(Listed, frozen=True, kw_only=True):
    """From where on to list the channels."""


async def list_channels(hub: Hub, query: ChannelsQuery, reader: ReadCaller) -> ReadResult:
    """All channels by name."""
    return await read_list(hub, query, channels.each_channel, _key, reader.at)


def _key(channel: Channel) -> str:
    return channel.name


ROUTES: tuple[Route, ...] = (
    ReadRoute(
        does="List the channels, by name.",
        path="/v1/channels",
        query=ChannelsQuery,
        answer=list_channels,
        result=list[Channel],
        beside=("more",),
    ),
    ChangeRoute(
        does="Make a channel, unless it is there.",
        path="/v1/channels",
        body=CreateChannel,
        status=created_or_known,
        statuses=(200, 201),
        result=Channel,
    ),
)
