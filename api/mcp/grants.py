"""Grants that were waited for, and how each is given back when nobody reads the answer that tells of it."""

from typing import Final

from msgspec import Struct

from arclog.events import JsonObject

WAITED_FOR: Final = ("/v1/locks", "/v1/claims", "/v1/tasks/next")
"""The routes that may wait for what they grant."""


class Grant(Struct, frozen=True):
    """What was granted to a call that had waited.

    Attributes:
        noun: `locks` or `claims`.
        name: the path or the key, as the agent knows it.
        body: what gives it back.
    """

    noun: str
    name: str
    body: JsonObject


def grant_of(path: str, agent_id: str, envelope: JsonObject) -> Grant | None:
    """What an answer grants that was waited for; None where it grants nothing, or was there at once.

    Args:
        path: the route that was called.
        agent_id: who called it.
        envelope: the hub's answer.
    """
    if path not in WAITED_FOR or not envelope.get("waited") or not envelope["acquired"]:
        return None
    row: JsonObject = envelope["result"]
    if path == "/v1/locks":
        return Grant("locks", row["file_path"], _body(agent_id, row))
    if path == "/v1/claims":
        return Grant("claims", row["claim_key"], {**_body(agent_id, row), "claim_key": row["claim_key"]})
    key = f"task-{row['task']['task_id']}"
    return Grant("claims", key, {**_body(agent_id, row["task"]), "claim_key": key})


def _body(agent_id: str, row: JsonObject) -> JsonObject:
    return {"agent_id": agent_id, "fencing_token": row["fencing_token"], "undelivered": True}
