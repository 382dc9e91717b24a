"""A hook's call where the sandbox has no network: over the folder's relay, if one serves it.

The relay's folder of the call is the agent's: `ARC_AGENT` names it, else it is made from the window's session, as in
`claude-3f2a91c0`. So a window whose session is the same is the same agent, and two windows are two.
"""

from __future__ import annotations

import hashlib
import os

from arc.connection import BrokenAnswerError
from arc.harnesses import HARNESSES
from arc.light_json import dumps
from arc.own_agent import VARIABLE as AGENT

TAKEN_WITHIN_SEC = 1.0
"""A relay that serves looks at its spool four times a second at least."""
SESSION_CHARS = 8
OK = 200


def name_agent(harness: str, call: dict[str, object]) -> str | None:
    """The agent that a hook's call is of; None where nothing tells it.

    Args:
        harness: who calls.
        call: what it says.
    """
    named = os.environ.get(AGENT, "").strip()
    if named:
        return named
    known = HARNESSES[harness]
    session = call.get(known.session)
    if not isinstance(session, str) or not session:
        return None
    digest = hashlib.sha256(session.encode(errors="surrogateescape")).hexdigest()
    return f"{known.host}-{digest[:SESSION_CHARS]}"


def ask(spool: str, agent_id: str, path: str, call: dict[str, object], within_sec: float) -> str | None:
    """The hub's answer to a hook, in the harness's own form.

    Args:
        spool: the relay's folder.
        agent_id: whose call it is.
        path: path and query.
        call: what the harness says.
        within_sec: how long the harness waits.

    Returns:
        The answer, empty for nothing; None when no relay has taken the call, which was taken back.

    Raises:
        BrokenAnswerError: a relay has taken it, and there is no answer that can be used.
    """
    from arc.spool import NO_RESPONSE, SPOOL_NOT_WRITABLE, FileRelayClient

    client = FileRelayClient(agent_id=agent_id, spool_dir=spool, poll_interval_sec=0.02)
    response = client.call("POST", path, call, timeout=TAKEN_WITHIN_SEC)
    if response["status"] == SPOOL_NOT_WRITABLE:
        return None
    if response["status"] == NO_RESPONSE:
        request_id = response["request_id"]
        if client.take_back(request_id):
            return None
        response = client.call("POST", path, call, request_id=request_id, timeout=within_sec - TAKEN_WITHIN_SEC)
    if response["status"] != OK:
        message = f"the relay answered with {response['status']}: {response.get('error', '')}"
        raise BrokenAnswerError(message)
    answer = response.get("body")
    return dumps(answer) if isinstance(answer, dict) and answer else ""
