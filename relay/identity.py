"""What an agent may ask for over the relay: everything that an agent does, and only as itself. No I/O.

Over HTTP, anyone who can reach the hub's port is trusted. A sandbox is not, which is why it gets a folder instead. So
here the folder is the identity: a request in `requests/alice/` acts as alice, and never on the hub itself.

An agent id may hold characters that a folder's name cannot, so the two are compared by the folder's name: an agent
`a b` has the folder `a_b`, and shares it with an agent `a/b`. Hand out ids that are folder names to keep them apart.
"""

import re
from typing import Final
from urllib.parse import parse_qsl, unquote

from arclog.sender import FIELDS
from relay.envelope import FORBIDDEN, JsonObject, Refused, Request

FILTERS: Final = ("/v1/locks", "/v1/log")
"""Reads whose `agent_id` or `actor` chooses rows of a list that all may read."""

WRITABLE: Final = (
    "sessions",
    "channels",
    "messages",
    "inbox",
    "threads",
    "claims",
    "locks",
    "tasks",
    "questions",
    "wakes",
    "agents",
    "hooks",
)
"""The nouns that agents write. What else the hub lets others change (its network, its life) is not for them."""

ENDLESS: Final = ("/v1/stream", "/v1/log/stream")
"""What never ends cannot be put into a file."""

_replace_odd = re.compile(r"[^A-Za-z0-9._-]+").sub


def folder_name(agent_id: str) -> str:
    """The name of an agent's folders: each run of characters other than `A-Z a-z 0-9 . _ -` becomes one `_`."""
    name = _replace_odd("_", agent_id.strip())
    return "agent" if name in {"", ".", ".."} else name


def check_identity(request: Request, folder: str) -> None:
    """Let a request pass that acts as the agent whose folder it lies in.

    Args:
        request: what is asked for.
        folder: the name of the folder.

    Raises:
        Refused: with 403 and what is not allowed, or 400 when the folder's name cannot be an agent's.
    """
    try:
        _check_folder(folder)
        _check_agent("agent_id", request.agent_id, folder)
        raw_path, _, query = request.path.partition("?")
        _check_path(request, raw_path, folder)
        if not (request.method == "GET" and unquote(raw_path) in FILTERS):
            for field, value in parse_qsl(query, keep_blank_values=True):
                _check_field(field, value, folder)
        if not request.is_hook:  # whose body is in the harness's words; the hub takes it for the folder's agent's
            _check_body(request.body or {}, folder)
    except Refused as refused:
        refused.request_id = request.request_id
        raise


def _check_folder(folder: str) -> None:
    if folder_name(folder) != folder:
        raise Refused("the folder's name must be an agent id of letters, digits, '.', '_' and '-'")


def _check_path(request: Request, path: str, folder: str) -> None:
    _, version, *rest = [unquote(step) for step in path.split("/")]
    if version != "v1" or not rest or any(step in {"", ".", ".."} for step in rest):
        raise Refused("the relay carries calls to /v1/... only", status=FORBIDDEN)
    noun, *rest = rest
    if unquote(path) in ENDLESS:
        raise Refused("a stream has no end, so the relay cannot carry it: poll /v1/events or /v1/log with a timeout")
    if request.writes and noun not in WRITABLE:
        raise Refused(f"agents may not {request.method} /v1/{noun} over the relay", status=FORBIDDEN)
    if noun == "agents" and rest[1:] == ["wake"]:
        return  # the agent that is to wake is another one; the body says who asks
    if rest and (noun in {"inbox", "agents"} or (noun == "sessions" and request.method == "POST")):
        _check_agent("the path", rest[0], folder)


def _check_body(body: JsonObject, folder: str) -> None:
    for field, value in body.items():
        if isinstance(value, str):
            _check_field(field, value, folder)


def _check_field(field: str, value: str, folder: str) -> None:
    if field in FIELDS and value.strip():
        _check_agent(field, value, folder)


def _check_agent(place: str, agent_id: str, folder: str) -> None:
    if folder_name(agent_id) != folder:
        problem = f"requests in folder {folder!r} act as that agent only, and {place} names another"
        raise Refused(problem, status=FORBIDDEN)
