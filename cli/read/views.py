"""What the commands that read ask for and show: path, columns and parameters of each."""

from __future__ import annotations

from arclog.list_cursors import lock_cursor
from cli.leases.asking import name_of
from cli.options import cursor, page_size
from cli.read.view import ChannelOrThread, Newest, Parameter, Search, View, Whole, WithQueue, field, second
from cli.read.work import TASKS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from cli.read.view import Row

ACTIVE: Final = Parameter(
    "--active", into="active_only", action="store_true", help="leave out what was released or has lapsed"
)
IN_THREAD: Final = Parameter("--thread-id", into="thread_id", metavar="ID", help="only of this thread")
PAGE: Final = (
    Parameter(
        "--since-id",
        into="since_id",
        type=cursor,
        metavar="N",
        help="only those after this message; without it, the last ones",
    ),
    Parameter(
        "--limit",
        into="limit",
        type=page_size,
        default=50,
        metavar="N",
        help="at most this many, up to 500 (%(default)s)",
    ),
)


def _to(row: Row) -> object:
    return row["to_agent"] or f"#{row['channel']}"


def _body(row: Row) -> object:
    attached = len(row["attachments"])
    return f"{row['body']}{f' [{attached} attached]' if attached else ''}"


AGENTS: Final = View(
    "/v1/agents",
    (
        ("agent", field("agent_id")),
        ("name", field("display_name")),
        ("capabilities", lambda row: ", ".join(row["capabilities"])),
        ("since", second("created_at")),
        ("last seen", second("last_seen")),
    ),
    parameters=(
        Parameter("--capability", into="capability", metavar="NAME", help="only agents with exactly this capability"),
    ),
    key="agent_id",
)

TOKENS: Final = View(
    "/v1/tokens",
    (
        ("token", field("token_id")),
        ("agent", field("agent_id")),
        ("operator", lambda row: "yes" if row["operator"] else ""),
        ("issued by", field("issued_by")),
        ("at", second("issued_at")),
        ("revoked", lambda row: second("revoked_at")(row) if row["revoked_at"] else ""),
    ),
)

CHANNELS: Final = View(
    "/v1/channels",
    (("channel", field("name")), ("made by", field("created_by")), ("at", second("created_at"))),
    key="name",
)

MESSAGES: Final = ChannelOrThread(
    "/v1/messages",
    (
        ("id", field("id")),
        ("at", second("ts")),
        ("from", field("from_agent")),
        ("to", _to),
        ("thread", field("thread_id")),
        ("kind", field("kind")),
        ("message", _body),
    ),
    parameters=(
        Parameter("--channel", into="channel", help="of this channel (general, unless a thread is named)"),
        Parameter("--thread-id", into="thread_id", metavar="ID", help="of this thread"),
        *PAGE,
    ),
)

SEARCH: Final = Search(
    "/v1/search",
    (
        ("id", field("id")),
        ("at", second("ts")),
        ("from", field("from_agent")),
        ("to", _to),
        ("thread", field("thread_id")),
        ("found", field("snippet")),
    ),
    parameters=(
        Parameter(
            "words",
            into="q",
            nargs="+",
            metavar="WORD",
            help="words that must all occur; of the last, the beginning is enough",
        ),
        Parameter("--from", into="from", metavar="AGENT", help="only what this agent said"),
        Parameter("--to", into="to", metavar="AGENT", help="only what was said to this agent alone"),
        Parameter("--channel", into="channel", help="only in this channel"),
        Parameter("--thread-id", into="thread_id", metavar="ID", help="only in this thread"),
        Parameter("--kind", into="kind", help="only messages of this kind"),
        Parameter(
            "--before", into="before", type=cursor, metavar="N", help="only messages before this id, for the next page"
        ),
        Parameter(
            "--limit", into="limit", type=page_size, default=20, metavar="N", help="how many at most, up to 100 (20)"
        ),
        Parameter("--best", into="order", action="store_true", help="the best matches first, instead of the newest"),
    ),
)

INBOX: Final = Newest(
    "/v1/inbox/{agent}",
    MESSAGES.columns,
    parameters=(
        Parameter("agent", metavar="AGENT", help="whose inbox"),
        Parameter(
            "--unacked", into="unacked", action="store_true", help="only messages that it still has to acknowledge"
        ),
        *PAGE,
    ),
)

THREADS: Final = View(
    "/v1/threads",
    (
        ("thread", field("thread_id")),
        ("status", field("status")),
        ("channel", field("channel")),
        ("messages", field("message_count")),
        ("open tasks", lambda row: f"{row['open_task_count']} of {row['total_task_count']}"),
        ("claims", field("active_claim_count")),
        ("locks", field("active_lock_count")),
        ("last message", second("latest_message_ts")),
    ),
    key="thread_id",
)

_PLACE: Final = (
    ("place", field("place")),
    ("for", name_of),
    ("waits", field("agent_id")),
    ("mode", field("mode")),
    ("since", second("queued_at")),
    ("seconds", field("waited_sec")),
    ("number", field("position")),
    ("after", lambda row: ", ".join(row["ahead"])),
)
QUEUE: Final = View(
    "/v1/locks/queue",
    _PLACE,
    parameters=(Parameter("--agent", into="agent_id", metavar="ID", help="only of this agent"),),
)

CLAIMS: Final = WithQueue(
    "claims",
    "/v1/claims",
    (
        ("claim", field("claim_key")),
        ("owner", field("owner_agent_id")),
        ("since", second("claimed_at")),
        ("expires", second("expires_at")),
        ("released", second("released_at")),
        ("thread", field("thread_id")),
        ("token", field("fencing_token")),
    ),
    View("/v1/claims/queue", _PLACE),
    parameters=(IN_THREAD, ACTIVE),
    key="claim_key",
)


def _name_lock(row: Row) -> str:
    return lock_cursor(row["file_path"], row["mode"], row["agent_id"])


LOCKS: Final = WithQueue(
    "locks",
    "/v1/locks",
    (
        ("file", name_of),
        ("owner", field("agent_id")),
        ("mode", lambda row: "auto" if row.get("automatic") else row["mode"]),
        ("since", second("locked_at")),
        ("expires", second("expires_at")),
        ("released", second("released_at")),
        ("token", field("fencing_token")),
    ),
    QUEUE,
    parameters=(Parameter("--agent", into="agent_id", metavar="ID", help="only of this agent"), ACTIVE),
    key=_name_lock,
)

RECEIPTS: Final = View(
    "/v1/receipts",
    (
        ("message", field("message_id")),
        ("from", field("from_agent")),
        ("to", field("to_agent")),
        ("since", second("asked_at")),
        ("by", second("ack_by")),
        ("overdue", lambda row: "yes" if row["overdue"] else ""),
    ),
    parameters=(
        Parameter("--from", into="from_agent", metavar="AGENT", help="only what this agent wants acknowledged"),
        Parameter("--to", into="to_agent", metavar="AGENT", help="only what this agent is to acknowledge"),
        Parameter("--overdue", into="overdue", action="store_true", help="only those whose time is over"),
        Parameter(
            "--limit", into="limit", type=page_size, default=50, metavar="N", help="at most this many (%(default)s)"
        ),
    ),
)

WAKES: Final = View(
    "/v1/wakes",
    (
        ("wake", field("wake_id")),
        ("agent", field("agent_id")),
        ("by", field("from_agent")),
        ("at", second("requested_at")),
        ("state", field("state")),
        ("road", field("road")),
        ("since", second("changed_at")),
    ),
    parameters=(Parameter("--agent", into="agent_id", metavar="ID", help="only those of this agent"),),
)

THREAD: Final = Whole(
    "/v1/threads/{thread_id}",
    ("thread", THREADS),
    (("messages", MESSAGES), ("tasks", TASKS), ("claims", CLAIMS), ("locks", LOCKS)),
    parameters=(Parameter("thread_id", metavar="ID", help="the thread"),),
)
