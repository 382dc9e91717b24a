"""Verification of the chain: is the log what was written, event by event?

A log of any size is cut into segments. A segment begins at the stored digest of the event before it, so segments can be
checked at the same time by several processes; together they say exactly what one walk from the beginning would say.
What the breaks mean is found out afterwards, by `arclog.proof.diagnosis`.

A chain can tell everything but two things: that its last events were cut off, unless something else remembers that they
were there, as the checkpoints of the projections do; and that somebody rewrote the log from some event to its end.
Anyone who has an export, a backup, or just an old digest can tell that too.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

import apsw
from msgspec import Struct

from arclog.digest import RawEvent, digest_of, find_breaks
from arclog.progress import Progress, no_progress
from arclog.proof.diagnosis import MAX_BREAKS, diagnose
from arclog.proof.erasures import find_erased, verify_erased
from arclog.proof.findings import Finding
from arclog.sqlite.connection import storage_errors
from arclog.sqlite.opened import OpenedStorage
from arclog.sqlite.reads import find_end_before, find_next, find_readable_end, is_readable, read_raw
from arclog.sqlite.schema import open_existing

SEGMENT: Final = 20_000
"""Events that are checked in one go: meanwhile the WAL of a running hub cannot begin again."""
AT_A_TIME: Final = 100
"""Events that are in memory at a time."""
PARALLEL_FROM: Final = 150_000
"""Events from which it is worth starting processes."""


class ChainReport(Struct, frozen=True):
    """What verification of the chain found.

    Attributes:
        events: how many events were checked.
        head: the id of the last one.
        digest: the digest of the last one, in hexadecimal; kept elsewhere, it proves later what the log was.
        findings: all that is wrong, in log order; none when the log is whole.
    """

    events: int
    head: int
    digest: str
    findings: tuple[Finding, ...]


class Segment(Struct, frozen=True):
    """The events after `after`, up to and including `until`, of the storage at `path`."""

    path: str
    after: int
    until: int


class Gap(Struct, frozen=True):
    """The events from `first` to `last`, which cannot be read, and what SQLite says of them.

    `last` is None for the end of a log, of which nothing tells how far it goes.
    """

    first: int
    last: int | None
    fault: str


class CheckedSegment(Struct, frozen=True):
    """What was found in a segment.

    Attributes:
        until: its last event.
        events: how many events it has, as far as they can be read.
        breaks: the events that do not follow from what is stored before them, the first `MAX_BREAKS` of them.
        gaps: the events that cannot be read.
        unproved: the events that say that they were erased, and were not.
    """

    until: int
    events: int
    breaks: tuple[int, ...]
    gaps: tuple[Gap, ...] = ()
    unproved: tuple[Finding, ...] = ()


def verify_chain(
    path: Path, progress: Progress = no_progress, processes: int | None = None, segment: int = SEGMENT
) -> ChainReport:
    """Check the storage at `path`, as `check_chain` does.

    Raises:
        StorageError: there is no such storage, or it cannot be read at all.
    """
    with OpenedStorage(path) as storage:
        return check_chain(storage, progress, processes, segment)


def check_chain(
    storage: OpenedStorage, progress: Progress = no_progress, processes: int | None = None, segment: int = SEGMENT
) -> ChainReport:
    """Check every event of a storage against the digest before it.

    Works beside a hub that runs; what it appends meanwhile is not looked at.

    Args:
        storage: the storage.
        progress: told how far the check has come.
        processes: how many processes share the work; one for each core of the machine, or one alone for a log that
            is soon done, unless given.
        segment: how many events are checked in one piece.

    Raises:
        StorageError: there is no such storage, or it cannot be read at all.
    """
    events, breaks, gaps, unproved = 0, list[int](), list[Gap](), list[Finding]()
    with storage_errors(storage.path):
        end = find_readable_end(storage.connection)
        head, digest = find_end_before(storage.connection, end + 1)
        segments = list(segments_of(storage.connection, storage.path, head, segment))
        beyond = _find_gap_beyond(storage.connection, head)
        if processes is None:
            processes = count_cores() if len(segments) * segment >= PARALLEL_FROM else 1
        for checked in _check_all(storage, segments, processes):
            events += checked.events
            breaks += checked.breaks
            gaps += checked.gaps
            unproved += checked.unproved
            progress(checked.until, head)
        findings = say_gaps([*gaps, *beyond]) + unproved
        if breaks:
            findings += diagnose(storage.connection, breaks)
    return ChainReport(events, head, digest.hex(), tuple(findings))


def segments_of(connection: apsw.Connection, path: Path, head: int, size: int, after: int = 0) -> Iterator[Segment]:
    """The log after event `after` up to event `head`, cut into segments of at most `size` events, without the gaps."""
    while after < head:
        until = min(after + size, head)
        yield Segment(str(path), after, until)
        try:
            following = find_next(connection, until)
        except (apsw.CorruptError, apsw.IOError):
            following = None  # it is there, and cannot be read
        after = until if following is None else max(until, following - 1)


def check_segment(connection: apsw.Connection, segment: Segment) -> CheckedSegment:
    """Check one segment over an open connection."""
    try:
        _, previous = find_end_before(connection, segment.after + 1)
        events, breaks, erased = 0, list[int](), list[RawEvent]()
        reading = read_raw(connection, segment.after, segment.until)
        while piece := list(islice(reading, AT_A_TIME)):
            events += len(piece)
            breaks += find_breaks(previous, piece)
            erased += find_erased(piece)
            previous = piece[-1].digest
        unproved = tuple(verify_erased(connection, erased)) if erased else ()
        return CheckedSegment(segment.until, events, tuple(breaks[:MAX_BREAKS]), unproved=unproved)
    except (apsw.CorruptError, apsw.IOError):
        return _check_around_gaps(connection, segment)


def _check_around_gaps(connection: apsw.Connection, segment: Segment) -> CheckedSegment:
    """Check a segment of which a part cannot be read.

    The first event after a gap cannot be proved, as the digest before it is not known; those after it can.
    """
    events, breaks, gaps = 0, list[int](), list[Gap]()
    place, previous = segment.after, _find_digest(connection, segment.after)
    while place < segment.until:
        try:
            for event in read_raw(connection, place, segment.until):
                if previous is not None and digest_of(previous, event) != event.digest:
                    breaks.append(event.event_id)
                place, previous, events = max(place, event.event_id), event.digest, events + 1
            break
        except (apsw.CorruptError, apsw.IOError) as fault:
            candidates = range(place + 1, segment.until + 1)
            last = next((number for number in candidates if is_readable(connection, number)), segment.until + 1) - 1
            last = max(last, place + 1)
            gaps.append(Gap(place + 1, last, str(fault)))
            place, previous = last, None
    return CheckedSegment(segment.until, events, tuple(breaks[:MAX_BREAKS]), tuple(gaps))


def _find_digest(connection: apsw.Connection, event_id: int) -> bytes | None:
    """The stored digest of the last event up to `event_id`, None when it cannot be read."""
    try:
        return find_end_before(connection, event_id + 1)[1]
    except (apsw.CorruptError, apsw.IOError):
        return None


def _find_gap_beyond(connection: apsw.Connection, head: int) -> list[Gap]:
    """The end of the log, if what follows event `head` cannot be read."""
    try:
        find_next(connection, head)
    except (apsw.CorruptError, apsw.IOError) as fault:
        return [Gap(head + 1, None, str(fault))]
    return []


def say_gaps(gaps: Iterable[Gap]) -> list[Finding]:
    """A finding for each stretch of the log that cannot be read; stretches that meet are one."""
    joined = list[Gap]()
    for gap in gaps:
        if joined and joined[-1].last == gap.first - 1:
            joined[-1] = Gap(joined[-1].first, gap.last, joined[-1].fault)
        else:
            joined.append(gap)
    return [Finding("file", "unreadable", gap.first, _say_gap(gap)) for gap in joined]


def _say_gap(gap: Gap) -> str:
    if gap.last is None:
        what = f"what follows event {gap.first - 1}"
    elif gap.first == gap.last:
        what = f"event {gap.first}"
    else:
        what = f"events {gap.first} to {gap.last}"
    return f"the file is damaged: {what} cannot be read ({gap.fault})"


def _check_all(storage: OpenedStorage, segments: Sequence[Segment], processes: int) -> Iterator[CheckedSegment]:
    """Check all segments, in log order."""
    if processes <= 1:
        for segment in segments:
            yield check_segment(storage.connection, segment)
        return
    # Loaded here, since every hub starts and few logs are so long.
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    storage.let_go()  # no connection is open while processes are made from this one
    with ProcessPoolExecutor(processes, get_context(_start_method()), _leave_interrupts_to_the_parent) as pool:
        yield from pool.map(_check_apart, segments)


def count_cores() -> int:
    """The cores that this process may use; a limit on their time, as containers have, is not seen."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start_method() -> str:
    """How processes are made: as copies of this one where that is safe, which is quick, else from the beginning."""
    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"


def _check_apart(segment: Segment) -> CheckedSegment:
    """Check one segment in another process."""
    with closing(open_existing(Path(segment.path))) as connection:
        return check_segment(connection, segment)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
