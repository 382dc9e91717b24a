"""Outcomes: what an accepted command led to."""

from typing import final

from msgspec import Struct

from arclog.events import Event
from projections.hub.open_calls import OpenCall


class Queue(Struct, frozen=True):
    """Where a request waits.

    Attributes:
        place: its place, by which its agent goes on or gives up.
        position: how many it is from the front, itself counted.
        ahead: the agents that it waits for, those that hold something first.
    """

    place: int
    position: int
    ahead: tuple[str, ...]


@final
class Outcome(Struct, frozen=True):
    """What an accepted command led to.

    Attributes:
        result: the `result` of the answer, as JSON.
        event_id: the event that was appended, or the one that had made things so already; None when there is none.
        created: whether something came into being.
        acquired: for claims and locks that are asked for, whether the asker has it.
        parent_completed: whether the last child that was completed completed its parent.
        holder_left_at: for what is refused, when its holder ended its session, if it has not come back.
        locks: for a lock on several paths, all of its rows as a JSON array.
        queue: for a request that still waits, where.
        open_call: for a request that begins to wait, its call; the answer comes with it.
        waited: whether it was waited for.
        is_news: whether nobody was told of it before, so that what was granted is given back when this cannot be told.
    """

    result: bytes
    event_id: int | None = None
    created: bool = False
    acquired: bool | None = None
    parent_completed: bool = False
    holder_left_at: str | None = None
    locks: bytes | None = None
    queue: Queue | None = None
    open_call: "OpenCall[Outcome] | None" = None
    waited: bool = False
    is_news: bool = False


Decision = Event | Outcome
"""What a command handler decides: the event that happens, or the outcome where things are so already."""
