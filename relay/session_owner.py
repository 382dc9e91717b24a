"""Whose session a request closes: its path names the session alone, so the hub is asked."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct

from relay.envelope import FORBIDDEN, Refused, Request
from relay.identity import folder_name

OK: Final = 200

Ask = Callable[[str, str, bytes, Mapping[str, str]], Awaitable[tuple[int, bytes]]]
"""Asks the hub until it answers: method, path, body and headers; gives the status and the body of the answer."""


class _Agent(Struct):
    agent_id: str
    session_id: str


class _Agents(Struct):
    result: list[_Agent]
    more: bool = False


async def check_session(ask: Ask, request: Request, folder: str) -> None:
    """Let a request pass unless it closes a live session of another agent.

    Args:
        ask: asks the hub.
        request: what is asked for.
        folder: the name of the folder that it lies in.

    Raises:
        Refused: with 403; it does. Or the hub cannot tell, with the status of its answer.
    """
    session_id = find_closed_session(request)
    if session_id is None:
        return
    after = ""
    while True:
        status, body = await ask("GET", f"/v1/agents?after={quote(after, safe='')}", b"", {})
        if status != OK:
            raise Refused("the hub cannot tell now whose session this is; try again", status=status)
        agents = msgspec.json.decode(body, type=_Agents)
        for agent in agents.result:
            if agent.session_id == session_id:
                check_owner(agent.agent_id, folder)
        if not agents.more:
            return
        after = agents.result[-1].agent_id


def find_closed_session(request: Request) -> str | None:
    """The id of the session that a request closes, if that is what it does."""
    path = unquote(request.path.partition("?")[0])
    if request.method == "DELETE" and path.startswith("/v1/sessions/"):
        return path.removeprefix("/v1/sessions/").strip()
    return None


def check_owner(owner: str, folder: str) -> None:
    """Let an agent close a session of its own.

    Raises:
        Refused: with 403; the session is another agent's.
    """
    if folder_name(owner) != folder:
        raise Refused(f"requests in folder {folder!r} may not close a session of another agent", status=FORBIDDEN)
