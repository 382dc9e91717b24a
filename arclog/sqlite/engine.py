"""The engine that is the storage's file itself: SQLite's write lock is the log's, and COMMIT keeps a batch.

Hubs on one machine share the file, and with it the tables: a hub that appends events also writes the rows that follow
from them. So a hub never lacks an event here, and only has to learn that something has changed, from a counter that
SQLite keeps. What is appended has been written to the file in the same transaction already; `append` flushes it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import apsw

from arclog.clock import LogClock
from arclog.codec import StoredEvent
from arclog.digest import GENESIS
from arclog.engine import Head, Moved
from arclog.errors import LogReplaced
from arclog.limits import BUSY_SEC
from arclog.sqlite.changes import Changes
from arclog.sqlite.connection import storage_error, storage_errors, wait_when_busy
from arclog.sqlite.log import Log
from arclog.sqlite.reads import NO_END
from arclog.sqlite.schema import EVENTS

_KEEP_CLOCK_AFTER: Final = 1000
"""The stored offset of the clock follows when it is off by this many microseconds."""


class FileEngine:
    """The log in one storage's file, for one hub.

    Args:
        path: the storage's file.
        clock: the log's clock, as the machine has it.
        connection: the hub's writing connection, whose transactions hold the lock.
        busy_sec: how long to wait for another hub that holds it.
    """

    is_remote = False

    def __init__(self, path: Path, clock: LogClock, connection: apsw.Connection, busy_sec: float = BUSY_SEC) -> None:
        self.clock = clock
        self._busy_sec = busy_sec
        self._kept_offset: int | None = None
        self._changes = Changes(path)
        self._path = path
        self._errors = storage_errors(path)
        self.attach(connection)

    def attach(self, connection: apsw.Connection) -> None:
        """Go on through another connection, after the one before was closed for a fault of the disk."""
        self._connection = connection
        self._waits = True
        self._version = -1

    def hold(self, after: int, digest: bytes, *, wait: bool) -> Moved | None:
        connection = self._connection
        try:  # for once without `storage_errors`, here and in `append`: every batch passes
            if wait != self._waits:
                wait_when_busy(connection, self._busy_sec if wait else None)
                self._waits = wait
            connection.execute("BEGIN IMMEDIATE")
            if connection.data_version() == self._version:
                return None
            try:
                head = self._find_head(after, digest)
                self._load_clock(head.recorded_at)
            except BaseException:
                self.release()
                raise
        except apsw.Error as error:
            raise storage_error(self._path, error) from error
        return Moved(head)

    def append(self, events: Sequence[StoredEvent]) -> None:
        connection, clock = self._connection, self.clock
        try:
            if clock.ease() and self._offset_moved():
                self._keep_clock()
            connection.execute("COMMIT")
            # The counter also counts our own commits: what it says at the next transaction beyond this is others'.
            self._version = connection.data_version()
        except apsw.Error as error:
            raise storage_error(self._path, error) from error

    def hasten(self, events: Sequence[StoredEvent]) -> None:
        pass  # it takes waiting

    def release(self) -> None:
        self._version = -1
        with self._errors:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def read(self, after: int, limit: int, *, wait: bool = True) -> Sequence[StoredEvent]:
        with self._errors:
            rows = self._connection.execute(EVENTS["read"], {"after": after, "until": NO_END, "limit": limit})
            return [StoredEvent(*row) for row in rows]

    async def changed(self) -> None:
        await self._changes.next()

    def close(self) -> None:
        self._changes.close()

    def _find_head(self, after: int, digest: bytes) -> Head:
        """The end of the log, which must still have the event that this hub knows."""
        head, known = Head(), GENESIS if after == 0 else b""
        for row in self._connection.execute(EVENTS["find_head_and"], (after,)):
            head = Head(*row)
            if head.event_id == after:
                known = head.digest
        if known != digest:
            raise LogReplaced(after)
        return head

    def _load_clock(self, recorded_at: int) -> None:
        clock = self.clock
        offset = self._connection.execute(EVENTS["find_clock"], (clock.boot_id,)).get
        if offset is None:
            # The first hub of this boot: begin at the wall clock, or at the last event if that is later.
            clock.offset += max(0, recorded_at - clock.now())
            self._keep_clock()
        elif offset != self._kept_offset:
            # Only what another process stored is taken over: else hubs that write in turns would undo each other's
            # easing before it is enough to be stored.
            clock.offset = self._kept_offset = int(offset)

    def _offset_moved(self) -> bool:
        return self._kept_offset is None or abs(self.clock.offset - self._kept_offset) > _KEEP_CLOCK_AFTER

    def _keep_clock(self) -> None:
        self._connection.execute(EVENTS["set_clock"], (self.clock.boot_id, self.clock.offset))
        self._kept_offset = self.clock.offset


def file_log(connection: apsw.Connection, path: Path, clock: LogClock, busy_sec: float = BUSY_SEC) -> Log:
    """The log that is kept in the file of `connection` alone; it waits `busy_sec` for others that write."""
    return Log(connection, path, FileEngine(path, clock, connection, busy_sec))
