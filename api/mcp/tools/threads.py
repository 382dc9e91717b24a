"""Threads: what belongs together."""

from typing import Annotated, Any
from urllib.parse import quote

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.agent_session import AgentSession
from api.mcp.answers import Answer, answer
from api.mcp.tool import Tool
from api.mcp.tools.arguments import Limit


class WhichThreads(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many to list."""

    limit: Limit = 20


class WhichThread(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which one to show."""

    thread_id: str
    since_id: Annotated[int, Meta(description="only messages above this id")] = 0


async def list_threads(session: AgentSession, arguments: WhichThreads) -> Answer:
    """Summaries of the newest threads."""
    found = await session.read("/v1/threads")
    rows = [answers.row(one) for one in found[: arguments.limit]]
    note = None if len(found) <= len(rows) else f"{len(found) - len(rows)} older threads are left out"
    return answer(rows, note)


async def show_thread(session: AgentSession, arguments: WhichThread) -> Answer:
    """A thread with all that belongs to it."""
    path = f"/v1/threads/{quote(arguments.thread_id, safe='')}"
    found = await session.read(path, since_id=arguments.since_id or None)
    messages, note = answers.first(
        (answers.message(one, without=("thread_id",)) for one in found["messages"]), "go on with since_id"
    )
    shown = {
        "thread": answers.row(found["thread"]),
        "messages": messages,
        "tasks": [answers.row(one, without=("thread_id",)) for one in found["tasks"]],
        "claims": [answers.row(one, without=("thread_id",)) for one in found["claims"]],
        "locks": [answers.row(one) for one in found["locks"]],
    }
    return answer({name: part for name, part in shown.items() if part}, note)


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_list_threads",
        does="List threads, newest message first: status, counts, ids.",
        arguments=WhichThreads,
        run=list_threads,
        reads=True,
    ),
    Tool(
        name="arc_get_thread",
        does="A thread's summary, messages, tasks, claims and locks.",
        arguments=WhichThread,
        run=show_thread,
        reads=True,
    ),
)
