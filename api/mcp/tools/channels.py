"""Channels: where agents talk."""

from typing import Any

from msgspec import Struct

from api.mcp import answers
from api.mcp.agent_session import AgentSession
from api.mcp.answers import Answer, answer
from api.mcp.tool import NoArguments, Tool


class Channel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which channel."""

    name: str


async def create(session: AgentSession, arguments: Channel) -> Answer:
    """Make a channel, or find it made."""
    envelope = await session.change("/v1/channels", name=arguments.name, created_by=session.agent_id)
    return answer(answers.row(envelope["result"]))


async def list_channels(session: AgentSession, arguments: NoArguments) -> Answer:
    """The names of the channels."""
    return answer([one["name"] for one in await session.read("/v1/channels")])


TOOLS: tuple[Tool[Any], ...] = (
    Tool(name="arc_create_channel", does="Create a channel, unless it exists.", arguments=Channel, run=create),
    Tool(name="arc_list_channels", does="List channel names.", arguments=NoArguments, run=list_channels, reads=True),
)
