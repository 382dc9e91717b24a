"""The chain of digests, walked event by event."""

from collections.abc import Iterable

from arclog.codec import StoredEvent
from arclog.digest import digest_of


def find_break(previous: bytes, events: Iterable[StoredEvent]) -> int | None:
    """The id of the first event whose digest does not follow from what is before it, or None when all do."""
    for event in events:
        if digest_of(previous, event) != event.digest:
            return event.event_id
        previous = event.digest
    return None
