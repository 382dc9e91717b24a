"""Where the polls of an agent begin that nothing is known of here, as the hub and its log tell it."""

from collections.abc import Mapping
from typing import Any, Final

from api.mcp.port import NO_IDS, Port, Refused

VIA: Final = "mcp"
"""What the metadata of a session over MCP say of the way that it came."""
NOT_FOUND: Final = 404
PAST_SESSIONS: Final = 500
"""How far back an agent's sessions are looked through for the last one over MCP."""


async def read_latest(port: Port, agent_id: str) -> int:
    """An id after which there is nothing yet.

    Raises:
        Refused: the hub is not there.
    """
    try:
        health = await port.read("/v1/health", NO_IDS)
    except Refused as refused:
        if refused.status != NOT_FOUND:
            raise
        found = await port.read("/v1/bootstrap", {"agent_id": agent_id})  # of Arc 0.1.1
        return int(found["latest_visible_id"])
    return int(health["head"])


async def find_last_start(port: Port, agent_id: str) -> int | None:
    """Since when the polls of an agent's last session over MCP read; None when its host ended that by itself.

    Raises:
        Refused: the hub is not there.
    """
    try:
        events = await port.read(
            "/v1/log",
            {"stream": f"session/{agent_id}", "type": "session.", "tail": True, "limit": PAST_SESSIONS},
        )
    except Refused as refused:
        if refused.status != NOT_FOUND:
            raise
        return None
    closed: set[str] = set()
    for event in reversed(events):
        data = event["data"]
        metadata = data.get("metadata") or {}
        if event["type"] == "session.closed":
            closed.add(data["session_id"])
        elif event["type"] == "session.opened" and metadata.get("via") == VIA:
            return None if data["session_id"] in closed else begins_at(metadata, event["event_id"])
    return None


def begins_at(metadata: Mapping[str, Any], latest: int) -> int:
    """Where the polls of a session over MCP begin; at `latest` where it does not say."""
    since = metadata.get("since_id")
    return since if isinstance(since, int) and 0 <= since <= latest else latest
