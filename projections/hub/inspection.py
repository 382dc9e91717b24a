"""Inspection: a hub checks the chain of its own log, the newest part at start and all of it in the background.

The check is one thread that looks at a hundred events and then rests ten times as long, so it takes a few percent of
one core, holds up nobody, and a million events take it minutes. When it is through, it looks once a minute at what was
appended since, and after an hour it begins again: bits rot on disks that nobody reads.

What it finds is told to all who asked, once for each finding. The hub goes on: what was appended before the
damage and after it is still good, and agents that stop working repair nothing.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from arclog.errors import StorageError
from arclog.proof.diagnosis import diagnose
from arclog.proof.findings import Finding
from arclog.proof.verify import Segment, check_segment, say_gaps, segments_of
from arclog.sqlite.reads import read_head
from arclog.sqlite.snapshot import Snapshot, reading_beside
from projections.times import optional_timestamp

NEWEST: Final = 1_000
"""Events at the end of the log that are checked before the hub takes calls."""
SLICE: Final = 100
"""Events that are checked in one go."""
REST: Final = 10
"""How many seconds the check rests for each second that it works."""
CACHE_KB: Final = 256
"""Each page is looked at once, so there is nothing to keep."""
LEAST_REST_SEC: Final = 0.005
FOLLOW_SEC: Final = 60.0
"""How long it rests after it has seen all, before it looks at what was appended since."""
FOLLOW_TIMES: Final = 60
"""How often it does that, before it begins again."""
MAX_FINDINGS: Final = 20
"""Findings that are kept; verification of the file tells them all."""

State = Literal["checking", "whole", "damaged"]


class Integrity(Struct, frozen=True):
    """What is known of the log.

    Attributes:
        state: `checking` until all of it was looked at once, then `whole`, or `damaged` as soon as anything is found.
        checked_to: the event up to which the present round has come; lags the head by what was appended in the last
            minute, or in an early part of a round.
        checked_at: when it was last through with all that there was; None when it was not yet.
        findings: what was found, the first `MAX_FINDINGS` of the log, and the first of each table.
        tables: `checking` until all tables were compared once with the log, then `whole`, or `damaged`.
        tables_checked_at: when they were last compared; None when they were not yet.
    """

    state: State
    checked_to: int
    checked_at: str | None
    findings: tuple[Finding, ...]
    tables: State = "checking"
    tables_checked_at: str | None = None


class Inspection:
    """Checks one storage on a thread of its own.

    Args:
        path: the storage.
        now: the log's clock.
        found: told of each finding, on that thread.
        rest: how many seconds the check rests for each second that it works.
        follow_sec: how long it rests after it has seen all.
    """

    def __init__(
        self,
        path: Path,
        now: Callable[[], int],
        found: Callable[[Finding], None],
        *,
        rest: float = REST,
        follow_sec: float = FOLLOW_SEC,
    ) -> None:
        self._rest = rest
        self._follow_sec = follow_sec
        self._path = path
        self._now = now
        self._found = found
        self._findings: dict[tuple[str, int | None], Finding] = {}
        self._checked_to = 0
        self._checked_at: int | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="arc-inspection", daemon=True)

    @property
    def integrity(self) -> Integrity:
        """What is known by now."""
        state: State = "checking" if self._checked_at is None else "whole"
        findings = tuple(self._findings.values())
        return Integrity(
            "damaged" if findings else state, self._checked_to, optional_timestamp(self._checked_at), findings
        )

    def check_newest(self) -> None:
        """Check the end of the log, here and now."""
        with contextlib.suppress(StorageError), reading_beside(self._path, CACHE_KB) as snapshot:
            head = snapshot.read(read_head).event_id
            self._check(snapshot, Segment(str(self._path), max(0, head - NEWEST), head))

    def start(self) -> None:
        """Begin to check all of the log."""
        self._thread.start()

    def give_up(self) -> None:
        """Check no more: what lies under the storage's path is another one, or half of one."""
        self._ending.set()

    def stop(self) -> None:
        """End the check where it is."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._checked_to = 0
            for _ in range(FOLLOW_TIMES):
                # A storage that cannot be read shows in every call; here it only means to try again later.
                with contextlib.suppress(StorageError), reading_beside(self._path, CACHE_KB) as snapshot:
                    self._look_through(snapshot)
                if self._ending.wait(self._follow_sec):
                    return

    def _look_through(self, snapshot: Snapshot) -> None:
        """Check what this round has not seen yet."""
        head = snapshot.read(read_head).event_id
        for segment in snapshot.read(segments_of, self._path, head, SLICE, self._checked_to):
            began_at = time.monotonic()
            self._check(snapshot, segment)
            self._checked_to = segment.until
            if self._ending.wait(max(LEAST_REST_SEC, self._rest * (time.monotonic() - began_at))):
                return
        self._checked_at = self._now()

    def _check(self, snapshot: Snapshot, segment: Segment) -> None:
        checked = snapshot.read(check_segment, segment)
        findings = [*say_gaps(checked.gaps), *checked.unproved]
        if checked.breaks:
            findings += snapshot.read(diagnose, checked.breaks)
        for finding in findings:
            known = (finding.problem, finding.event_id)
            if known not in self._findings and len(self._findings) < MAX_FINDINGS:
                self._findings[known] = finding
                self._found(finding)
