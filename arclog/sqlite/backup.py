"""Backups: a consistent copy of a storage while its hub runs.

The copy is made page by page through SQLite's backup interface, inside one read transaction: it holds the log and its
tables as they were at one commit, and the hub neither waits nor notices. A copy made with `cp` may tear a write in two,
and never has what is still in the WAL.

A backup is the same log, so it keeps its instance id: put in the place of its storage on another machine, it goes on
as if nothing had happened. But where events were appended after it was made, it would give their ids to other events;
so what is made from a backup (`projections.moving.transfer.restore`) gets a new instance id.
"""

from contextlib import closing
from pathlib import Path
from typing import Final

from msgspec import Struct

from arclog.errors import StorageDamaged
from arclog.progress import Progress, no_progress
from arclog.proof.verify import verify_chain
from arclog.sqlite.connection import open_connection, storage_errors
from arclog.sqlite.new_file import new_file
from arclog.sqlite.reads import read_head
from arclog.sqlite.schema import get_instance_id, open_existing

PAGES: Final = 2_000
"""Pages that are copied between two reports of progress: 8 MB."""


class Copy(Struct, frozen=True):
    """A copy of a storage.

    Attributes:
        instance_id: its instance id.
        head: its last event.
        digest: the digest of that event, in hexadecimal.
    """

    instance_id: str
    head: int
    digest: str


def back_up(source: Path, target: Path, progress: Progress = no_progress) -> Copy:
    """Copy the storage at `source` to a new file, and verify the chain of the copy.

    Args:
        source: the storage; a hub may be using it.
        target: the backup; there must be no such file yet.
        progress: told `(pages copied, pages there are)`.

    Raises:
        InvalidInput: there is something at `target`.
        StorageDamaged: the log is not what was written; nothing is left at `target`.
        StorageError: the storage cannot be read, or the backup cannot be written.
    """
    with new_file(target) as draft:
        _copy(source, draft, progress)
        return _inspect(draft, source)


def _copy(source: Path, draft: Path, progress: Progress) -> None:
    with (
        closing(open_existing(source)) as live,
        closing(open_connection(draft)) as copy,
        storage_errors(draft),
    ):
        live.execute("BEGIN")
        with storage_errors(source):
            read_head(live)  # from here on the transaction sees one state
        with copy.backup("main", live, "main") as pages:
            while not pages.done:
                pages.step(PAGES)
                progress(pages.page_count - pages.remaining, pages.page_count)
        live.execute("COMMIT")


def _inspect(draft: Path, source: Path) -> Copy:
    """Verify a copy and tell what it is; in rollback mode, so that it is one file."""
    report = verify_chain(draft)
    if report.findings:
        finding = report.findings[0].text
        raise StorageDamaged(f"the log of {source} is not what was written, so it was not copied: {finding}")
    with closing(open_connection(draft)) as connection, storage_errors(draft):
        connection.execute("PRAGMA journal_mode = DELETE")
        return Copy(get_instance_id(connection), report.head, report.digest)
