"""Inspections: a hub's looks at its own log and tables, and what is known of both."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from arclog.proof.findings import Finding
from projections.hub.inspection import Inspection, Integrity
from projections.hub.table_inspection import TableInspection
from projections.hub.tuning import Tuning
from projections.search.filler import Filler


class Inspections:
    """The inspection of the log and that of the tables, each on a thread of its own.

    Args:
        path: the storage.
        now: the log's clock.
        found: told of each finding, on one of those threads.
        filler: keeps the index of words; None when there is none.
        tuning: how long the check of the log rests.
    """

    def __init__(
        self,
        path: Path,
        now: Callable[[], int],
        found: Callable[[Finding], None],
        filler: Filler | None,
        tuning: Tuning,
    ) -> None:
        self.log = Inspection(path, now, found, rest=tuning.inspection_rest, follow_sec=tuning.inspection_follow_sec)
        self.tables = TableInspection(path, now, found, filler)

    @property
    def integrity(self) -> Integrity:
        """What the hub has found out about its log and its tables by now."""
        log, tables = self.log.integrity, self.tables
        return replace(
            log,
            state="damaged" if tables.findings else log.state,
            findings=(*log.findings, *tables.findings),
            tables=tables.state,
            tables_checked_at=tables.checked_at,
        )

    def start(self) -> None:
        """Begin both."""
        self.log.start()
        self.tables.start()

    def give_up(self) -> None:
        """Check no more: what lies under the storage's path is another one, or half of one."""
        self.log.give_up()
        self.tables.give_up()

    async def stop(self) -> None:
        """End both where they are."""
        await asyncio.to_thread(self.log.stop)
        await asyncio.to_thread(self.tables.stop)
