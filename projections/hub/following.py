"""Following: what other hubs appended to a log elsewhere comes into this hub's copy of it, with the rows that follow.

That takes no lock, so a hub that is far from the log's head holds nobody up, and one that was away for long reads page
by page. What came since is then little when the lock is had, and comes with it (`projections.hub.writing_side`).
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from arclog.codec import Fact, StoredEvent, decode_facts
from arclog.errors import StorageError
from arclog.events import PayloadErased
from arclog.sqlite.log import Log
from projections import erasing
from projections.all_projectors import HANDLERS, project
from projections.live_writer import LiveWriter

MOST_TOLD: Final = 2_000
"""Events of one look that are told one by one to those who wait; when there are more, everyone reads again."""


def take_in(log: Log, writer: LiveWriter, events: Sequence[StoredEvent]) -> list[Fact]:
    """Write the rows that follow from events which were appended to the copy in this transaction.

    Raises:
        StorageError: one is of a type that only later versions of Arc know.
    """
    try:
        facts = list(decode_facts((event.event_id, event.recorded_at, event.type, event.data) for event in events))
    except msgspec.DecodeError as error:
        advice = "run the version of Arc that recorded it, or a later one"
        raise StorageError(f"this hub cannot follow its log any further: {error}; {advice}") from None
    for fact in facts:
        project(HANDLERS, writer, fact)
        if isinstance(fact.data, PayloadErased):
            log.read(erasing.erase_rows, fact.data)
            writer.memory.clear()
    writer.end_batch()
    return facts


def follow(log: Log, writer: LiveWriter, *, wait: bool = True) -> list[Fact] | None:
    """Bring the copy to the log's head, without the lock.

    Args:
        log: the copy.
        writer: writes the rows.
        wait: whether to wait for what is not in the log for good yet.

    Returns:
        What came; None when that was too much to be told one by one.

    Raises:
        StorageError: the log cannot be read, or the copy not be written; `log.rollback` must follow.
    """
    came: list[Fact] = []
    count = 0

    def take_page(page: Sequence[StoredEvent]) -> None:
        nonlocal count
        writer.memory.clear()
        taken = take_in(log, writer, page)
        count += len(taken)
        if count <= MOST_TOLD:
            came.extend(taken)

    log.fetch(take_page, wait=wait)
    return came if count <= MOST_TOLD else None
