"""All projections, and what one event means for each of them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

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
from projections.projector import Handler, Projector, Some, Writer

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


Which = Callable[[Any], bool]
Handlers = Mapping[type[Event], tuple[tuple[Handler, ...], tuple[tuple[Which, tuple[Handler, ...]], ...]]]
"""For each type of event what is done at all of them, and what at some, told apart once for all projections."""


def handlers_of(projectors: Iterable[Projector]) -> Handlers:
    """What some projections do at each type of event."""
    at_all: dict[type[Event], list[Handler]] = defaultdict(list)
    at_some: dict[type[Event], dict[Which, list[Handler]]] = defaultdict(lambda: defaultdict(list))
    for projector in projectors:
        for event_class, handler in projector.handlers.items():
            if isinstance(handler, Some):
                at_some[event_class][handler.which].append(handler.handle)
            else:
                at_all[event_class].append(handler)
    return {
        event_class: (
            tuple(at_all[event_class]),
            tuple((which, tuple(handlers)) for which, handlers in at_some[event_class].items()),
        )
        for event_class in EVENT_CLASSES
    }


HANDLERS: Final = handlers_of(PROJECTORS)


def project(handlers: Handlers, writer: Writer, event: Fact) -> None:
    """Bring projections up to date with one event: in a live hub as it is appended, and in a rebuild.

    Args:
        handlers: what the projections do, from `handlers_of`.
        writer: where the rows go.
        event: the event.
    """
    data = event.data
    at_all, at_some = handlers[type(data)]
    for handler in at_all:
        handler(writer, event, data)
    for which, rest in at_some:
        if which(data):
            for handler in rest:
                handler(writer, event, data)
