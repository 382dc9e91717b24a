"""Verification of the chain: is the log what was written, event by event?

A log of any size is cut into segments. A segment begins at the stored digest of the event before it, so segments can be
checked at the same time by several processes; together they say exactly what one walk from the beginning would say.
What the breaks mean is found out afterwards, by `arclog.proof.diagnosis`.

A chain can tell everything but two things: that its last events were cut off, unless something else remembers that they
were there, as the checkpoints of the projections do; and that somebody rewrote the log from some event to its end.
Whoever has an export, a backup, or just an old digest can tell that too.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from struct import error
from typing import Final

import apsw
from msgspec import Struct

from arclog.digest import RawRow, StoredRow, find_breaks
from arclog.progress import Progress, no_progress
from arclog.proof.cores import count_cores
from arclog.proof.diagnosis import MAX_BREAKS, diagnose
from arclog.proof.findings import Finding
from arclog.sqlite.connection import storage_errors
from arclog.sqlite.log import read_head, read_raw, read_raw_rows, read_rows
from arclog.sqlite.lookup import find_end_before, find_next
from arclog.sqlite.schema import open_existing

SEGMENT: Final = 20_000
"""Events that are checked in one go: so long the WAL of a running hub cannot begin anew."""
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


class Checked(Struct, frozen=True):
    """What was found in a segment.

    Attributes:
        until: its last event.
        events: how many events it has.
        breaks: the events that do not follow from what is stored before them, the first `MAX_BREAKS` of them.
        unreadable: what keeps it from being read, if anything does.
    """

    until: int
    events: int
    breaks: tuple[int, ...]
    unreadable: Finding | None = None


def verify_chain(path: Path, progress: Progress = no_progress, processes: int | None = None) -> ChainReport:
    """Check every event of the storage at `path` against the digest before it.

    Works beside a hub that runs; what it appends meanwhile is not looked at.

    Args:
        path: the storage.
        progress: told how far the check has come.
        processes: how many processes share the work; one for each core of the machine, or one alone for a log that
            is soon done, unless given.

    Raises:
        StorageError: there is no such storage, or it cannot be read at all.
    """
    events, breaks, findings = 0, list[int](), list[Finding]()
    with closing(open_existing(path)) as connection, storage_errors(path):
        head = read_head(connection)
        segments = list(segments_of(connection, path, head.event_id, SEGMENT))
    # No connection is open while processes are made from this one.
    with storage_errors(path):
        for checked in _check_all(path, segments, processes):
            events += checked.events
            breaks += checked.breaks
            if checked.unreadable is not None:
                findings.append(checked.unreadable)
            progress(checked.until, head.event_id)
    if breaks:
        with closing(open_existing(path)) as connection, storage_errors(path):
            findings += diagnose(connection, breaks)
    return ChainReport(events, head.event_id, head.digest.hex(), tuple(findings))


def segments_of(connection: apsw.Connection, path: Path, head: int, size: int, after: int = 0) -> Iterator[Segment]:
    """The log after event `after` up to event `head`, cut into segments of at most `size` events, without the gaps."""
    while after < head:
        until = min(after + size, head)
        yield Segment(str(path), after, until)
        following = find_next(connection, until)
        after = until if following is None else max(until, following - 1)


def check_segment(connection: apsw.Connection, segment: Segment) -> Checked:
    """Check one segment over an open connection."""
    after, until = segment.after, segment.until
    try:
        _, previous = find_end_before(connection, after + 1)
        try:
            events, breaks = _walk(previous, read_rows(connection, after, until))
        except (UnicodeDecodeError, TypeError, error):  # a text is no text any more, or a number no number
            events, breaks = _walk(previous, read_raw_rows(connection, after, until))
        return Checked(until, events, tuple(breaks[:MAX_BREAKS]))
    except (apsw.CorruptError, apsw.IOError) as fault:
        return Checked(until, 0, (), _say_unreadable(connection, segment, fault))


def _walk(previous: bytes, pieces: Iterable[list[StoredRow]] | Iterable[list[RawRow]]) -> tuple[int, list[int]]:
    """How many events there are, and which of them break the chain."""
    events, breaks = 0, list[int]()
    for rows in pieces:
        events += len(rows)
        breaks += find_breaks(previous, rows)
        previous = rows[-1][-1]
    return events, breaks


def _say_unreadable(connection: apsw.Connection, segment: Segment, fault: apsw.Error) -> Finding:
    reached = segment.after
    with contextlib.suppress(apsw.Error):
        for row in read_raw(connection, segment.after, segment.until):
            reached = row[0]
    text = f"the file is damaged: what follows event {reached}, up to event {segment.until}, cannot be read ({fault})"
    return Finding("file", "unreadable", reached + 1, text)


def _check_all(path: Path, segments: Sequence[Segment], processes: int | None) -> Iterator[Checked]:
    """Check all segments, in log order."""
    if processes is None:
        processes = count_cores() if len(segments) * SEGMENT >= PARALLEL_FROM else 1
    if processes <= 1:
        with closing(open_existing(path)) as connection:
            for segment in segments:
                yield check_segment(connection, segment)
        return
    with ProcessPoolExecutor(processes, get_context(_start_method()), _leave_interrupts_to_the_parent) as pool:
        yield from pool.map(_check_apart, segments)


def _start_method() -> str:
    """How processes are made: as copies of this one where that is safe, which is quick, else from the beginning."""
    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"


def _check_apart(segment: Segment) -> Checked:
    """Check one segment in another process."""
    with closing(open_existing(Path(segment.path))) as connection:
        return check_segment(connection, segment)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
