"""Table inspection: a hub compares its tables with its log, all of them once an hour, with a fiftieth of a core.

A row that somebody changed without the log is served like any other; only a replay of the log tells. This is one,
on a thread that rests forty-nine times as long as it has worked. The index of words is counted, and made again when in
doubt. What it finds is told once, and forgotten when the tables are repaired (`arc log repair`); then it looks again.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from arclog.errors import StorageError
from arclog.proof.findings import Finding
from arclog.sqlite.snapshot import reading_beside
from projections.hub.inspection import State
from projections.message_pages import count_messages
from projections.rebuilding.repair import find_last_repair
from projections.rebuilding.table_check import GivenUp, check_tables
from projections.search.filler import Filler
from projections.times import optional_timestamp

SHARE: Final = 0.02
"""Of one core."""
FIRST_SEC: Final = 60.0
"""After this the first check begins: anyone who starts a hub has something else in mind."""
EVERY_SEC: Final = 3_600.0
LOOK_SEC: Final = 5.0
"""How often it is looked whether what was found has been repaired."""
CACHE_KB: Final = 64


class TableInspection:
    """Checks the tables of one storage on a thread of its own.

    Args:
        path: the storage.
        now: the log's clock.
        found: told of each finding, on that thread.
        filler: keeps the index of words; None when there is none.
        share: how much of a core it takes.
        first_sec: when the first check begins.
        every_sec: how long after the beginning of one the next begins, at the earliest.
        look_sec: how often it is looked whether what was found has been repaired.
    """

    def __init__(
        self,
        path: Path,
        now: Callable[[], int],
        found: Callable[[Finding], None],
        filler: Filler | None,
        *,
        share: float = SHARE,
        first_sec: float = FIRST_SEC,
        every_sec: float = EVERY_SEC,
        look_sec: float = LOOK_SEC,
    ) -> None:
        self._look_sec = look_sec
        self.findings: tuple[Finding, ...] = ()
        self._path = path
        self._now = now
        self._found = found
        self._filler = filler
        self._share = share
        self._first_sec = first_sec
        self._every_sec = every_sec
        self._checked_at: int | None = None
        self._head = 0
        """The event up to which the tables were compared last."""
        self._worked_to = 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="arc-tables", daemon=True)

    @property
    def state(self) -> State:
        """What is known by now."""
        if self.findings:
            return "damaged"
        return "checking" if self._checked_at is None else "whole"

    @property
    def checked_at(self) -> str | None:
        """When the tables were last compared."""
        return optional_timestamp(self._checked_at)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the check where it is."""
        self.give_up()
        if self._thread.is_alive():
            self._thread.join()

    def give_up(self) -> None:
        """Check no more."""
        self._ending.set()

    def _run(self) -> None:
        check_at = time.monotonic() + self._first_sec
        while not self._ending.wait(min(self._look_sec, max(0.0, check_at - time.monotonic()))):
            if self.findings and self._was_repaired():
                self.findings, self._checked_at = (), None
                check_at = time.monotonic()
            if time.monotonic() < check_at:
                continue
            check_at = time.monotonic() + self._every_sec
            with contextlib.suppress(GivenUp, StorageError, msgspec.MsgspecError):  # it is tried again later
                self._check()
            check_at = max(check_at, time.monotonic() + self._first_sec)

    def _was_repaired(self) -> bool:
        with contextlib.suppress(StorageError), reading_beside(self._path, CACHE_KB) as snapshot:
            return snapshot.read(find_last_repair) > self._head
        return False

    def _check(self) -> None:
        self._worked_to = time.thread_time()
        checked = check_tables(self._path, self._rest)
        if checked is None:
            return
        known, self.findings, self._head = self.findings, checked.findings, checked.head
        self._checked_at = self._now()
        for finding in checked.findings:
            if finding not in known:
                self._found(finding)
        if self._filler is not None:
            self._filler.check(count_messages)

    def _rest(self) -> bool:
        """Rest as long as the work since the last rest asks for; false when it is to end."""
        worked_sec = time.thread_time() - self._worked_to
        until = time.monotonic() + worked_sec * (1 / self._share - 1)
        ended = self._ending.wait(max(0.0, until - time.monotonic()))
        self._worked_to = time.thread_time()
        return not ended
