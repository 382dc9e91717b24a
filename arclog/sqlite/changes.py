"""Changes: what is committed to a file is noticed while anyone wants to know, whichever hub did it.

SQLite tells by a counter, `data_version`, that somebody committed, but one has to look. The kernel tells when the
WAL is written to (inotify, on Linux). So we look while there is reason to, and an idle hub sleeps:

    armed ---- the WAL is written ----> looking, soon and then less often ---- nothing for `CALM_SEC` ----> armed
      |                                     ^                        |
      +---- every `safety_sec`, one look    +---- found something ---+
                                                  (then every `LOOK_SEC`)

A commit is written, then flushed, and only then can it be seen, so what the kernel tells comes before there is anything
to see; that is why one look is not enough. The watch is for one write only, so however much is written, it costs one
event and the looks that follow.

Nothing depends on the kernel. Where it cannot tell, or has once said nothing of a commit that was then found, we look
every `LOOK_SEC`. The WAL is watched by its path: no descriptor is opened on it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw

from arclog.errors import StorageError
from arclog.inotify import open_inotify
from arclog.sqlite.connection import open_connection, storage_errors

if TYPE_CHECKING:
    from asyncinotify import Inotify

LOOK_SEC: Final = 0.03
"""How often to look where the kernel does not tell."""
SAFETY_SEC: Final = 1.0
"""How often to look although it does."""
DISTRUST_SEC: Final = 60.0
"""How long not to rely on the kernel when it told nothing of a commit."""
CALM_SEC: Final = 0.5
"""How long after a write there may be something to see: a disk may take so long to flush."""

_SOON_SEC: Final = (0.002, *[0.004] * 10)
_CALM_PAUSES_SEC: Final = (LOOK_SEC,) * round(CALM_SEC / LOOK_SEC)
_PAUSES_SEC: Final = (*_SOON_SEC, *_CALM_PAUSES_SEC)


class Changes:
    """Waits for commits of other hubs on one file; used on one event loop.

    Args:
        path: the storage's file.
        find: finds where the kernel tells of writes.
        safety_sec: how often to look although the kernel tells.

    Attributes:
        armed: whether the kernel will tell of the next write.
    """

    def __init__(
        self, path: Path, *, find: Callable[[], "Inotify | None"] = open_inotify, safety_sec: float = SAFETY_SEC
    ) -> None:
        self.armed = False
        self._path = path
        self._wal = Path(f"{path}-wal")
        self._find = find
        self._safety_sec = safety_sec
        self._connection: apsw.Connection | None = None
        self._version: int | None = None
        self._pauses: Iterator[float] = iter(())
        """The looks that are to come before the kernel is asked again."""
        self._listening = False
        self._inotify: Inotify | None = None
        self._written = asyncio.Event()
        self._closed = False
        self._trusted_from = 0.0

    async def next(self) -> None:
        """Return when something was committed, or after about `safety_sec` without cause."""
        loop = asyncio.get_running_loop()
        if not self._listening:
            self._listening = True
            loop.run_in_executor(None, self._find).add_done_callback(self._listen)
        until = loop.time() + self._safety_sec
        while not await self._step() and loop.time() < until:
            pass

    def close(self) -> None:
        """Stop listening; on the event loop, if anything was waited for."""
        self._closed = True
        if self._inotify is not None:
            asyncio.get_running_loop().remove_reader(self._inotify.fd)
            self._inotify.close()
            self._inotify = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def look(self) -> bool:
        """Whether anything was committed since the last look, by whichever hub.

        Raises:
            StorageError: the storage cannot be read.
        """
        with storage_errors(self._path):
            if self._connection is None:
                self._connection = open_connection(self._path, read_only=True, guarded=False)
            version = int(self._connection.pragma("data_version"))
        found = version != self._version
        self._version = version
        return found

    async def _step(self) -> bool:
        """Wait for a moment; whether something may have changed meanwhile."""
        try:
            if (pause_sec := next(self._pauses, None)) is not None:
                await asyncio.sleep(pause_sec)
                found = self.look()
                if found:
                    # A hub that has written once may well write again: no need to hurry from one commit to the next.
                    self._pauses = iter(_CALM_PAUSES_SEC)
                return found
            armed = self._arm()
            # Only now: what was committed before the watch was set, the kernel does not tell.
            if self.look():
                return True
            if not armed:
                await asyncio.sleep(LOOK_SEC)
                return self.look()
            if await self._is_told():
                self._pauses = iter(_PAUSES_SEC)
                return False
            if self.look():
                self._trusted_from = asyncio.get_running_loop().time() + DISTRUST_SEC
                return True
        except StorageError:
            await asyncio.sleep(LOOK_SEC)
            return True  # those who wanted to know find out what is wrong
        return False

    async def _is_told(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._safety_sec):
                await self._written.wait()
        return self._written.is_set()

    def _arm(self) -> bool:
        """Have the kernel tell of the next write; false where it cannot, or is not to be relied on."""
        if self._inotify is None or asyncio.get_running_loop().time() < self._trusted_from:
            return False
        if not self.armed:
            from asyncinotify import Mask

            self._written.clear()
            try:
                self._inotify.add_watch(self._wal, Mask.MODIFY | Mask.ATTRIB | Mask.MOVE_SELF | Mask.ONESHOT)
            except OSError:  # it is not there, or there are too many watches
                return False
            self.armed = True
        return True

    def _listen(self, found: "asyncio.Future[Inotify | None]") -> None:
        self._inotify = None if found.cancelled() else found.result()
        if self._inotify is not None and self._closed:
            self._inotify.close()
            self._inotify = None
        elif self._inotify is not None:
            asyncio.get_running_loop().add_reader(self._inotify.fd, self._hear)

    def _hear(self) -> None:
        if self._inotify is not None:
            while self._inotify.sync_get() is not None:
                pass
        self.armed = False
        self._written.set()
