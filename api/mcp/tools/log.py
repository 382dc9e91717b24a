"""History: every event there was, in order."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.seat import Seat
from api.mcp.tool import Tool
from api.mcp.tools.arguments import Limit

UNTOLD: Final = ("digest",)


class WhichEvents(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events to show."""

    stream: (
        Annotated[str, Meta(description="one entity, or a prefix: lock/src/a.py, claim/KEY, task/17, session/AGENT")]
        | None
    ) = None
    type: Annotated[str, Meta(description="lock.acquired, or a prefix: lock.")] | None = None
    actor: Annotated[str, Meta(description="the agent that did it")] | None = None
    after: Annotated[int, Meta(ge=0, description="only event ids above this")] = 0
    limit: Limit = 50


async def show_history(seat: Seat, arguments: WhichEvents) -> Answer:
    """Events, in the order in which they happened."""
    found = await seat.read(
        "/v1/log",
        after=arguments.after,
        limit=arguments.limit,
        type=arguments.type,
        stream=arguments.stream,
        actor=arguments.actor,
    )
    page, note = answers.first((answers.row(one, without=UNTOLD) for one in found), "go on with after")
    return answer(page, note)


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_history",
        does="The log's events in order: who did what when, refusals included. By stream, type, actor, or after an id.",
        arguments=WhichEvents,
        run=show_history,
        reads=True,
    ),
)
