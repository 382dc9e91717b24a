"""The log itself: what may be taken out of it, and by whom that is told."""

from typing import ClassVar, Final

from msgspec import Struct

from arclog.deciders import fields
from arclog.erasure import is_erased, leave, without_texts
from arclog.errors import InvalidInput
from arclog.events import ErasedEvent, Event, PayloadErased, TasksOpened
from arclog.notices import notices_of

MAX_ERASED: Final = 1_000
"""Events that one call erases."""


class EraseTexts(Struct, frozen=True, kw_only=True):
    """Take the free texts out of some events, for good."""

    sender_field: ClassVar[str | None] = "agent_id"

    ids: list[int]
    reason: str
    agent_id: str | None = None


class Erasable(Struct, frozen=True):
    """An event that is to be erased, or of whose messages some are.

    Attributes:
        wanted: the id that was named: its own, or that of one of its messages.
        event_id: its own id.
        stored: its bytes.
        event: what they mean.
    """

    wanted: int
    event_id: int
    stored: bytes
    event: Event


def decide_erase(found: tuple[Erasable, ...], command: EraseTexts, sender: str, now: int) -> PayloadErased | None:
    """Take texts out; nothing happens where all of them are gone already.

    Raises:
        InvalidInput: an event has none, or more are named than one call takes.
    """
    reason = fields.reason(command.reason)
    if not 0 < len(command.ids) <= MAX_ERASED:
        raise InvalidInput("ids", f"must be 1 to {MAX_ERASED} events, not {len(command.ids)}")
    wanted: dict[int, set[int]] = {}
    events: dict[int, Erasable] = {}
    for one in found:
        events[one.event_id] = one
        wanted.setdefault(one.event_id, set()).add(one.wanted)
    erased: list[ErasedEvent] = []
    messages: list[int] = []
    for event_id, one in sorted(events.items()):
        left = without_texts(one.event, frozenset(wanted[event_id]), event_id)
        if left == one.event:
            if not is_erased(one.stored):
                raise InvalidInput("ids", f"name event {event_id}, a {one.event.type}, which has no text to be erased")
            continue
        erased.append(ErasedEvent(event_id, leave(one.stored, left)))
        messages += _messages_of(one.event, wanted[event_id], event_id)
    if not erased:
        return None
    return PayloadErased(erased_by=sender, reason=reason, events=tuple(erased), message_ids=tuple(messages))


def _messages_of(event: Event, wanted: set[int], event_id: int) -> list[int]:
    """The messages of an event whose texts are gone."""
    if isinstance(event, TasksOpened):
        return sorted(wanted)
    count = len(notices_of(event))
    return [event_id] if count <= 1 else list(range(event_id - count + 1, event_id + 1))
