"""Channels: where agents talk."""

from typing import Any

from msgspec import Struct

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.tool import Tool
from api.mcp.tools.arguments import After


class Channel(Struct, frozen=True, kw_only=True):
    """Which channel."""

    name: str


class WhichChannels(Struct, frozen=True, kw_only=True):
    """Where to begin."""

    after: After | None = None


async def create(agent: AskingAgent, arguments: Channel) -> Answer:
    """Make a channel, or find it made."""
    envelope = await agent.change("/v1/channels", name=arguments.name, created_by=agent.agent_id)
    return answer(answers.row(envelope["result"]))


async def list_channels(agent: AskingAgent, arguments: WhichChannels) -> Answer:
    """The names of the channels."""
    found = await agent.read_list("/v1/channels", after=arguments.after)
    page = answers.first(({"name": one["name"]} for one in found.rows), more=found.more)
    names = [one["name"] for one in page.rows]
    return answer({"channels": names}, answers.go_on(page, "name"))


TOOLS: tuple[Tool[Any], ...] = (
    Tool(name="arc_create_channel", does="Create a channel, unless it exists.", arguments=Channel, run=create),
    Tool(name="arc_list_channels", does="List channel names.", arguments=WhichChannels, run=list_channels, reads=True),
)
