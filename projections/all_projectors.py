"""All projections, and what one event means for each of them."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import reduce
from operator import attrgetter
from typing import Any, Final

from msgspec import Struct

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


Fields = tuple[str, ...]
Which = Callable[[Any], object]


class AtSome(Struct, frozen=True, gc=False):
    """What is done at some events of a type: at those of which `which` is true."""

    which: Which
    handlers: tuple[Handler, ...]


class AtType(Struct, frozen=True, gc=False):
    """What is done at the events of one type, told apart once for all projections.

    Attributes:
        always: at each of them.
        is_one: whether an event may be one of some; one look, which nearly always says no.
        sometimes: at some of them.
    """

    always: tuple[Handler, ...]
    is_one: Which
    sometimes: tuple[AtSome, ...]


Handlers = Mapping[type[Event], AtType]
"""What some projections do at each type of event."""


def handlers_of(projectors: Iterable[Projector]) -> Handlers:
    """What some projections do at each type of event."""
    always: dict[type[Event], list[Handler]] = defaultdict(list)
    sometimes: dict[type[Event], dict[Fields | Which, list[Handler]]] = defaultdict(lambda: defaultdict(list))
    for projector in projectors:
        for event_class, handler in projector.handlers.items():
            if isinstance(handler, Some):
                sometimes[event_class][handler.which].append(handler.handle)
            else:
                always[event_class].append(handler)
    return {
        event_class: AtType(
            tuple(always[event_class]),
            _any_of(sometimes[event_class]),
            tuple(AtSome(_is(which), tuple(handlers)) for which, handlers in sometimes[event_class].items()),
        )
        for event_class in EVENT_CLASSES
    }


def _is(which: Fields | Which) -> Which:
    """Whether an event is one of some, as a function."""
    if not isinstance(which, tuple):
        return which
    values = attrgetter(*which)
    return values if len(which) == 1 else lambda data: any(values(data))


def _any_of(several: Collection[Fields | Which]) -> Which:
    """Whether an event may be one of any of them; all that fields say is told at once."""
    fields = tuple(dict.fromkeys(field for which in several if isinstance(which, tuple) for field in which))
    tests = [which for which in several if not isinstance(which, tuple)]
    if fields:
        tests.insert(0, _is(fields))
    return reduce(_either, tests) if tests else _never


def _either(one: Which, other: Which) -> Which:
    return lambda data: one(data) or other(data)


def _never(_data: object) -> bool:
    return False


HANDLERS: Final = handlers_of(PROJECTORS)


def project(handlers: Handlers, writer: Writer, event: Fact) -> None:
    """Bring projections up to date with one event: in a live hub as it is appended, and in a rebuild.

    Args:
        handlers: what the projections do, from `handlers_of`.
        writer: where the rows go.
        event: the event.
    """
    data = event.data
    at_type = handlers[type(data)]
    for handler in at_type.always:
        handler(writer, event, data)
    if at_type.sometimes and at_type.is_one(data):
        for some in at_type.sometimes:
            if some.which(data):
                for handler in some.handlers:
                    handler(writer, event, data)
