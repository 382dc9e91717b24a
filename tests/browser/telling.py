"""What agents do at the hub while somebody looks at the page."""

from tests.support.hub_process import HubProcess

WITHIN_MS = 1_000
"""How soon the page shows what happened."""


def say(hub: HubProcess, agent: str, body: str, **more: object) -> int:
    message_id: int = hub.call("POST", "/v1/messages", {"from_agent": agent, "body": body, **more}).result["id"]
    return message_id


def register(hub: HubProcess, agent: str) -> None:
    hub.call("POST", "/v1/sessions", {"agent_id": agent, "replace": True})
