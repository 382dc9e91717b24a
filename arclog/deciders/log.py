"""The log itself: which texts may be erased from it, and what the event says that erases them."""

from typing import ClassVar, Final

from msgspec import Struct
from msgspec.structs import replace

from arclog.deciders import fields
from arclog.erasure import erased_bytes, is_erased, without_texts
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


class EarlierErasure(Struct, frozen=True):
    """An earlier erasure, with the bytes of it; of an event of several messages it carries those that it left.

    Attributes:
        event_id: the erasure.
        stored: its bytes.
        event: what they mean.
    """

    event_id: int
    stored: bytes
    event: PayloadErased


def check_ids(command: EraseTexts) -> None:
    """Refuse a command that names too many events, none, or what can be no event, before any of them is looked up.

    Raises:
        InvalidInput: it does.
    """
    fields.check_count("ids", command.ids, 1, MAX_ERASED, "events")
    for event_id in command.ids:
        fields.integer("ids", event_id)


def decide_erase(
    found: tuple[Erasable, ...], command: EraseTexts, sender: str, now: int, earlier: tuple[EarlierErasure, ...] = ()
) -> PayloadErased | None:
    """Take texts out; nothing happens where all of them are gone already.

    Args:
        found: the events that are named.
        command: what is asked for.
        sender: who asks.
        now: the time.
        earlier: earlier erasures that carry what they left of these events, in order.

    Raises:
        InvalidInput: an event has none, or more are named than one call takes.
    """
    reason = fields.reason(command.reason)
    check_ids(command)
    wanted: dict[int, set[int]] = {}
    events: dict[int, Erasable] = {}
    for one in found:
        events[one.event_id] = one
        wanted.setdefault(one.event_id, set()).add(one.wanted)
    erased: dict[int, bytes] = {}
    emptied: dict[int, Event] = {}
    messages: list[int] = []
    for event_id, one in sorted(events.items()):
        left = without_texts(one.event, frozenset(wanted[event_id]), event_id)
        if left == one.event:
            if not is_erased(one.stored):
                raise InvalidInput("ids", f"name event {event_id}, a {one.event.type}, which has no text to be erased")
            continue
        erased[event_id], emptied[event_id] = erased_bytes(one.stored, left), left
        messages += _messages_of(one.event, wanted[event_id], event_id)
    if not erased:
        return None
    for erasure in earlier:
        now_left = emptied.get(erasure.event_id, erasure.event)
        assert isinstance(now_left, PayloadErased)
        carried = tuple(ErasedEvent(one.event_id, erased.get(one.event_id, one.data)) for one in now_left.events)
        if carried != now_left.events:
            erased[erasure.event_id] = erased_bytes(erasure.stored, replace(now_left, events=carried))
    left_of = tuple(ErasedEvent(event_id, data) for event_id, data in erased.items())
    return PayloadErased(erased_by=sender, reason=reason, events=left_of, message_ids=tuple(messages))


def _messages_of(event: Event, wanted: set[int], event_id: int) -> list[int]:
    """The messages of an event whose texts are gone."""
    if isinstance(event, TasksOpened):
        return sorted(wanted)
    count = len(notices_of(event))
    return [event_id] if count <= 1 else list(range(event_id - count + 1, event_id + 1))
