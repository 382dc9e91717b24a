"""What a projection is: a name, a version, its tables, and what each event means for them.

A projector never refuses and never asks for the time: it is told what happened and writes rows. Feeding the same events
gives the same rows, on any day, on any machine.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from msgspec import Struct

from arclog.codec import Fact
from arclog.events import Event, MessagePosted, TasksOpened
from projections.versions import Key, Said, Version, Versioned

Row = tuple[Any, ...]
Bindings = Row | Mapping[str, Any]


def time_of(event: Fact, occurred_at: int | None) -> int:
    """When it happened: at the time that the event itself gives, else when it was recorded."""
    return event.recorded_at if occurred_at is None else occurred_at


class Writer(Protocol):
    """Where rows go."""

    def write(self, sql: str, bindings: Bindings) -> object:
        """Run a statement that adds a row; when statements differ, their order must not matter."""

    def count(self, last: str, key: Key) -> int:
        """The next number for `key`, from 1; the row that has it must be written then.

        Args:
            last: the query for the greatest number that rows of `key` have.
            key: what is counted by, such as a thread.
        """

    def find(self, table: Versioned[Said], key: Key) -> Version[Said] | None:
        """The present version of `key`."""

    def add(self, table: Versioned[Said], key: Key, version: Version[Said]) -> None:
        """Begin the first version of `key`."""

    def replace(self, table: Versioned[Said], key: Key, version: Version[Said]) -> Version[Said] | None:
        """End the present version of `key`, if there is one, and begin another at the same event.

        Returns:
            What has ended.
        """

    def replace_found(self, table: Versioned[Said], key: Key, found: Version[Said], version: Version[Said]) -> None:
        """The same, where `find` gave the present version."""


Handler = Callable[[Writer, Fact, Any], None]
"""Writes what one type of event means: `(writer, event, its data)`."""


def each_message(event: Fact, data: TasksOpened) -> Iterator[tuple[Fact, MessagePosted]]:
    """The messages that open the tasks of one request, each with the place in the log that is its own."""
    for message_id, message in enumerate(data.messages, event.event_id - len(data.messages) + 1):
        yield Fact(message_id, event.recorded_at, message), message


def for_each_message(handler: Callable[[Writer, Fact, MessagePosted], None]) -> Handler:
    """What a `tasks.opened` means, for whom each of its messages means what it would mean alone."""

    def handle(writer: Writer, event: Fact, data: TasksOpened) -> None:
        for place, message in each_message(event, data):
            handler(writer, place, message)

    return handle


class Some(Struct, frozen=True):
    """A handler for some events of a type, where most of them mean nothing to a projection.

    Attributes:
        which: the fields of which such an event has one set to something; or says of an event's data whether it is one
            of them, and then projections that ask the same give the same function.
        handle: what such an event means.
    """

    which: tuple[str, ...] | Callable[[Any], bool]
    handle: Handler


class Projector(Struct, frozen=True):
    """One projection.

    Attributes:
        name: the projection's name.
        version: grows when the meaning or the shape of its rows changes; the hub then rebuilds it at start.
        tables: its tables, which no other projection writes.
        schema: the statements that make them, and the indexes that its own handlers need.
        indexes: the statements that make the indexes of its queries; a rebuild runs them last.
        handlers: for each type of event that matters to it, or some of whose events do, what to do.
    """

    name: str
    version: int
    tables: tuple[str, ...]
    schema: str
    indexes: str
    handlers: Mapping[type[Event], Handler | Some]
