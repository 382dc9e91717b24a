"""Search: finding what was said."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.tool import Tool
from api.mcp.tools.arguments import Limit


class What(Struct, frozen=True, kw_only=True):
    """What to look for."""

    q: Annotated[str, Meta(description='words that must all occur; "quoted" text as it is')]
    from_agent: str | None = None
    channel: str | None = None
    thread_id: str | None = None
    before: Annotated[int, Meta(description="only ids below this, to go on")] | None = None
    limit: Limit = 10


async def search(agent: AskingAgent, arguments: What) -> Answer:
    """Messages that answer, newest first."""
    found = await agent.read(
        "/v1/search",
        q=arguments.q,
        **{"from": arguments.from_agent},  # type: ignore[arg-type]  # a word of Python
        channel=arguments.channel,
        thread_id=arguments.thread_id,
        before=arguments.before,
        limit=arguments.limit,
    )
    page = answers.first(answers.message(one) for one in found)
    return answer({"found": page.rows})


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_search",
        does="Search all messages ever posted by words: who said what, when. Newest first, with the part that matches.",
        arguments=What,
        run=search,
        reads=True,
    ),
)
