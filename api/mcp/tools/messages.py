"""Saying something, and reading what was said."""

from typing import Annotated, Any, Final
from urllib.parse import quote

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.agent_session import AgentSession
from api.mcp.answers import Answer, answer
from api.mcp.cursors import View
from api.mcp.port import Refused
from api.mcp.tool import Tool
from api.mcp.tools.arguments import Limit, Since
from arclog.events.messages import MessageKind

POLL_ROWS: Final = 100
MAX_POLL_SEC: Final = 60.0
SAID: Final = ("from_agent", "to_agent", "body", "attachments")
"""What whoever posted knows already."""


class Post(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said, and to whom."""

    channel: str
    body: str
    kind: MessageKind = "chat"
    thread_id: str | None = None
    to_agent: Annotated[str, Meta(description="only this agent gets it")] | None = None
    reply_to: Annotated[int, Meta(description="id of the message answered; a task_result needs it")] | None = None
    parent_task_id: int | None = None
    attachments: (
        Annotated[
            list[dict[str, Any]],
            Meta(description="{type: text|json|code, content} or {type: file_ref|diff_ref, path}"),
        ]
        | None
    ) = None


class Direct(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said to one agent."""

    to_agent: str
    body: str


class Poll(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look at, and how long to wait."""

    channel: str | None = None
    timeout: Annotated[float, Meta(description="seconds to wait while there is none, at most 60")] = 5
    thread_id: str | None = None


class ReadBack(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which broadcasts to read."""

    channel: str | None = None
    thread_id: str | None = None
    since_id: Since | None = None
    limit: Limit = 20


class ReadInbox(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which direct messages to read."""

    since_id: Since | None = None
    limit: Limit = 20


async def post(session: AgentSession, arguments: Post) -> Answer:
    """Post a message; the answer is what the hub added to it."""
    envelope = await session.change(
        "/v1/messages",
        from_agent=session.agent_id,
        channel=arguments.channel,
        body=arguments.body,
        kind=arguments.kind,
        thread_id=arguments.thread_id,
        to_agent=arguments.to_agent,
        reply_to=arguments.reply_to,
        parent_task_id=arguments.parent_task_id,
        attachments=arguments.attachments,
    )
    return answer(answers.message(envelope["result"], without=SAID))


async def dm(session: AgentSession, arguments: Direct) -> Answer:
    """Post a message to one agent."""
    return await post(session, Post(channel="direct", to_agent=arguments.to_agent, body=arguments.body))


async def poll(session: AgentSession, arguments: Poll) -> Answer:
    """What was said since the last poll of this view, by others and to this agent."""
    view = View(arguments.channel, arguments.thread_id)
    wait_sec = max(0.0, min(arguments.timeout, MAX_POLL_SEC))
    found = await session.read(
        "/v1/events",
        wait_sec=wait_sec,
        agent_id=session.agent_id,
        channel=view.channel,
        thread_id=view.thread_id,
        since_id=session.cursors.place(view),
        limit=POLL_ROWS,
        timeout=wait_sec,
        exclude_self=True,
    )
    page, note = answers.first(map(answers.message, found), "poll again")
    if page:
        session.cursors.move(view, page[-1]["id"])
    if note is None and len(found) == POLL_ROWS:
        note = "There may be more: poll again"
    return answer(page, note)


async def read_back(session: AgentSession, arguments: ReadBack) -> Answer:
    """Broadcasts, the last ones unless a place is given; no cursor moves."""
    if arguments.channel is None and arguments.thread_id is None:
        raise Refused("channel or thread_id is required", 400)
    found = await session.read(
        "/v1/messages",
        channel=arguments.channel,
        thread_id=arguments.thread_id,
        since_id=arguments.since_id,
        limit=arguments.limit,
        tail=arguments.since_id is None,
    )
    return _page(found, tail=arguments.since_id is None)


async def read_inbox(session: AgentSession, arguments: ReadInbox) -> Answer:
    """Direct messages to this agent, the last ones unless a place is given; no cursor moves."""
    found = await session.read(
        f"/v1/inbox/{quote(session.agent_id, safe='')}",
        since_id=arguments.since_id,
        limit=arguments.limit,
        tail=arguments.since_id is None,
    )
    return _page(found, tail=arguments.since_id is None)


def _page(found: list[dict[str, Any]], *, tail: bool) -> Answer:
    rows = [answers.message(one) for one in found]
    if tail:
        return answer(*answers.last(rows, "older messages are left out; since_id reads on from any id"))
    return answer(*answers.first(rows, "go on with since_id"))


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_post_message",
        does="Post to a channel (general always exists) or, with to_agent, to one agent. "
        "task and task_request open a task; a task_result with reply_to completes a task_request.",
        arguments=Post,
        run=post,
    ),
    Tool(name="arc_dm", does="Send a direct message to one agent.", arguments=Direct, run=dm),
    Tool(
        name="arc_poll_messages",
        does="New messages of others since your last poll, broadcast or to you. Waits for the first.",
        arguments=Poll,
        run=poll,
        reads=True,
    ),
    Tool(
        name="arc_read_messages",
        does="Read back broadcasts of a channel or thread: the last ones, or those after since_id.",
        arguments=ReadBack,
        run=read_back,
        reads=True,
    ),
    Tool(
        name="arc_inbox",
        does="Read back direct messages to you: the last ones, or those after since_id.",
        arguments=ReadInbox,
        run=read_inbox,
        reads=True,
    ),
)
