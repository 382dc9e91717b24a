"""What a break in the chain means, as far as can be told.

A break says that an event does not follow from what is stored before it. The digests around it tell more: if the next
event follows from the digest that this one ought to have, only the stored digest was changed; if the next follows from
the one before, this one was put in; if it follows once its number is moved, others were put in or taken out; and so on.
Each suspicion is tested with the digests themselves, so what is named is certain; what is left over is `changed`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import apsw

from arclog.digest import RawEvent, digest_of, find_breaks
from arclog.proof.findings import Finding
from arclog.sqlite.reads import NO_END, find_end_before, read_raw

MAX_BREAKS: Final = 1000
"""Breaks of one segment that are looked into; a log with more was not changed by accident."""
REACH: Final = 16
"""How many events in a row may have been put in, or taken out with all others moved up, and still be told apart."""
MAX_COMPARED: Final = 64
"""Broken events that are compared with one another, to see whether they changed places."""


def diagnose(connection: apsw.Connection, breaks: Sequence[int]) -> list[Finding]:
    """What explains the breaks of a log, one finding for each cause.

    Args:
        connection: any connection on the storage.
        breaks: the ids of events that do not follow from what is stored before them, in log order.
    """
    findings: list[Finding] = []
    try:
        findings.extend(_Diagnosis(connection, breaks, moved=0).findings())
    except apsw.CorruptError:
        # Around the damage nothing more can be told.
        findings += [_not_as_recorded(event_id) for event_id in breaks]
    return findings


class _Diagnosis:
    """Works through breaks from the first to the last, each explained once.

    Args:
        connection: any connection on the storage.
        breaks: the breaks.
        moved: how far the numbers of the events from here on were moved, as found so far.
    """

    def __init__(self, connection: apsw.Connection, breaks: Sequence[int], moved: int) -> None:
        self._connection = connection
        self._breaks = breaks
        self._moved = moved
        self._explained: set[int] = set()
        self._suspects = [row for event_id in breaks[:MAX_COMPARED] for row in self._read(event_id)]

    def findings(self) -> Iterator[Finding]:
        for event_id in self._breaks:
            if event_id in self._explained:
                continue
            _, before = find_end_before(self._connection, event_id)
            event, *after = read_raw(self._connection, event_id - 1, NO_END, 1 + REACH)
            moved = self._moved_by(before, event, after)
            if moved:
                yield _renumbered(event_id, moved)
                yield from self._go_on(event_id, moved)
                return
            yield (
                self._swapped(before, event)
                or self._numbered_anew(before, event)
                or self._inserted(before, event, after)
                or self._changed(before, event, after)
            )

    def _follows(self, before: bytes, row: RawEvent, event_id: int, digest: bytes) -> bool:
        """Whether what stands in `row`, as event `event_id`, is what `digest` was made of."""
        return digest_of(before, row._replace(event_id=event_id - self._moved)) == digest

    def _swapped(self, before: bytes, event: RawEvent) -> Finding | None:
        """Two events each of which stands, or has its content, where the other belongs."""
        place = event.event_id
        for row in self._suspects:
            if row.event_id <= place:
                continue
            for moved, digest in ((True, row.digest), (False, event.digest)):
                if not self._follows(before, row, place, digest):
                    continue
                _, previous = find_end_before(self._connection, row.event_id)
                if moved and row.event_id == place + 1:
                    previous = row.digest
                if self._follows(previous, event, row.event_id, event.digest if moved else row.digest):
                    self._explain(place, row.event_id)
                    text = f"events {place} and {row.event_id} changed places, or their contents did"
                    return Finding("log", "swapped", place, text)
        return None

    def _numbered_anew(self, before: bytes, event: RawEvent) -> Finding | None:
        """An event that stands elsewhere, where its number is missing."""
        place = event.event_id
        previous, _ = find_end_before(self._connection, place)
        for missing in range(previous + 1, min(place, previous + 1 + REACH)):
            for row in (event, *self._suspects):
                if self._follows(before, row, missing, row.digest):
                    self._explain(place, row.event_id)
                    return Finding("log", "renumbered", missing, f"event {missing} was given the number {row.event_id}")
        return None

    def _inserted(self, before: bytes, event: RawEvent, after: Sequence[RawEvent]) -> Finding | None:
        """Events that were put in where there was no number, or at the end."""
        place = event.event_id
        for count, row in enumerate(after, 1):
            if self._follows(before, row, row.event_id, row.digest):
                self._explained.update([place, *(other.event_id for other in after[:count])])
                last = after[count - 2].event_id if count > 1 else place
                return Finding("log", "inserted", place, f"{_events(place, last)} put in: the next follows without")
        return None

    def _moved_by(self, before: bytes, event: RawEvent, after: Sequence[RawEvent]) -> int:
        """By how much the numbers from here on were raised (events were put in) or lowered (taken out); else 0."""
        for by, row in enumerate(after, 1):
            if self._follows(before, row, row.event_id - by, row.digest):
                further = after[by : by + 1]
                if all(self._follows(row.digest, other, other.event_id - by, other.digest) for other in further):
                    return by if further or by > 1 else 0
        if after:
            row = after[0]
            for by in range(1, REACH + 1):
                if self._follows(event.digest, row, row.event_id + by, row.digest):
                    return -by
        return 0

    def _go_on(self, event_id: int, moved: int) -> Iterator[Finding]:
        """Look at the rest of the log as it was before its numbers were moved."""
        if moved > 0:
            after, (_, before) = event_id + moved - 1, find_end_before(self._connection, event_id)
        else:
            after, (_, before) = event_id, find_end_before(self._connection, event_id + 1)
        moved += self._moved
        rows = (row._replace(event_id=row.event_id - moved) for row in read_raw(self._connection, after, NO_END))
        places = [place + moved for place in find_breaks(before, rows)[:MAX_BREAKS]]
        yield from _Diagnosis(self._connection, places, moved).findings()

    def _changed(self, before: bytes, event: RawEvent, after: Sequence[RawEvent]) -> Finding:
        place = event.event_id
        right = digest_of(before, event._replace(event_id=place - self._moved))
        if after and self._follows(right, after[0], after[0].event_id, after[0].digest):
            self._explained.add(after[0].event_id)
            return Finding(
                "log", "digest_changed", place, f"the digest of event {place} was changed; its content is whole"
            )
        previous, _ = find_end_before(self._connection, place)
        if place > previous + 1:
            text = f"{_events(previous + 1, place - 1)} removed, or event {place} was changed"
            return Finding("log", "removed", previous + 1, text)
        if previous == 0 or previous in self._breaks:
            return _not_as_recorded(place)
        text = f"event {place} is not what was recorded, or event {previous} was replaced together with its digest"
        return Finding("log", "changed", place, text)

    def _read(self, event_id: int) -> Iterator[RawEvent]:
        return read_raw(self._connection, event_id - 1, event_id)

    def _explain(self, *places: int) -> None:
        """These events are accounted for, and with them that the next ones do not follow."""
        for place in places:
            self._explained.add(place)
            self._explained.update(row.event_id for row in read_raw(self._connection, place, NO_END, 1))


def _events(first: int, last: int) -> str:
    return f"event {first} was" if first == last else f"events {first} to {last} were"


def _not_as_recorded(event_id: int) -> Finding:
    return Finding("log", "changed", event_id, f"event {event_id} is not what was recorded")


def _renumbered(event_id: int, moved: int) -> Finding:
    if moved > 0:
        what = _events(event_id, event_id + moved - 1)
        return Finding("log", "inserted", event_id, f"{what} put in, and everything after renumbered")
    what = "an event was" if moved == -1 else f"{-moved} events were"
    return Finding(
        "log", "removed", event_id, f"{what} removed before event {event_id}, and everything after renumbered"
    )
