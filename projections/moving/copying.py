"""Copying: a log from where it is to somewhere else, event by event, byte for byte: files and engines, both ways.

A copy that was broken off goes on where it is: the target must be empty, or the beginning of the source, which the
digest of its last event proves. Every event is checked against the one before it on its way.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from msgspec import Struct

from arclog.clock import LogClock
from arclog.codec import StoredEvent
from arclog.digest import digest_of
from arclog.engine import Head, RemoteEngine
from arclog.errors import CutOff, InvalidInput, LockLost, OutcomeUnknown
from arclog.machine_time import MachineTime
from arclog.progress import Progress, no_progress
from arclog.sqlite.connection import storage_errors
from arclog.sqlite.copies import refuse_alone
from arclog.sqlite.engine import file_log
from arclog.sqlite.reads import read, read_head
from arclog.sqlite.schema import get_origin, open_existing, open_storage, set_setting
from projections.checkpoints import stop_at
from projections.rebuilding.rebuild import bring_up_to_date

PAGE: Final = 2_000
"""Events that are copied at a time."""

Read = Callable[[int, int], Sequence[StoredEvent]]
"""Events after one, at most so many."""


class Source(Struct, frozen=True):
    """A log to copy from.

    Attributes:
        read: gives its events.
        origin: the instance id of the storage in which it began.
        where: what to call it.
    """

    read: Read
    origin: str
    where: str


class Copied(Struct, frozen=True):
    """What a copy came to: how many events were copied now, and what the target ends with."""

    events: int
    head: int
    digest: str


def source_in_file(path: Path, stack: ExitStack) -> Source:
    """The log in a storage, which a hub may be using.

    Raises:
        StorageError: there is none, or it cannot be read.
    """
    connection = stack.enter_context(closing(open_existing(path)))
    with storage_errors(path):
        origin = get_origin(connection)

    def read_page(after: int, limit: int) -> Sequence[StoredEvent]:
        with storage_errors(path):
            return list(read(connection, after, limit))

    return Source(read_page, origin, str(path))


def source_at(engine: RemoteEngine) -> Source:
    """The log that an engine keeps."""
    return Source(engine.read, engine.identify().origin, engine.state.where)


def copy_to_file(source: Source, target: Path, progress: Progress = no_progress) -> Copied:
    """Copy a log into a storage, which is made if there is none, and make its tables.

    Raises:
        InvalidInput: the storage is not the beginning of the log.
        StorageError: the log cannot be read, or the storage not be written.
    """
    with closing(open_storage(target)) as connection, storage_errors(target):
        refuse_alone(connection, target)
        log = file_log(connection, target, LogClock(MachineTime()))
        began = read_head(connection)
        _check_beginning(source, began, str(target))
        count = 0
        try:
            if began.event_id == 0:
                log.begin()
                set_setting(connection, "origin", source.origin)
                log.commit()
            for page in _pages(source, began):
                log.begin()
                stop_at(connection, log.head().event_id)
                for event in page:
                    log.append_stored(event)
                log.commit()
                count += len(page)
                progress(page[-1].event_id, page[-1].event_id)
            log.begin()
            bring_up_to_date(connection, progress)
            log.commit()
        except BaseException:
            log.rollback()
            raise
        head = read_head(connection)
        return Copied(count, head.event_id, head.digest.hex())


def copy_to_engine(source: Source, engine: RemoteEngine, head: Head, progress: Progress = no_progress) -> Copied:
    """Copy a log into one that an engine keeps, and that nobody else writes to.

    Args:
        source: the log.
        engine: what keeps the other.
        head: where that ends now.
        progress: told how far the copy has come.

    Raises:
        InvalidInput: it is not the beginning of the log, or somebody writes to it.
        StorageError: one of them cannot be used.
    """
    where = engine.state.where
    _check_beginning(source, head, where)
    count = 0
    for page in _pages(source, head):
        _append(engine, head, page, where)
        last = page[-1]
        head = Head(last.event_id, last.recorded_at, last.digest)
        count += len(page)
        progress(head.event_id, head.event_id)
    return Copied(count, head.event_id, head.digest.hex())


def _append(engine: RemoteEngine, head: Head, page: Sequence[StoredEvent], where: str) -> None:
    moved = engine.hold(head.event_id, head.digest, wait=True)
    if moved is not None and moved.missing:
        engine.release()
        raise InvalidInput("target", f"{where} has events after {head.event_id} by now: stop the hubs that write to it")
    try:
        engine.append(page)
    except OutcomeUnknown:
        if not engine.has_kept(page[0]):
            raise LockLost from None


def _pages(source: Source, after: Head) -> Iterator[Sequence[StoredEvent]]:
    """The events of a log after one, in pages, each proved to follow the one before it."""
    reached, previous = after.event_id, after.digest
    while page := source.read(reached, PAGE):
        for event in page:
            if digest_of(previous, event) != event.digest:
                raise CutOff(event.event_id, reached)
            reached, previous = event.event_id, event.digest
        yield page


def _check_beginning(source: Source, head: Head, where: str) -> None:
    if head.event_id == 0:
        return
    found = source.read(head.event_id - 1, 1)
    if not found or (found[0].event_id, found[0].digest) != (head.event_id, head.digest):
        raise InvalidInput(
            "target", f"{where} ends with event {head.event_id}, which is not that of {source.where}: name an empty one"
        )
