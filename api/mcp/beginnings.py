"""Where the polls of an agent begin of which nothing is known here: what the hub and its log tell."""

from collections.abc import Mapping
from typing import Any, Final

from api.mcp.port import NO_IDS, HubRefused, Port, Value
from arclog.events import JsonObject

VIA: Final = "mcp"
"""What the metadata of a session over MCP say of the way that it came."""
NOT_FOUND: Final = 404
PAGE: Final = 500
"""How many events of an agent's sessions are read at once, on the way back to its last one over MCP."""


async def read_latest(port: Port, agent_id: str) -> int:
    """An id after which there is nothing yet.

    Raises:
        HubRefused: the hub is not there.
    """
    try:
        health = await port.read("/v1/health", NO_IDS)
    except HubRefused as refused:
        if refused.status != NOT_FOUND:
            raise
        found = await port.read("/v1/bootstrap", {"agent_id": agent_id})  # of Arc 0.1.1
        return int(found["latest_visible_id"])
    return int(health["head"])


async def find_last_start(port: Port, agent_id: str) -> int | None:
    """Since when the polls of an agent's last session over MCP read; None when its host ended that by itself.

    Raises:
        HubRefused: the hub is not there.
    """
    closed: set[str] = set()
    until: int | None = None
    while events := await _read_sessions(port, agent_id, until):
        for event in reversed(events):
            data = event["data"]
            metadata = data.get("metadata") or {}
            if event["type"] == "session.closed":
                closed.add(data["session_id"])
            elif event["type"] == "session.opened" and metadata.get("via") == VIA:
                return None if data["session_id"] in closed else begins_at(metadata, event["event_id"])
        until = events[0]["event_id"] - 1  # something else may have registered the agent any number of times
    return None


async def _read_sessions(port: Port, agent_id: str, until: int | None) -> list[JsonObject]:
    """The last events of an agent's sessions, up to one; none from a hub that keeps no log."""
    wanted: dict[str, Value] = {"stream": f"session/{agent_id}", "type": "session.", "tail": True, "limit": PAGE}
    if until is not None:
        wanted["as_of"] = until
    try:
        events: list[JsonObject] = await port.read("/v1/log", wanted)
    except HubRefused as refused:
        if refused.status != NOT_FOUND:
            raise
        return []
    return events


def begins_at(metadata: Mapping[str, Any], latest: int) -> int:
    """Where the polls of a session over MCP begin; at `latest` where it does not say."""
    since = metadata.get("since_id")
    return since if isinstance(since, int) and 0 <= since <= latest else latest
