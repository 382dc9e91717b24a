"""Resources: the inbox and the threads, for hosts that show them to people or put them into a prompt."""

from typing import Final
from urllib.parse import quote, unquote

from api.mcp import answers
from api.mcp.agent_session import AgentSession
from api.mcp.answers import Answer
from api.mcp.tools import messages, threads
from arclog.events import JsonObject

INBOX: Final = "arc://inbox"
THREADS: Final = "arc://threads"
THREAD: Final = f"{THREADS}/"
MIME_TYPE: Final = "application/json"
INBOX_ROWS: Final = 50
LISTED_THREADS: Final = 20

TEMPLATES: Final[list[JsonObject]] = [
    {
        "uriTemplate": f"{THREAD}{{thread_id}}",
        "name": "thread",
        "description": "A thread with its messages, tasks, claims and locks.",
        "mimeType": MIME_TYPE,
    }
]


async def list_resources(session: AgentSession) -> list[JsonObject]:
    """The inbox, the list of threads, and the newest threads."""
    found = await session.read("/v1/threads")
    return [
        _resource(INBOX, "inbox", f"Direct messages to {session.agent_id}."),
        _resource(THREADS, "threads", "Threads in figures, newest first."),
        *(
            _resource(f"{THREAD}{quote(one['thread_id'], safe='')}", one["thread_id"], f"A thread, {one['status']}.")
            for one in found[:LISTED_THREADS]
        ),
    ]


async def find_resource(session: AgentSession, uri: str) -> JsonObject | None:
    """The contents of a resource; None when there is no such.

    Raises:
        Refused: the hub refused, as for a thread of which nothing is known.
    """
    shown = await _find(session, uri)
    return None if shown is None else {"uri": uri, "mimeType": MIME_TYPE, "text": shown.text}


async def _find(session: AgentSession, uri: str) -> Answer | None:
    if uri == INBOX:
        return await messages.read_inbox(session, messages.ReadInbox(limit=INBOX_ROWS))
    if uri == THREADS:
        return answers.answer(
            *answers.first(map(answers.row, await session.read("/v1/threads")), "older ones are left out")
        )
    if uri.startswith(THREAD) and len(uri) > len(THREAD):
        return await threads.show_thread(session, threads.WhichThread(thread_id=unquote(uri.removeprefix(THREAD))))
    return None


def _resource(uri: str, name: str, description: str) -> JsonObject:
    return {"uri": uri, "name": name, "description": description, "mimeType": MIME_TYPE}
