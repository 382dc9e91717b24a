"""Saying something, and reading what was said."""

import asyncio
from typing import Annotated, Any, Final, get_args

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.poll_places import View
from api.mcp.port import HubRefused
from api.mcp.tool import Tool
from api.mcp.tools.arguments import Limit, Since
from api.mcp.tools.strangers import note_strangers
from arclog.events import JsonObject
from arclog.events.messages import MessageKind

POLL_ROWS: Final = 100
MAX_POLL_SEC: Final = 50.0
"""Hosts give up after 60 seconds, and an answer that comes just then is thrown away."""
SAID: Final = ("from_agent", "to_agent", "body", "attachments")
"""What the agent that posted knows already."""


NOT_FOUND: Final = 404
MOST_RECEIPTS: Final = 20

Kind = Annotated[str, Meta(extra_json_schema={"enum": sorted(get_args(MessageKind))})]
"""The hub itself says which there are, and takes them in any case."""


class Post(Struct, frozen=True, kw_only=True):
    """What is said, and to whom."""

    channel: str
    body: str
    kind: Kind = "chat"
    thread_id: str | None = None
    to_agent: Annotated[str, Meta(description="only this agent gets it")] | None = None
    ack: Annotated[bool, Meta(description="to_agent is to acknowledge it")] = False
    reply_to: Annotated[int, Meta(description="id of the message answered; a task_result needs it")] | None = None
    parent_task_id: int | None = None
    attachments: (
        Annotated[
            list[dict[str, Any]],
            Meta(description="{type: text|json|code, content} or {type: file_ref|diff_ref, path}"),
        ]
        | None
    ) = None
    allow_secret: Annotated[bool, Meta(description="post it though it holds a key")] = False


class Direct(Struct, frozen=True, kw_only=True):
    """What is said to one agent."""

    to_agent: str
    body: str


class Poll(Struct, frozen=True, kw_only=True):
    """What to look at, and how long to wait."""

    channel: str | None = None
    timeout: Annotated[float, Meta(description="seconds to wait when there are none, at most 50")] = 5
    thread_id: str | None = None


class ReadBack(Struct, frozen=True, kw_only=True):
    """Which broadcasts to read."""

    channel: str | None = None
    thread_id: str | None = None
    since_id: Since | None = None
    limit: Limit = 20
    message_id: Annotated[int, Meta(ge=1, description="only this message, to read on where it was cut")] | None = None
    offset: Annotated[int, Meta(ge=0, description="with message_id: the character to begin at")] = 0
    attachment: Annotated[int, Meta(ge=0, description="with message_id: this attachment, from 0")] | None = None


class ReadInbox(Struct, frozen=True, kw_only=True):
    """Which direct messages to read."""

    since_id: Since | None = None
    limit: Limit = 20


class Acknowledge(Struct, frozen=True, kw_only=True):
    """Which messages were taken up; without any, which of the agent's own were not is asked."""

    ids: list[int] | None = None


async def post(agent: AskingAgent, arguments: Post) -> Answer:
    """Post a message; the answer is what the hub added to it."""
    envelope = await agent.change(
        "/v1/messages",
        from_agent=agent.agent_id,
        channel=arguments.channel,
        body=arguments.body,
        kind=arguments.kind,
        thread_id=arguments.thread_id,
        to_agent=arguments.to_agent,
        reply_to=arguments.reply_to,
        ack=arguments.ack or None,
        parent_task_id=arguments.parent_task_id,
        attachments=arguments.attachments,
        allow_secret=arguments.allow_secret or None,
    )
    note = await note_strangers(agent, [arguments.to_agent], "gets the message")
    return answer(answers.message(envelope["result"], without=SAID), note)


async def dm(agent: AskingAgent, arguments: Direct) -> Answer:
    """Post a message to one agent."""
    return await post(agent, Post(channel="direct", to_agent=arguments.to_agent, body=arguments.body))


async def poll(agent: AskingAgent, arguments: Poll) -> Answer:
    """What was said since the last poll of this view, by others and to this agent."""
    view = View(arguments.channel, arguments.thread_id)
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + min(max(arguments.timeout, 0.0), MAX_POLL_SEC)
    waited, wait_sec = False, 0.0  # first without waiting: an answer that comes at once is surely read
    while True:
        place = agent.poll_places.place(view)
        found = await agent.read(
            "/v1/events",
            wait_sec=wait_sec,
            agent_id=agent.agent_id,
            channel=view.channel,
            thread_id=view.thread_id,
            since_id=place,
            limit=POLL_ROWS,
            timeout=wait_sec,
            exclude_self=True,
        )
        moved = agent.poll_places.place(view) != place  # another poll has taken them, or has given some back
        waited = waited or wait_sec > 0
        wait_sec = max(0.0, give_up_at - loop.time())
        if not moved and (found or not wait_sec):
            break
    page = answers.first(_to_shown(agent, one) for one in found)
    if not page.rows:
        return answer({"messages": []})
    more = "There may be more: poll again" if page.is_full or len(found) == POLL_ROWS else None
    return answer({"messages": page.rows}, more, agent.poll_places.take(view, page.rows[-1]["id"], waited=waited))


async def read_back(agent: AskingAgent, arguments: ReadBack) -> Answer:
    """Broadcasts, the last ones unless a place is given, or one message in parts; no cursor moves."""
    if arguments.message_id is not None:
        return await _read_part(agent, arguments, arguments.message_id)
    if arguments.channel is None and arguments.thread_id is None:
        raise HubRefused("channel, thread_id or message_id is required", 400)
    found = await agent.read(
        "/v1/messages",
        channel=arguments.channel,
        thread_id=arguments.thread_id,
        since_id=arguments.since_id,
        limit=arguments.limit,
        tail=arguments.since_id is None,
    )
    return _page(found, tail=arguments.since_id is None)


async def read_inbox(agent: AskingAgent, arguments: ReadInbox) -> Answer:
    """Direct messages to this agent, the last ones unless a place is given; no cursor moves."""
    found = await agent.read(
        "/v1/inbox/{agent_id}",
        agent_id=agent.agent_id,
        since_id=arguments.since_id,
        limit=arguments.limit,
        tail=arguments.since_id is None,
    )
    return _page(found, tail=arguments.since_id is None)


async def acknowledge(agent: AskingAgent, arguments: Acknowledge) -> Answer:
    """Say that messages were taken up; or who has not acknowledged what this agent sent."""
    if arguments.ids is None:
        found = await agent.read("/v1/receipts", from_agent=agent.agent_id, limit=MOST_RECEIPTS)
        return answer({"not_acknowledged": [answers.row(one, without=("from_agent",)) for one in found]})
    envelope = await agent.change("/v1/inbox/{agent_id}/ack", at={"agent_id": agent.agent_id}, ids=arguments.ids)
    return answer(envelope["result"])


async def _read_part(agent: AskingAgent, arguments: ReadBack, message_id: int) -> Answer:
    """A part of one message's body, or of one of its attachments."""
    found = await agent.read("/v1/events", agent_id=agent.agent_id, since_id=message_id - 1, limit=1)
    if not found or found[0]["id"] != message_id:
        raise HubRefused(f"there is no message {message_id} that {agent.agent_id} may see", NOT_FOUND)
    wire = found[0]
    if arguments.attachment is None:
        text, name = wire["body"], "body"
    else:
        if arguments.attachment >= len(wire["attachments"]):
            raise HubRefused(f"message {message_id} has {len(wire['attachments'])} attachments, counted from 0", 400)
        content = wire["attachments"][arguments.attachment].get("content")
        text, name = content if isinstance(content, str) else answers.json_text(content), "content"
    part = answers.cut_text(text, arguments.offset)
    end = arguments.offset + len(part)
    shown = {"id": message_id, "from_agent": wire["from_agent"], name: part, "offset": arguments.offset}
    note = None if end >= len(text) else f"{end} of {len(text)} characters are shown: for the rest, offset={end}"
    return answer({"messages": [shown]}, note)


def _to_shown(agent: AskingAgent, wire: JsonObject) -> JsonObject:
    """A message as a poll shows it; one that may have been read before says so."""
    shown = answers.message(wire)
    if agent.poll_places.is_again(wire["id"], wire["channel"], wire["thread_id"]):
        shown["again"] = True
    return shown


def _page(found: list[JsonObject], *, tail: bool) -> Answer:
    """Messages, oldest first. Of the last ones those are left out that do not fit, from the oldest on."""
    shown = [answers.message(one) for one in found]
    page = answers.first(reversed(shown) if tail else shown)
    rows = page.rows[::-1] if tail else page.rows
    if not page.is_full:
        return answer({"messages": rows})
    if tail:
        return answer(
            {"messages": rows},
            f"The page is full: {len(found) - len(rows)} older ones do not fit; lower limit, or since_id",
        )
    return answer({"messages": rows}, f"The page is full: for the rest, since_id={rows[-1]['id']}")


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_post_message",
        does="Post (send, say) a message to a channel (general always exists) or, with to_agent, to one agent. "
        "task and task_request open a task; a task_result with reply_to completes a task_request.",
        arguments=Post,
        run=post,
        relies=True,
        core=True,
    ),
    Tool(name="arc_dm", does="Send a direct message (DM) to one agent.", arguments=Direct, run=dm),
    Tool(
        name="arc_poll_messages",
        does="Poll: read the new messages of others since your last poll, broadcast or to you. Waits for the first. "
        "again=true marks one that you may have read.",
        arguments=Poll,
        run=poll,
        reads=True,
        waits=True,
        core=True,
    ),
    Tool(
        name="arc_read_messages",
        does="Read back messages of a channel or thread: the last ones, or those after since_id; "
        "or the rest of a long one.",
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
    Tool(
        name="arc_ack",
        does="Acknowledge messages to you that ask for it (ack). Without ids: who has not yet, of yours.",
        arguments=Acknowledge,
        run=acknowledge,
    ),
)
