"""Who asks: the one place that says whose call it is, whichever way it came.

A call is the agent's that its command names, else the agent's that its carrier knows: the relay knows whose folder a
request lay in, and a header of an HTTP call may say it. A call of which neither is known is nobody's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ClassVar, Final, Protocol

from msgspec import Struct

from arclog.events.channels import ANONYMOUS

FIELDS: Final = (
    "agent_id",
    "from_agent",
    "owner_agent_id",
    "created_by",
    "asker_agent_id",
    "actor",
    "agent",
    "as",
)
"""The names under which a body or a query may say who asks. `to_agent` is not among them."""


class Principal(Struct, frozen=True):
    """Whom a call is known to be from, because it proved it.

    Attributes:
        agent_id: the agent; empty where only the hub's own token was shown, which many may hold.
        token_id: the token that proved it; None where the carrier vouches, as the relay does for a folder's owner.
        operator: whether it may do what is for operators.
    """

    agent_id: str
    token_id: str | None = None
    operator: bool = False


PRINCIPAL: Final[ContextVar[Principal | None]] = ContextVar("principal", default=None)
"""Whom the call that is being carried out is proved to be from; None for one of this machine that proved nothing."""


@contextmanager
def proved_to_be(principal: Principal) -> Iterator[None]:
    """While this lasts, what is called is proved to be from `principal`."""
    before = PRINCIPAL.set(principal)
    try:
        yield
    finally:
        PRINCIPAL.reset(before)


class NamesSender(Protocol):
    """A command, which says by which of its fields it names who asks; None when by none."""

    sender_field: ClassVar[str | None]


def sender_of(command: NamesSender, carrier: str = "") -> str:
    """Who asks for a command.

    Args:
        command: what is asked for.
        carrier: the agent that the carrier of the call knows it to be from; empty when it knows none.

    Returns:
        The agent's id, `ANONYMOUS` when nobody is named.
    """
    field = command.sender_field
    name: str | None = None if field is None else getattr(command, field)
    return (name and name.strip()) or carrier or ANONYMOUS
