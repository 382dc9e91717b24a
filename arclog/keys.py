"""Idempotency keys: whose key led to an event.

Each key belongs to the sender that chose it. Callers that name nobody cannot be told apart, so there a key belongs to
the request that it came with: two of them never meet each other's. The index of keys follows from the events: it is
made again when they are imported, and verified against them (`arclog.proof.keys`).
"""

from hashlib import sha256
from typing import Final

from msgspec import Struct

from arclog.codec import Metadata
from arclog.erasure import hash_request
from arclog.events import Event
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
"""What was asked for without saying who asks, when events did not name their principal."""


class KeptKey(Struct, frozen=True):
    """What is known of an idempotency key.

    Attributes:
        event_id: the event that it led to.
        request: the hash of its request; with the event's salt, unless the key is one of a call that names nobody.
        salt: that salt; None in events that have none.
        erased: whether the event's texts were erased, and its salt with them, so that no request can be compared.
    """

    event_id: int
    request: bytes
    salt: bytes | None = None
    erased: bool = False

    def is_of(self, *requests: bytes | None) -> bool:
        """Whether the key came with one of these requests, as far as can be told."""
        asked = [one or b"" for one in requests]
        return self.erased or self.request in (*asked, *(hash_request(one, self.salt) for one in asked))


def principal_of(event: Event, sender: str) -> str | None:
    """What an event's metadata say of its sender: nothing where that is its actor, as nearly always."""
    return None if sender == event.actor and sender != ANONYMOUS and event.type not in _NOBODYS else sender


def owner_of(sender: str, request: bytes | None) -> str:
    """Under whose name the key of a call is kept.

    Args:
        sender: who asks.
        request: the hash of the request.
    """
    return sender if sender != ANONYMOUS else f"{ANONYMOUS}/{(request or b'').hex()}"


def hash_key(owner: str, key: str) -> bytes:
    """By what the index of keys finds a key: 16 bytes, so that a key takes the same little room however long it is."""
    return sha256(f"{len(owner)}:{owner}{key}".encode()).digest()[:16]


def key_owner(event_type: str, actor: str, metadata: Metadata) -> str:
    """Under whose name the key of an event is kept."""
    if metadata.principal is not None:
        return owner_of(metadata.principal, metadata.request)
    return ANONYMOUS if event_type in _NOBODYS else actor
