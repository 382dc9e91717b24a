"""A hub's own copy of the log, in the same file as its tables, and the way of a batch into both.

A `Log` is used by one thread. Its writer works in transactions that also hold what the projections write, so an event
and everything that follows from it are on disk together or not at all:

    log.begin()                 takes the log's lock, and learns what other hubs appended
    log.append(event, ...)      any number of times
    log.commit()                the engine keeps the batch, then the file does; one flush where they are the same

An event id is the place in the log. Ids grow by one with each append; an imported log may leave gaps. What keeps the
log is the engine's business (`arclog.engine`); everything is read from the file.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

import apsw
from msgspec.structs import replace

from arclog.codec import (
    Metadata,
    RecordedEvent,
    StoredEvent,
    decode_data,
    decode_metadata,
    encode_data,
    encode_metadata,
)
from arclog.digest import chain, digest_of
from arclog.engine import Engine, Head, Moved
from arclog.erasure import add_salt, find_salt, has_text, hash_request, is_erased
from arclog.errors import InvalidInput, StorageError
from arclog.events import Event, PayloadErased
from arclog.events.channels import ANONYMOUS
from arclog.keys import KeptKey, hash_key, key_owner
from arclog.notices import TAKING_SEVERAL, count_ids
from arclog.sqlite.connection import storage_errors
from arclog.sqlite.erasing import allow_erased, take_out
from arclog.sqlite.in_place import OpenFiles, second_name
from arclog.sqlite.reads import read_head
from arclog.sqlite.salts import make_salts
from arclog.sqlite.schema import EVENTS

P = ParamSpec("P")
R = TypeVar("R")

FETCHED_AT_A_TIME: Final = 2_000
"""Events that are read from a remote log at a time."""

_APPEND = EVENTS["append"]


class Log:
    """The events of one storage, over one connection.

    Args:
        connection: the connection, used by nobody else while this log is.
        path: the storage's file.
        engine: what keeps the log.
        files: the storage's files, when it was open already, over a connection that had to be closed.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        path: Path,
        engine: Engine,
        files: OpenFiles | None = None,
    ) -> None:
        self.connection = connection
        self.path = path
        self.engine = engine
        # A cursor that is kept costs less than a new one for each event.
        self._append_row = connection.cursor().execute
        self.files = files or OpenFiles(connection, path)
        self.files.attach(connection)
        self._salts = make_salts()
        self._moved: Moved | None = None
        self._version: int | None = None
        """SQLite's count of what others committed to the file, where the log is elsewhere and the file this hub's."""
        self._staged: list[StoredEvent] = []
        """What the engine is to keep; nothing where the engine is the file, which has it in its transaction."""
        self._kept = read_head(connection)
        """The end of what the file is known to have."""
        self.head_id = self._kept.event_id
        """The last event of the transaction; between two of them, that of the last."""
        self._recorded_at, self._digest = self._kept.recorded_at, self._kept.digest

    # Writing --------------------------------------------------------------------------------------------------------

    def begin(self, wait: bool = True) -> Moved | None:
        """Start a transaction at the log's head, under its lock, unless that was done already.

        Events that the file lacks are in it afterwards; the rows that follow from them are the caller's business.

        Args:
            wait: whether to wait when another hub holds the lock.

        Returns:
            What has changed since this hub's last transaction; None when nothing has.

        Raises:
            StorageGone: a file of the storage is no longer the one that is open.
            StorageBusy: another hub held the lock, for too long if `wait`.
            StorageError: the lock cannot be had, or the file not be written; `rollback` must follow.
        """
        if self.connection.in_transaction:
            return self._moved
        self._moved = moved = self._hold(wait)
        if moved is not None:
            with storage_errors(self.path):
                self._catch_up(moved)
        return moved

    def _hold(self, wait: bool) -> Moved | None:
        """Take the log's lock, and look at the files under it: what another hub saved of them must not be outdated."""
        while True:
            moved = self.engine.hold(self._kept.event_id, self._kept.digest, wait=wait)
            if self.engine.is_remote:
                self._begin_here()
            if moved is None and self.files.were_seen:
                return None
            as_they_were = self.files.look()
            if self.files.names > 1:
                raise second_name(self.path, self.files.names)
            if as_they_were:
                return moved
            self.rollback()
            with storage_errors(self.path):
                self.files.check()

    def fetch(self, write_rows: Callable[[Sequence[StoredEvent]], object] = len, *, wait: bool = True) -> None:
        """Take into the file what it lacks of the log, page by page and without the lock, until there is no more.

        Args:
            write_rows: writes the rows that follow from a page, in the same transaction.
            wait: whether to wait for what is not in the log for good yet.

        Raises:
            StorageError: the log cannot be read, or the file not be written; `rollback` must follow.
        """
        while self.engine.is_remote and (page := self.engine.read(self._kept.event_id, FETCHED_AT_A_TIME, wait=wait)):
            self._begin_here()
            with storage_errors(self.path):
                for event in page:
                    self.append_stored(event)
                write_rows(page)
                self.keep()
            if len(page) < FETCHED_AT_A_TIME:
                break

    def change_tables(self, change: Callable[[apsw.Connection], R]) -> R:
        """Change what follows from the log, in a transaction of the file alone.

        Raises:
            StorageError: the file cannot be written; `rollback` must follow.
        """
        with storage_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            changed = change(self.connection)
            self.connection.execute("COMMIT")
        return changed

    def _begin_here(self) -> None:
        """Begin a transaction of the file, which nobody but this hub may have written to.

        Raises:
            StorageError: somebody has.
        """
        with storage_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            version = self.connection.data_version()
            # The count also grows when the WAL is emptied, so it only says when to look.
            is_ours = version == self._version or read_head(self.connection) == self._kept
        if not is_ours:
            raise StorageError(f"another hub uses {self.path} too: give each hub a copy of the log of its own")
        self._version = version

    @property
    def kept_to(self) -> int:
        """The last event that this hub kept, or has seen at the end of a transaction before."""
        return self._kept.event_id

    def _catch_up(self, moved: Moved) -> None:
        for event in moved.missing:
            self.append_stored(event)
        self._staged.clear()
        self._set_head(moved.head)

    def now(self) -> int:
        """The time of the next event: the log's clock, but never before the last event."""
        return max(self.engine.clock.now(), self._recorded_at)

    def append(self, event: Event, recorded_at: int, metadata: Metadata) -> RecordedEvent:
        """Add one event inside the transaction that `begin` started.

        Args:
            event: what happened.
            recorded_at: when, from `now()`.
            metadata: how it came to be; its idempotency key, if any, is kept for its sender.

        Returns:
            The event in its place.
        """
        count = count_ids(event) if type(event) in TAKING_SEVERAL else 1
        return self.append_at(self.head_id + count, event, recorded_at, metadata)

    def append_at(self, event_id: int, event: Event, recorded_at: int, metadata: Metadata) -> RecordedEvent:
        """Add one event under an id of the caller's; this is how logs are imported.

        Raises:
            InvalidInput: the id is not greater than the head's.
        """
        if event_id <= self.head_id:
            raise InvalidInput("event_id", f"must be greater than {self.head_id}, the last one, not {event_id}")
        stream, actor, event_type = event.stream(event_id), event.actor, event.type
        data = encode_data(event)
        owner = None if metadata.key is None else key_owner(event_type, actor, metadata)
        if has_text(event):  # what it says, and what its caller asked, is not to be guessed once it is erased
            salt = next(self._salts)
            data = add_salt(data, salt)
            if metadata.request is not None and owner is not None and not owner.startswith(ANONYMOUS):
                metadata = replace(metadata, request=hash_request(metadata.request, salt))
        meta = encode_metadata(metadata)
        digest = chain(self._digest, event_id, recorded_at, event_type, stream, actor, data, meta)
        self._append_row(_APPEND, (event_id, recorded_at, event_type, stream, actor, data, meta, digest))
        if self.engine.is_remote:
            self._staged.append(StoredEvent(event_id, recorded_at, event_type, stream, actor, data, meta, digest))
        if owner is not None:
            self._keep_key(event_id, owner, metadata)
        self.head_id, self._recorded_at, self._digest = event_id, recorded_at, digest
        if type(event) is PayloadErased:
            take_out(self.connection, event.events)
        return RecordedEvent(event_id, recorded_at, event, stream, actor, metadata)

    def append_stored(self, event: StoredEvent) -> None:
        """Add an event of another log, byte for byte, inside the transaction that `begin` started.

        Raises:
            InvalidInput: it does not follow what is in this log.
        """
        if event.event_id <= self.head_id or digest_of(self._digest, event) != event.digest:
            problem = f"does not follow event {self.head_id}, the last one of this storage"
            raise InvalidInput(f"event {event.event_id}", problem)
        row = (event.event_id, event.recorded_at, event.type, event.stream, event.actor)
        self._append_row(_APPEND, (*row, event.data, event.metadata, event.digest))
        if self.engine.is_remote:
            self._staged.append(event)
        metadata = decode_metadata(event.metadata)
        owner = None if metadata.key is None else key_owner(event.type, event.actor, metadata)
        if owner is not None:
            self._keep_key(event.event_id, owner, metadata)
        self.head_id, self._recorded_at, self._digest = event.event_id, event.recorded_at, event.digest
        if is_erased(event.data):
            allow_erased(self.connection)
        if event.type == PayloadErased.type:
            data = decode_data(event.type, event.data)
            assert isinstance(data, PayloadErased)
            take_out(self.connection, data.events)

    def _keep_key(self, event_id: int, owner: str, metadata: Metadata) -> None:
        if metadata.key is not None:
            self.connection.execute(EVENTS["keep_key"], (hash_key(owner, metadata.key), event_id))

    def commit(self) -> None:
        """Have the engine keep the transaction, and then the file.

        Raises:
            OutcomeUnknown: the engine did not say whether it did; the transaction goes on, until that is found out.
            StorageError: it is not kept; `rollback` must follow. Or the engine has it, and the file could not take it:
                then the next `begin` brings it, and a retry finds it by its key.
        """
        self.engine.append(self._staged)
        self.keep()

    def hasten(self) -> None:
        """Before `commit`: have the engine begin with what takes no waiting."""
        self.engine.hasten(self._staged)

    @property
    def first_staged(self) -> StoredEvent:
        """After `OutcomeUnknown`, the event that the engine is asked for: where it is, the whole batch is."""
        return self._staged[0]

    def keep(self) -> None:
        """Commit to the file what the engine has.

        Raises:
            StorageGone: it was committed, but to a file that is no longer under the storage's path.
            StorageError: it is not in the file.
        """
        if self.engine.is_remote:
            with storage_errors(self.path):
                self.connection.execute("COMMIT")
        self._staged.clear()
        self._kept = Head(self.head_id, self._recorded_at, self._digest)
        if not self.files.were_seen:
            self.files.check()

    def rollback(self) -> None:
        """Undo the transaction, if there is one, and free the lock."""
        self.engine.release()
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
        self._staged.clear()
        self._set_head(self._kept)

    def find_key(self, owner: str, key: str) -> KeptKey | None:
        """What an idempotency key led to; whose it is, `arclog.keys` says."""
        row = self.connection.execute(EVENTS["find_key"], (hash_key(owner, key),)).fetchone()
        if row is None:
            return None
        event_id, metadata, data = row
        return KeptKey(event_id, decode_metadata(metadata).request or b"", find_salt(data), is_erased(data))

    def _set_head(self, head: Head) -> None:
        self.head_id, self._recorded_at, self._digest = head.event_id, head.recorded_at, head.digest

    # Reading --------------------------------------------------------------------------------------------------------

    def read(self, query: Callable[Concatenate[apsw.Connection, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a query against what the file holds, staged or committed."""
        return query(self.connection, *args, **kwargs)

    def head(self) -> Head:
        """The end of the log as this connection sees it: in a transaction with what it appended, else as committed."""
        if self.connection.in_transaction:
            return Head(self.head_id, self._recorded_at, self._digest)
        return read_head(self.connection)
