"""What a projection is: a name, a version, its tables, and what each event means for them.

A projector never refuses and never asks for the time: it is told what happened and writes rows. Feeding the same events
gives the same rows, on any day, on any machine.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from arclog.codec import RecordedEvent
from arclog.events import Event

Row = tuple[Any, ...]


Execute = Callable[..., Any]
"""Runs one statement with its bindings, inside the writer's transaction."""

Handler = Callable[[Execute, RecordedEvent, Any], None]
"""Writes what one type of event means: `(execute, recorded event, its data)`."""


class Projector(Struct, frozen=True):
    """One projection.

    Attributes:
        name: the projection's name.
        version: grows when the meaning or the shape of its rows changes; the hub then rebuilds it at start.
        tables: its tables, which no other projection writes.
        schema: the statements that make them.
        indexes: the statements that make their indexes; a rebuild runs them last.
        handlers: for each type of event that matters to it, what to do.
    """

    name: str
    version: int
    tables: tuple[str, ...]
    schema: str
    indexes: str
    handlers: Mapping[type[Event], Handler]
