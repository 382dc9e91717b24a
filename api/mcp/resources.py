"""Resources: the inbox and the threads, for hosts that show them to people or put them into a prompt."""

from typing import Final
from urllib.parse import quote, unquote

from api.mcp import answers
from api.mcp.answers import Answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.tools import messages, threads
from arclog.events import JsonObject

INBOX: Final = "arc://inbox"
THREADS: Final = "arc://threads"
THREAD: Final = f"{THREADS}/"
MIME_TYPE: Final = "application/json"
INBOX_ROWS: Final = 50
LISTED_THREADS: Final = 20
MAX_THREADS: Final = 500

TEMPLATES: Final[list[JsonObject]] = [
    {
        "uriTemplate": f"{THREAD}{{thread_id}}",
        "name": "thread",
        "description": "A thread with its messages, tasks, claims and locks.",
        "mimeType": MIME_TYPE,
    }
]


async def list_resources(agent: AskingAgent) -> list[JsonObject]:
    """The inbox, the list of threads, and the newest threads."""
    found = await agent.read("/v1/threads")
    return [
        _resource(INBOX, "inbox", f"Direct messages to {agent.agent_id}."),
        _resource(THREADS, "threads", "Threads in figures, newest first."),
        *(
            _resource(f"{THREAD}{quote(one['thread_id'], safe='')}", one["thread_id"], f"A thread, {one['status']}.")
            for one in found[:LISTED_THREADS]
        ),
    ]


async def find_resource(agent: AskingAgent, uri: str) -> JsonObject | None:
    """The contents of a resource; None when there is no such.

    Raises:
        HubRefused: the hub refused, as for a thread of which nothing is known.
    """
    shown = await _find(agent, uri)
    return None if shown is None else {"uri": uri, "mimeType": MIME_TYPE, "text": answers.json_text(shown.fields)}


async def _find(agent: AskingAgent, uri: str) -> Answer | None:
    if uri == INBOX:
        return await messages.read_inbox(agent, messages.ReadInbox(limit=INBOX_ROWS))
    if uri == THREADS:
        return await threads.list_threads(agent, threads.WhichThreads(limit=MAX_THREADS))
    if uri.startswith(THREAD) and len(uri) > len(THREAD):
        return await threads.show_thread(agent, threads.WhichThread(thread_id=unquote(uri.removeprefix(THREAD))))
    return None


def _resource(uri: str, name: str, description: str) -> JsonObject:
    return {"uri": uri, "name": name, "description": description, "mimeType": MIME_TYPE}
