"""Receipts: who was asked to acknowledge a message, and whether that was done."""

from typing import ClassVar, Final

from msgspec import Struct

from arclog.deciders import fields
from arclog.errors import NotFound
from arclog.events import InboxAcknowledged

MAX_ACKNOWLEDGED: Final = 1_000
"""Messages that one call acknowledges at most."""


class AcknowledgeMessages(Struct, frozen=True, kw_only=True):
    """Say that one has taken up messages that were sent to one."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    ids: list[int]


class AskedReceipt(Struct, frozen=True):
    """A message whose sender wants to know whether it was taken up."""

    message_id: int
    to_agent: str
    is_acknowledged: bool


def wanted_ids(command: AcknowledgeMessages) -> tuple[int, ...]:
    """The messages that a command is about, each once; to be asked for before any of them is looked up.

    Raises:
        InvalidInput: there are too many, or none.
    """
    fields.check_count("ids", command.ids, 1, MAX_ACKNOWLEDGED, "messages")
    return tuple(dict.fromkeys(command.ids))


def decide_acknowledge(
    known: dict[int, AskedReceipt], command: AcknowledgeMessages, now: int
) -> InboxAcknowledged | None:
    """Record that messages were taken up; None when all of them were before.

    Args:
        known: those of the messages that ask for it, by their ids.
        command: the request.
        now: the log's time.

    Raises:
        NotFound: one of them was not sent to the agent, or does not ask for it.
    """
    agent_id = fields.agent("agent_id", command.agent_id)
    ids = wanted_ids(command)
    for message_id in ids:
        asked = known.get(message_id)
        if asked is None or asked.to_agent != agent_id:
            raise NotFound("message", message_id, f"to {agent_id} that asks to be acknowledged is unknown")
    new = tuple(message_id for message_id in ids if not known[message_id].is_acknowledged)
    return InboxAcknowledged(agent_id=agent_id, message_ids=new) if new else None
