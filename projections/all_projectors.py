"""All projections, and what one event means for each of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from arclog.codec import Fact
from arclog.events import EVENT_CLASSES, Event
from projections import (
    channels,
    claims,
    cursors,
    deadlocks,
    event_streams,
    files,
    inbox,
    locks,
    marked,
    messages,
    places,
    receipts,
    sessions,
    tasks,
    threads,
    tokens,
    vouches,
    wakes,
)
from projections.projector import Handler, Projector, Writer

PROJECTORS: Final[tuple[Projector, ...]] = (
    sessions.PROJECTOR,
    channels.PROJECTOR,
    messages.PROJECTOR,
    inbox.PROJECTOR,
    threads.PROJECTOR,
    claims.PROJECTOR,
    locks.PROJECTOR,
    places.PROJECTOR,
    tasks.PROJECTOR,
    files.PROJECTOR,
    event_streams.PROJECTOR,
    vouches.PROJECTOR,
    receipts.PROJECTOR,
    cursors.PROJECTOR,
    tokens.PROJECTOR,
    marked.PROJECTOR,
    wakes.PROJECTOR,
    deadlocks.PROJECTOR,
)


Handlers = Mapping[type[Event], tuple[Handler, ...]]


def handlers_of(projectors: Iterable[Projector]) -> Handlers:
    """What some projections do at each type of event."""
    found: dict[type[Event], list[Handler]] = defaultdict(list)
    for projector in projectors:
        for event_class, handler in projector.handlers.items():
            found[event_class].append(handler)
    return {event_class: tuple(found[event_class]) for event_class in EVENT_CLASSES}


HANDLERS: Final = handlers_of(PROJECTORS)


def project(handlers: Handlers, writer: Writer, event: Fact) -> None:
    """Bring projections up to date with one event: in a live hub as it is appended, and in a rebuild.

    Args:
        handlers: what the projections do, from `handlers_of`.
        writer: where the rows go.
        event: the event.
    """
    data = event.data
    for handler in handlers[type(data)]:
        handler(writer, event, data)
