"""Idling: what a hub does while no batch is on its way. It sleeps until something is due, and looks after its files."""

import asyncio
from collections.abc import Callable
from typing import Final

from arclog.limits import MICROSECONDS
from projections.hub.recorder import Recorder

LONGEST_NAP_SEC: Final = 3600.0
FILES_SEC: Final = 0.2
"""How often it is looked whether the storage's files are in their place while nobody writes."""


class Idling:
    """Begins a batch without calls when there is something to do; used on the running event loop.

    Args:
        recorder: knows what is due, and whether the storage's files are in their place.
        microseconds: the log's clock.
        may_begin: whether no batch is on its way, and the hub goes on.
        wake: begins a batch.
    """

    def __init__(
        self,
        recorder: Recorder,
        microseconds: Callable[[], int],
        may_begin: Callable[[], bool],
        wake: Callable[[], None],
    ) -> None:
        self._recorder = recorder
        self._microseconds = microseconds
        self._may_begin = may_begin
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._nap: asyncio.TimerHandle | None = None
        self._nap_ends_at = 0
        self._files_timer = self._loop.call_later(FILES_SEC, self._look_at_files)

    def schedule(self) -> None:
        """Nothing is queued: come back when something is due."""
        due_at = self._recorder.next_due_at
        if self._nap is not None:
            if due_at == self._nap_ends_at:
                return
            self._nap.cancel()
        self._nap_ends_at = due_at
        delay_sec = (due_at - self._microseconds()) / MICROSECONDS
        self._nap = self._loop.call_later(max(0.0, min(delay_sec, LONGEST_NAP_SEC)), self._end_nap)

    def stop(self) -> None:
        """Look after nothing any more."""
        if self._nap is not None:
            self._nap.cancel()
        self._files_timer.cancel()

    def _end_nap(self) -> None:
        self._nap = None
        if not self._may_begin():
            return
        self._recorder.heed_time()
        if self._recorder.is_due():
            self._wake()
        else:
            self.schedule()

    def _look_at_files(self) -> None:
        """A batch looks by itself; when there is none and a file is not in its place, one without calls is begun."""
        if self._recorder.gone is not None:
            return
        if self._may_begin() and not self._recorder.is_in_place():
            self._wake()
        self._files_timer = self._loop.call_later(FILES_SEC, self._look_at_files)
