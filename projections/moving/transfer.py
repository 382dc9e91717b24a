"""Transfer: a storage whose log was another's, event by event, with the tables that follow from it.

Ids, times and digests are kept: it is the same log, or the beginning of it. A new storage gets an instance id of its
own, since from here on it lives a life of its own.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final

import apsw
from msgspec import Struct

from arclog.clock import LogClock
from arclog.codec import StoredEvent
from arclog.digest import GENESIS, digest_of
from arclog.errors import CutOff, InvalidInput
from arclog.machine_time import MachineTime
from arclog.progress import Progress, no_progress
from arclog.proof.export import ExportReader
from arclog.sqlite.connection import storage_errors
from arclog.sqlite.copies import refuse_alone
from arclog.sqlite.engine import file_log
from arclog.sqlite.new_file import new_file
from arclog.sqlite.reads import find_end_before, find_readable_end, read, read_head
from arclog.sqlite.schema import get_instance_id, get_origin, open_existing, open_storage, set_setting
from projections.checkpoints import stop_at
from projections.rebuilding.rebuild import bring_up_to_date

CHUNK: Final = 10_000
"""Events between two reports of progress."""


class Transferred(Struct, frozen=True):
    """What a transfer brought.

    Attributes:
        instance_id: the storage's instance id.
        events: how many events were brought.
        head: the storage's last event.
        digest: its digest, in hexadecimal.
    """

    instance_id: str
    events: int
    head: int
    digest: str


def fork(source: Path, target: Path, last: int, progress: Progress = no_progress) -> Transferred:
    """Make a new storage with the events of another up to event `last`, to try things out.

    Args:
        source: the storage; a hub may be using it.
        target: the new storage; there must be no such file yet.
        last: the last event to take.
        progress: told how far the transfer has come.

    Raises:
        InvalidInput: there is something at `target`, or `last` is beyond the head.
        StorageDamaged: an event up to `last` is not what was recorded.
    """
    with closing(open_existing(source)) as connection, storage_errors(source):
        head = find_readable_end(connection)
        if last > head:
            raise InvalidInput("event", f"{last} is beyond event {head}, the last one there is")
        with new_file(target) as draft:
            return _append(draft, _events_of(connection, last), get_origin(connection), last, progress)


def restore(backup: Path, target: Path, progress: Progress = no_progress) -> Transferred:
    """Make a new storage from a backup: its log event by event, and everything else again from that.

    So what is served is what the chain proves, whatever became of the backup's tables. Where events were appended after
    the backup was made, their ids will be given again: by the new instance id clients learn that their cursors are of
    another life.

    Args:
        backup: the backup; it is only read.
        target: the storage to be; there must be no such file yet.
        progress: told how far it has come.

    Raises:
        InvalidInput: there is something at `target`.
        StorageDamaged: the backup's log is not what was written; nothing is left at `target`.
        StorageError: the backup cannot be read, or the storage cannot be written.
    """
    with closing(open_existing(backup)) as connection, storage_errors(backup):
        last = read_head(connection).event_id
    return fork(backup, target, last, progress)


def bring_in(export: BinaryIO, name: str, target: Path, progress: Progress = no_progress) -> Transferred:
    """Append what an export holds to a storage, which is made if there is none.

    Args:
        export: the export.
        name: what to call it.
        target: the storage; it must be new, or end with the event before the export's first.
        progress: told how far the transfer has come.

    Raises:
        InvalidInput: the export is not what was written, or does not continue the storage; nothing was changed.
        StorageError: the storage cannot be written.
    """
    reader = ExportReader(export, name)
    events, header = _checked(reader, name), reader.header
    if target.exists():
        _check_continued(reader, name, target)
        return _append(target, events, header.origin, header.last, progress)
    if header.after:
        raise InvalidInput(name, f"starts after event {header.after}: import the earlier part first")
    with new_file(target) as draft:
        return _append(draft, events, header.origin, header.last, progress)


def _append(target: Path, events: Iterator[StoredEvent], origin: str, last: int, progress: Progress) -> Transferred:
    """Append events and bring the tables up to date, all in one transaction."""
    with closing(open_storage(target)) as connection, storage_errors(target):
        refuse_alone(connection, target)
        log = file_log(connection, target, LogClock(MachineTime()))
        log.begin()
        try:
            if log.head().event_id == 0:
                set_setting(connection, "origin", origin)
            stop_at(connection, log.head().event_id)
            count = 0
            for count, event in enumerate(events, 1):
                log.append_stored(event)
                if not count % CHUNK:
                    progress(event.event_id, last)
            bring_up_to_date(connection, progress)
            log.commit()
        except BaseException:
            log.rollback()
            raise
        head = read_head(connection)
        return Transferred(get_instance_id(connection), count, head.event_id, head.digest.hex())


def _events_of(connection: apsw.Connection, last: int) -> Iterator[StoredEvent]:
    """The events of a log up to `last`, each as it was recorded."""
    reached, previous = 0, GENESIS
    while reached < last:
        for event in read(connection, reached, CHUNK, last):
            if digest_of(previous, event) != event.digest:
                raise CutOff(event.event_id, reached)
            yield event
            reached, previous = event.event_id, event.digest
        if reached == find_end_before(connection, last + 1)[0]:
            return


def _checked(reader: ExportReader, name: str) -> Iterator[StoredEvent]:
    """The events of an export, which ends in an error if anything at all is wrong with it."""
    for event in reader:
        if reader.findings:
            break
        yield event
    if reader.findings:
        raise InvalidInput(name, f"is not what was written: {reader.findings[0].text}")


def _check_continued(reader: ExportReader, name: str, target: Path) -> None:
    with closing(open_existing(target)) as connection, storage_errors(target):
        head = read_head(connection)
    header = reader.header
    if (header.after, header.previous) != (head.event_id, head.digest.hex()):
        what = f"continues event {header.after}" if header.after else "begins with a log's first event"
        raise InvalidInput(name, f"{what}, but {target} ends with event {head.event_id}, or is of another log")
