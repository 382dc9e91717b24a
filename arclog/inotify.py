"""Being told by the kernel, where it can tell: inotify, on Linux."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncinotify import Inotify


def open_inotify() -> "Inotify | None":
    """A way to be told of changes to files, None where this machine has none.

    Takes a while, since the library looks for libc by starting a program: it is for a thread.
    """
    try:
        from asyncinotify import Inotify

        return Inotify(sync_timeout=0)
    except (ImportError, OSError, RuntimeError):
        return None
