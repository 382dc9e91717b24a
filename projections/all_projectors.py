"""All projections, and what one event means for each of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from arclog.codec import RecordedEvent
from arclog.events import EVENT_CLASSES, Event
from projections import channels, claims, inbox, locks, messages, sessions, tasks, threads
from projections.messages import PostedMessage, find_row, to_posted, write_row
from projections.projector import Handler, Projector, Writer

PROJECTORS: Final[tuple[Projector, ...]] = (
    sessions.PROJECTOR,
    channels.PROJECTOR,
    messages.PROJECTOR,
    inbox.PROJECTOR,
    threads.PROJECTOR,
    claims.PROJECTOR,
    locks.PROJECTOR,
    tasks.PROJECTOR,
)


def handlers_of(projectors: Iterable[Projector]) -> Mapping[type[Event], tuple[Handler, ...]]:
    """What some projections do at each type of event."""
    found: dict[type[Event], list[Handler]] = defaultdict(list)
    for projector in projectors:
        for event_class, handler in projector.handlers.items():
            found[event_class].append(handler)
    return {event_class: tuple(found[event_class]) for event_class in EVENT_CLASSES}


_HANDLERS: Final = handlers_of(projector for projector in PROJECTORS if projector is not messages.PROJECTOR)


def project(writer: Writer, event: RecordedEvent) -> PostedMessage | None:
    """Bring every projection up to date with one event, inside the transaction that appends it.

    Returns:
        The message that the event posts, encoded once for its answer and everybody who waits.
    """
    data = event.data
    row = find_row(event)
    if row is not None:
        write_row(writer, row)
    for handler in _HANDLERS[type(data)]:
        handler(writer, event, data)
    return None if row is None else to_posted(row)
