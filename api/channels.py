"""Channels over HTTP: the rooms there are."""

from api.routes import Caller, Change, NoQuery, Read, Route, created_or_known
from arclog.deciders.channels import CreateChannel
from arclog.errors import NotFound
from projections import channels
from projections.channels import Channel
from projections.encoding import encode_json
from projections.hub import Hub


def require_channel(hub: Hub, name: str) -> None:
    """Refuse to read from a channel that is not there.

    Raises:
        NotFound: there is no such channel.
    """
    if hub.read(channels.find_channel, name, hub.at()) is None:
        raise NotFound("channel", name)


async def list_channels(hub: Hub, query: NoQuery, caller: Caller) -> bytes:
    """All channels by name."""
    return encode_json(await hub.read_apart(channels.list_channels, hub.at()))


ROUTES: tuple[Route, ...] = (
    Read(
        does="List the channels, by name.",
        path="/v1/channels",
        query=NoQuery,
        answer=list_channels,
        result=list[Channel],
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
