"""What the relay reads out of the hub's answers: that it stops, and what is to be given back."""

from typing import Final

import msgspec
from msgspec import Struct

from relay.envelope import JsonObject, Request

_NOUNS: Final = {"/v1/locks": "locks", "/v1/claims": "claims", "/v1/tasks/next": "claims"}
"""What is granted by the routes that may wait for it."""


class _Failure(Struct):
    code: str = ""


class _Task(Struct):
    task_id: int
    fencing_token: int


class _Lease(Struct):
    fencing_token: int = 0
    claim_key: str | None = None
    task: _Task | None = None


class _Granted(Struct):
    acquired: bool = False
    waited: bool = False
    result: _Lease | None = None


def is_stopping(answer: bytes) -> bool:
    """Whether a hub says that it takes no more calls. It has not done this one, and the next hub will."""
    try:
        return msgspec.json.decode(answer, type=_Failure).code == "hub_stopping"
    except ValueError:
        return False


def find_grant(request: Request, answer: bytes) -> tuple[str, bytes] | None:
    """How to give back what an answer grants after a wait, where that answer cannot be handed over.

    Args:
        request: what was asked for.
        answer: the hub's answer.

    Returns:
        Path and body of the call that frees it; None where nothing was granted, or where it was there at once.
    """
    noun = _NOUNS.get(request.path.partition("?")[0])
    if noun is None or not request.waits:
        return None
    try:
        granted = msgspec.json.decode(answer, type=_Granted)
    except (ValueError, RecursionError):
        return None
    lease = granted.result
    if lease is None or not granted.acquired or not granted.waited:
        return None
    asked: JsonObject = request.body or {}
    agent_id = asked.get("agent_id") or asked.get("owner_agent_id") or request.agent_id
    body = {"agent_id": agent_id, "fencing_token": lease.fencing_token, "undelivered": True}
    if lease.task is not None:
        body |= {"claim_key": f"task-{lease.task.task_id}", "fencing_token": lease.task.fencing_token}
    elif lease.claim_key is not None:
        body["claim_key"] = lease.claim_key
    return f"/v1/{noun}/release", msgspec.json.encode(body)
