"""History: every event there was, in order."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.tool import Tool
from api.mcp.tools.arguments import Limit


class WhichEvents(Struct, frozen=True, kw_only=True):
    """Which events to show."""

    stream: (
        Annotated[
            str, Meta(description="an entity: lock/src/a.py, claim/KEY, task/17, session/AGENT; lock/src/ is all below")
        ]
        | None
    ) = None
    type: Annotated[str, Meta(description="lock.acquired; lock. is all of lock")] | None = None
    actor: Annotated[str, Meta(description="the agent that did it")] | None = None
    after: Annotated[int, Meta(ge=0, description="only event ids above this")] = 0
    limit: Limit = 50


async def show_history(agent: AskingAgent, arguments: WhichEvents) -> Answer:
    """Events, in the order in which they happened."""
    found = await agent.read_list(
        "/v1/log",
        after=arguments.after,
        limit=arguments.limit,
        type=arguments.type,
        stream=arguments.stream,
        actor=arguments.actor,
    )
    page = answers.first(map(_short, found.rows), more=found.more)
    note = f"The page is full: for the rest, after={page.rows[-1]['event_id']}" if page.is_full else None
    return answer({"events": page.rows}, note)


def _short(event: dict[str, Any]) -> dict[str, Any]:
    """An event without what only a program needs."""
    metadata = {name: value for name, value in (event["metadata"] or {}).items() if name != "key"}
    return answers.row(event | {"metadata": metadata})


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_history",
        does="History: the log's events in order, who did what when, refusals included. "
        "By stream, type, actor, or after an id.",
        arguments=WhichEvents,
        run=show_history,
        reads=True,
    ),
)
