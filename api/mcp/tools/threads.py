"""Threads: what belongs together."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.tool import Tool
from api.mcp.tools.arguments import After, Limit
from arclog.events import JsonObject


class WhichThreads(Struct, frozen=True, kw_only=True):
    """How many to list."""

    limit: Limit = 20
    after: After | None = None


class WhichThread(Struct, frozen=True, kw_only=True):
    """Which one to show."""

    thread_id: str
    since_id: Annotated[int, Meta(description="only messages above this id")] = 0


async def list_threads(agent: AskingAgent, arguments: WhichThreads) -> Answer:
    """Summaries of the newest threads."""
    found = await agent.read_list("/v1/threads", after=arguments.after)
    more = found.more or len(found.rows) > arguments.limit
    page = answers.first((answers.row(one) for one in found.rows[: arguments.limit]), more=more)
    return answer({"threads": page.rows}, answers.go_on(page, "thread_id"))


async def show_thread(agent: AskingAgent, arguments: WhichThread) -> Answer:
    """A thread with all that belongs to it."""
    found = await agent.read(
        "/v1/threads/{thread_id}", thread_id=arguments.thread_id, since_id=arguments.since_id or None
    )
    shown: JsonObject = {"thread": answers.row(found["thread"])}
    notes: list[str] = []
    left = answers.MAX_PAGE_BYTES
    for noun in ("tasks", "claims", "locks"):
        page = answers.first((answers.row(one, without=("thread_id",)) for one in found[noun]), most=left // 3)
        left -= answers.size_of(page.rows)
        if page.rows:
            shown[noun] = page.rows
        if page.is_full:
            notes.append(f"{len(found[noun]) - len(page.rows)} {noun} do not fit: arc_list_{noun}.")
    page = answers.first((answers.message(one, without=("thread_id",)) for one in found["messages"]), most=left)
    if page.rows:
        shown["messages"] = page.rows
    if page.is_full:
        notes.append(f"The page is full: for more messages, since_id={page.rows[-1]['id']}")
    return answer(shown, " ".join(notes) or None)


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
