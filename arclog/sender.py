"""Who asks: the one place that says whose call it is, whichever way it came.

A call is the agent's that its command names, else the agent's that its carrier knows: the relay knows whose folder a
request lay in, and a header of an HTTP call may say it. A call of which neither is known is nobody's.
"""

from typing import ClassVar, Final, Protocol

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


class Asked(Protocol):
    """A command, which says by which of its fields it names who asks; None when by none."""

    sender_field: ClassVar[str | None]


def named_sender(command: Asked) -> str | None:
    """The agent that a command itself names as the one who asks, if it does."""
    if command.sender_field is None:
        return None
    name: str | None = getattr(command, command.sender_field)
    return None if name is None else name.strip() or None


def sender_of(command: Asked, carrier: str = "") -> str:
    """Who asks for a command.

    Args:
        command: what is asked for.
        carrier: the agent that the carrier of the call knows it to be from; empty when it knows none.

    Returns:
        The agent's id, `ANONYMOUS` when nobody is named.
    """
    return named_sender(command) or carrier or ANONYMOUS
