"""Being told by the kernel that a file has come, where it can tell: inotify, on Linux, for what this machine writes.

Nothing depends on it: a relay that watches also looks, from time to time. Over the mounts of virtual machines and
containers the kernel may know nothing of what the other side writes.

Each folder is watched by itself and no link in the spool is followed, so none can have us watch the whole disk.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from arclog.inotify import open_inotify
from relay.files import WAITING

if TYPE_CHECKING:
    from asyncinotify import Inotify, Mask

OnRequest = Callable[[str, str], None]
"""Told the folder and the name of a request that has come."""


class Notifications:
    """What the kernel tells of a spool.

    Args:
        inotify: where it tells it.
        spool: the spool's folder.
        on_request: called on the event loop for each request.
        on_change: called on the event loop when folders came or went, or news were lost.
    """

    def __init__(self, inotify: "Inotify", spool: Path, on_request: OnRequest, on_change: Callable[[], None]) -> None:
        from asyncinotify import Mask

        self._inotify = inotify
        self._spool = spool
        self._requests = spool / "requests"
        self._on_request = on_request
        self._on_change = on_change
        self._lost = Mask.IGNORED | Mask.Q_OVERFLOW | Mask.MOVE_SELF
        self._folders_in_spool = Mask.CREATE | Mask.MOVED_TO | Mask.ONLYDIR | Mask.MOVE_SELF
        self._folders = self._folders_in_spool | Mask.DONT_FOLLOW
        self._files = Mask.MOVED_TO | Mask.CLOSE_WRITE | Mask.ONLYDIR | Mask.DONT_FOLLOW | Mask.MOVE_SELF

    def listen(self) -> None:
        """Tell what comes from now on, on the running event loop."""
        asyncio.get_running_loop().add_reader(self._inotify.fd, self.drain)

    def watch_spool(self) -> None:
        """Watch the spool for folders; may be called from a thread, and again."""
        self._watch(self._spool, self._folders_in_spool)
        self._watch(self._requests, self._folders)

    def watch_folders(self, folders: Sequence[str]) -> None:
        """Watch agents' folders for requests; may be called from a thread, and again."""
        for folder in folders:
            self._watch(self._requests / folder, self._files)

    def drain(self) -> None:
        """Tell what has come."""
        while (event := self._inotify.sync_get()) is not None:
            watch, name = event.watch, event.name
            if watch is None or event.mask & self._lost or watch.path.parent != self._requests:
                self._on_change()
            elif name is not None and name.suffix == WAITING:
                self._on_request(watch.path.name, str(name))

    def close(self) -> None:
        """Stop listening."""
        asyncio.get_running_loop().remove_reader(self._inotify.fd)
        self._inotify.close()

    def _watch(self, path: Path, mask: "Mask") -> None:
        try:
            watch = self._inotify.add_watch(path, mask)
        except OSError:  # it is not there, or there are too many watches: looking finds what comes
            return
        watch.path = path  # a folder that was renamed is known by its old name


def find_notifications(spool: Path, on_request: OnRequest, on_change: Callable[[], None]) -> Notifications | None:
    """Notifications of a spool, or None where this machine has none; takes a while."""
    inotify = open_inotify()
    return None if inotify is None else Notifications(inotify, spool, on_request, on_change)
