"""The writing side of a storage: its one writing connection, what hangs on it, and how it comes back after a fault.

Undoing a transaction is enough when a rule or the hub itself failed, when the disk was full or another hub held the
lock. It is not when the disk failed: the kernel may have dropped the pages that it could not write, and a second flush
would find nothing left to complain of. So the connection is closed without another word, and a new one recovers from
the file, before anything else is answered. Where that fails too, the next transaction tries it again.
"""

import contextlib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from arclog.clock import LogClock
from arclog.codec import Fact
from arclog.engine import Engine, Moved, RemoteEngine
from arclog.errors import FarFromHead, LogAway, StorageError, StorageGone
from arclog.events import HubStarted
from arclog.progress import Progress
from arclog.sqlite.connection import close_after_fault, is_disk_fault, leave_wal, storage_errors
from arclog.sqlite.copies import find_log_name, flush_rarely, follow_log, refuse_alone
from arclog.sqlite.engine import FileEngine
from arclog.sqlite.in_place import COUNTS_SEC, OpenFiles
from arclog.sqlite.log import Log
from arclog.sqlite.reads import list_types_after
from arclog.sqlite.rescue import rescue
from arclog.sqlite.schema import open_storage
from arclog.sqlite.snapshot import Snapshot
from arclog.sqlite.wal import Checkpointer
from projections.checkpoints import note
from projections.hub.first_start import prepare, prepare_copy
from projections.hub.following import follow, take_in
from projections.hub.tuning import Tuning
from projections.live_writer import LiveWriter
from projections.rebuilding.rebuild import find_stale

NOTED_EVERY: Final = 64
"""After how many events it is noted how far the log has come."""


class WritingSide:
    """The connection of one hub that writes, and what is opened with it; used by one thread at a time.

    Args:
        path: the storage's file.
        clock: the log's clock, where the log is the storage's file itself.
        remote: what keeps the log, where that is something else.
        tuning: how long it waits, and how much it remembers.

    Attributes:
        engine: what keeps the log.
        remote: the same, where it is not the storage's file.
        log: where events are appended.
        writer: where the rows of the tables go.
        connection: what both write through.
        snapshot: runs queries on it.
        is_lost: whether the connection was closed after a fault of the disk, and could not be opened again yet.

    Raises:
        StorageError: the storage cannot be opened.
    """

    def __init__(
        self, path: Path, clock: LogClock, remote: RemoteEngine | None = None, tuning: Tuning | None = None
    ) -> None:
        self._tuning = tuning or Tuning()
        self.is_lost = False
        self.gone: StorageGone | None = None
        """Why nothing is written any more: a file of the storage was taken away."""
        self.away: LogAway | None = None
        """Why the log was not found when the hub started, on a copy of it."""
        self._files: OpenFiles | None = None
        self._types: frozenset[str] | None = None
        """What `begin` found of the transaction that is open."""
        self._noted = 0
        """How far the log had come when that was last noted."""
        self._path = path
        self._errors = storage_errors(path)
        self._checkpointer = Checkpointer(path, self.is_in_place, self._tuning.wal)
        self.connection = open_storage(path, busy_sec=self._tuning.busy_sec)
        self._file = FileEngine(path, clock, self.connection, self._tuning.busy_sec)
        self.remote = remote
        self.engine: Engine = remote or self._file
        with self._errors:
            if remote is None:
                self._refuse_copy()
            self._attach()

    def start(self, progress: Progress) -> tuple[str, ...]:
        """Bring the storage up to date with the log, and its tables with it; empty the WAL from now on.

        Returns:
            The names of the projections that were rebuilt.

        Raises:
            StorageError: the storage cannot be written, or the log not be read.
        """
        if self.remote is None or self._find_log(self.remote):
            rebuilt = prepare(self.log, progress)
        else:
            rebuilt = prepare_copy(self.log, progress)
        self._checkpointer.start()
        return rebuilt

    def _find_log(self, remote: RemoteEngine) -> bool:
        """Whether the log elsewhere is there; if not, the storage must be a copy of it that can be served meanwhile."""
        try:
            name = remote.identify()
        except LogAway as error:
            known, head = find_log_name(self.connection), self.log.head()
            if known is None or head.event_id == 0:
                raise StorageError(
                    f"the log at {remote.state.where} cannot be reached, and {self._path} is not a copy of it that "
                    f"could be served meanwhile: {error.why}"
                ) from None
            remote.expect(known, max(0, self.engine.clock.now() - head.recorded_at))
            self.away = error
            return False
        follow_log(self.connection, self._path, name, remote.state.where)
        return True

    def close(self) -> None:
        """Close the connection, and let go of the log."""
        self._checkpointer.stop()
        self.engine.close()
        self.connection.close()

    def errors(self) -> AbstractContextManager[None]:
        """Turn what goes wrong with the storage meanwhile into `StorageError`s."""
        return self._errors

    def begin(self, wait: bool) -> frozenset[str] | None:
        """Start a transaction at the log's head, unless that was done already.

        Args:
            wait: whether to wait when another hub holds the log's lock.

        Returns:
            The types of what other hubs may have appended since the last transaction, as `list_types_after` has them;
            None when they cannot have appended anything.

        Raises:
            StorageError: it cannot be; nothing is held.
        """
        if self.gone is not None:
            raise self.gone.again()
        if self.is_lost:
            self._reopen()
        try:
            if self.connection.in_transaction:
                return self._types
            self._types = None
            try:
                moved = self.log.begin(wait)
            except FarFromHead:
                follow(self.log, self.writer)
                moved = self.log.begin(wait)
            if moved is None:
                return None
            with self._errors:
                self._catch_up(moved)
                self._types = list_types_after(self.connection, self.log.kept_to)
                if HubStarted.type in self._types:
                    self._refuse_other_tables()
                return self._types
        except StorageGone as error:
            raise self._save(error) from None
        except StorageError as error:
            self.undo(error)
            raise

    def follow(self) -> list[Fact] | None:
        """Bring the storage to the head of a log elsewhere, without the log's lock.

        Returns:
            What came; None when that was much.

        Raises:
            StorageError: the log cannot be read, or the storage not be written; nothing is held.
        """
        if self.gone is not None:
            raise self.gone.again()
        if self.is_lost:
            self._reopen()
        try:
            with self.errors():
                return follow(self.log, self.writer, wait=False)
        except StorageGone as error:
            raise self._save(error) from None
        except StorageError as error:
            self.undo(error)
            raise

    def was_kept(self) -> bool:
        """After `OutcomeUnknown`, whether the log kept the transaction.

        Raises:
            StorageError: it cannot be told now.
        """
        assert self.remote is not None
        return self.remote.has_kept(self.log.first_staged)

    @property
    def copies_much(self) -> bool:
        """Whether much of the WAL is copied into the database after the next commit."""
        return self._checkpointer.is_due

    def commit(self) -> None:
        """Have the log keep the transaction, on disk.

        Raises:
            OutcomeUnknown: nobody can say whether it is kept; the transaction goes on.
            StorageError: it is not kept; `undo` must follow.
        """
        copies = self._checkpointer.is_due
        try:
            self.log.commit()
        except StorageGone as error:
            self._keep_elsewhere(error)
        if copies and self.gone is None:
            self._finish_copy()

    def hasten(self) -> None:
        """Before `commit`, on any thread: begin with what takes no waiting."""
        self.log.hasten()

    def end_batch(self, head: int, *, ends: bool) -> None:
        """A batch is written, up to `head`, and the hub `ends` with it: now and then, note how far the log has come."""
        self.writer.end_batch()
        if ends or head >= self._noted + NOTED_EVERY:
            note(self.connection, head)
            self._noted = head

    def keep(self) -> None:
        """Commit to the storage what the log turned out to have kept.

        Raises:
            StorageError: the storage cannot take it; `undo` must follow.
        """
        try:
            self.log.keep()
        except StorageGone as error:
            self._keep_elsewhere(error)

    def undo(self, error: Exception) -> None:
        """Leave nothing of a transaction that came to nothing; after a fault of the disk, on a new connection.

        Args:
            error: why it did.
        """
        self._noted = 0
        if self.is_lost or self.gone is not None:
            return
        failed = is_disk_fault(error)
        try:
            with self.errors():
                self.log.rollback()
        except StorageError:
            failed = True
        if failed and not self._is_taken_away():
            self.is_lost = True
            close_after_fault(self.connection)
            with contextlib.suppress(StorageError):
                self._reopen()

    def is_in_place(self) -> bool:
        """Whether the storage's files are where they were; if not, the next transaction saves what it can."""
        try:
            return self.log.files.look()
        except StorageError:
            return False

    def _catch_up(self, moved: Moved) -> None:
        """Bring the tables to the log's head, and forget what was known of them."""
        self.writer.memory.clear()
        take_in(self.log, self.writer, moved.missing)

    def _refuse_other_tables(self) -> None:
        """Write nothing into tables that a hub of another version, which has started meanwhile, made its own way."""
        if find_stale(self.connection):
            raise StorageError(
                f"a hub of another version of Arc has made the tables of {self._path} its own way: end this hub, and "
                "start it with that version"
            )

    def _refuse_copy(self) -> None:
        try:
            refuse_alone(self.connection, self._path)
        except StorageError:
            self.connection.close()
            raise

    def _attach(self) -> None:
        self.snapshot = Snapshot(self.connection)
        if self.remote is not None:
            flush_rarely(self.connection)
        self.writer = LiveWriter(self.connection, self._tuning.remembered_rows)
        self._files = self._files or OpenFiles(self.connection, self._path, COUNTS_SEC)
        self._checkpointer.watch(self.connection, self._files.remember)
        self.log = Log(self.connection, self._path, self.engine, self._files)

    def _is_taken_away(self) -> bool:
        """Whether that is why the disk fails; what is in the connection's memory is then saved, and not closed."""
        try:
            with self.errors():
                self.log.files.check()
        except StorageGone as error:
            self._save(error)
        except StorageError:
            pass  # it cannot be told now, and is looked at again before it is opened
        return self.gone is not None

    def _keep_elsewhere(self, error: StorageGone) -> None:
        """After a commit to files that are gone: good if what was committed lies under the storage's path all the same.

        So it is, too, where the log is not in the storage's file.
        """
        gone = self._save(error)
        if not gone.kept and not self.engine.is_remote:
            raise gone from None

    def _save(self, error: StorageGone) -> StorageGone:
        """Save what is not on disk any more, and write nothing after that."""
        if self.gone is None:
            self._checkpointer.stop()
            with contextlib.suppress(StorageError), self.errors():
                self.log.rollback()
            self.gone = rescue(self.log, error)
            # The connection that is closed last empties the WAL into it and deletes that: another hub's, by now.
            leave_wal(self.connection)
        return self.gone.again()

    def _reopen(self) -> None:
        """Recover from the files, which must be those that were open."""
        try:
            self.log.files.look()
        except StorageGone as error:
            self.gone = StorageGone(f"{error} while the storage {self._path} was in use, and the disk failed")
            raise self.gone.again() from None
        with self.errors():
            self.connection = open_storage(self._path, busy_sec=self._tuning.busy_sec)
            self._file.attach(self.connection)
            self._attach()
        self.is_lost = False

    def _finish_copy(self) -> None:
        with contextlib.suppress(StorageError), self.errors():
            self._checkpointer.finish_copy(self.connection)
