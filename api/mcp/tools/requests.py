"""Asking another agent and waiting for its answer."""

import asyncio
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.port import HubRefused
from api.mcp.tool import Tool
from api.mcp.tools.strangers import note_strangers
from arclog.limits import MAX_PAGE_ROWS

MAX_WAIT_SEC: Final = 600.0
LOOK_SEC: Final = 20.0
"""How long one look at the hub waits; a message that comes ends it at once."""
PAUSE_SEC: Final = 0.2
"""The least time between two looks that found nothing: a hub that is stopping lets nobody wait."""
TIMED_OUT: Final = 408


class Request(Struct, frozen=True, kw_only=True):
    """Who is asked what, and how long to wait."""

    to_agent: str
    body: str
    timeout: Annotated[float, Meta(description="seconds to wait, at most 600")] = 30


async def request(agent: AskingAgent, arguments: Request) -> Answer:
    """Post a `task_request` and wait for the `task_result` that replies to it, direct or broadcast.

    No cursor moves, so polls still show the result and all else.
    """
    loop = asyncio.get_running_loop()
    timeout_sec = max(0.0, min(arguments.timeout, MAX_WAIT_SEC))
    give_up_at = loop.time() + timeout_sec
    posted = await agent.change(
        "/v1/messages",
        from_agent=agent.agent_id,
        to_agent=arguments.to_agent,
        channel="direct",
        kind="task_request",
        body=arguments.body,
    )
    request_id: int = posted["result"]["id"]
    seen = request_id
    later = f"Request {request_id} stays open: its task_result will come by arc_poll_messages."
    try:
        while True:
            began_at = loop.time()
            wait_sec = max(0.0, min(give_up_at - began_at, LOOK_SEC))
            found = await agent.read(
                "/v1/events",
                wait_sec=wait_sec,
                agent_id=agent.agent_id,
                since_id=seen,
                limit=MAX_PAGE_ROWS,
                timeout=wait_sec,
            )
            for one in found:
                if one["kind"] == "task_result" and one["reply_to"] == request_id:
                    return answer(answers.message(one))
                seen = one["id"]
            if wait_sec == 0.0 and not found:
                stranger = await note_strangers(agent, [arguments.to_agent], "gets the request")
                told = f"RPC to {arguments.to_agent} timed out after {timeout_sec:g} s. {later}"
                raise HubRefused(f"{told} {stranger}" if stranger else told, TIMED_OUT)
            if not found:
                await asyncio.sleep(min(wait_sec, max(0.0, began_at + PAUSE_SEC - loop.time())))
    except HubRefused as refused:
        if refused.status == TIMED_OUT:
            raise
        raise HubRefused(f"{refused}. {later}", refused.status) from None


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_rpc_call",
        does="Ask another agent a question or for work (posts a task_request) and wait for its task_result.",
        arguments=Request,
        run=request,
        waits=True,
    ),
)
