"""Idempotency keys: whose key led to an event.

Each key belongs to the caller that chose it. The index of keys follows from the events: it is made again when they are
imported, and verified against them (`arclog.proof.keys`).
"""

from typing import Final

from arclog.events.channels import ANONYMOUS

_NOBODYS: Final = frozenset(
    {
        "session.closed",
        "hub.started",
        "hub.stopped",
        "network.changed",
        "shutdown.initiated",
        "shutdown.cancelled",
        "shutdown.fired",
    }
)
"""What is asked for without saying who asks."""


def key_owner(event_type: str, actor: str) -> str:
    """The sender under whose name the key of an event is kept."""
    return ANONYMOUS if event_type in _NOBODYS else actor
