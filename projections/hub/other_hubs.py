"""OtherHubs: what other hubs append to the same file is noticed while anyone waits here.

SQLite tells by a counter, `data_version`, that somebody else committed, but one has to look. The kernel tells when the
WAL is written to (inotify, on Linux). So we look while there is reason to, and an idle hub sleeps:

    armed ---- the WAL is written ----> looking, soon and then less often ---- nothing for `CALM_SEC` ----> armed
      |                                     ^                        |
      +---- every `SAFETY_SEC`, one look    +---- found something ---+
                                                  (then every `LOOK_SEC`)

A commit is written, then flushed, and only then can it be seen, so what the kernel tells comes before there is anything
to see; that is why one look is not enough. Our own commits write to the same WAL: the watch is for one write only, so
however much we write, it costs one event and the looks that follow.

Nothing depends on the kernel. Where it cannot tell, or has once said nothing of a commit that was then found, we look
every `LOOK_SEC`. The WAL is watched by its path: no descriptor is opened on it.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw

from arclog.errors import StorageError
from arclog.sqlite.log import read_head
from projections.hub.readers import Readers
from projections.hub.waiting import Waiters

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


class OtherHubs:
    """Makes waiters read again when another hub has appended something; used on one event loop.

    Args:
        storage: the log's file.
        readers: the way to read it.
        waiters: who is to be woken.
        own_head: the last event that this hub appended or saw when it did.
    """

    def __init__(self, storage: Path, readers: Readers, waiters: Waiters, own_head: Callable[[], int]) -> None:
        self._wal = Path(f"{storage}-wal")
        self._readers = readers
        self._waiters = waiters
        self._own_head = own_head
        self._version: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._inotify: Inotify | None = None
        self._written = asyncio.Event()
        self.armed = False
        """Whether the kernel will tell of the next write."""
        self._closed = False
        self._trusted_from = 0.0

    def watch(self) -> None:
        """Watch from now on, for as long as anyone waits."""
        if self._closed or (self._task is not None and not self._task.done()):
            return
        loop = asyncio.get_running_loop()
        if self._task is None:
            # On a thread, for the library looks for libc by starting a program.
            loop.run_in_executor(None, find_inotify).add_done_callback(self._listen)
        self._task = loop.create_task(self._watch())

    def close(self) -> None:
        """Stop watching."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        if self._inotify is not None:
            asyncio.get_running_loop().remove_reader(self._inotify.fd)
            self._inotify.close()
            self._inotify = None

    def look(self) -> bool:
        """Whether another hub has appended something since the last look; if so, everyone who waits reads again."""
        try:
            version = self._readers.read(_read_version)
            if version == self._version:
                return False
            head = self._readers.read(read_head).event_id
        except StorageError:
            self._waiters.wake_all()  # each finds out for itself, and tells its caller
            return False
        self._version = version
        if head <= max(self._own_head(), self._waiters.head):
            return False
        self._waiters.wake_all()
        self._waiters.head = head
        return True

    async def _watch(self) -> None:
        while len(self._waiters):
            armed = self._arm()
            # After it: what was committed before the kernel tells is seen now.
            self.look()
            if not armed:
                await asyncio.sleep(LOOK_SEC)
            elif await self._is_told():
                await self._look_until_calm()
            elif self.look():
                self._trusted_from = asyncio.get_running_loop().time() + DISTRUST_SEC

    async def _is_told(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SAFETY_SEC):
                await self._written.wait()
        return self._written.is_set()

    async def _look_until_calm(self) -> None:
        pauses = iter(_PAUSES_SEC)
        while len(self._waiters) and (pause_sec := next(pauses, None)) is not None:
            await asyncio.sleep(pause_sec)
            if self.look():
                # Who writes once may write on: no need to hurry from one commit to the next.
                pauses = iter(_CALM_PAUSES_SEC)

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
        elif self._inotify is not None:
            asyncio.get_running_loop().add_reader(self._inotify.fd, self._hear)

    def _hear(self) -> None:
        if self._inotify is not None:
            while self._inotify.sync_get() is not None:
                pass
        self.armed = False
        self._written.set()


def _read_version(connection: apsw.Connection) -> int:
    version: int = connection.pragma("data_version")
    return version


def find_inotify() -> "Inotify | None":
    """Where the kernel tells of writes, None where it tells nothing."""
    try:
        from asyncinotify import Inotify

        return Inotify(sync_timeout=0)
    except (ImportError, OSError, RuntimeError):
        return None
