"""A hub whose `-shm` is cut short: it ends, and says why.

SQLite has the `-shm` in its memory, as a map of the file. When somebody cuts the file short (`> arc.sqlite3-shm`), the
system ends every process that touches what is missing, with SIGBUS and without a word. Nothing is lost by that: the
file holds no data, and the process that opens the storage next makes it again from the `-wal`. But to go on is not
safe, since a transaction that was under way would be written on what is missing. So the hub ends all the same, with a
line.

Python's own handlers are of no use here: they run when the instruction that failed is over, which it never is. So this
one is called by the system itself.
"""

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final

from arclog.sqlite.in_place import is_memory_cut

log: Final = logging.getLogger("arc")
_kept: list[Callable[[int], None]] = []
"""The handlers that the system may call: they must not be collected."""


if sys.platform == "win32":

    def tell_bus_error(storage: Path) -> None:
        """Nothing to do: a file that is mapped cannot be cut here."""

else:

    def tell_bus_error(storage: Path) -> None:
        """From now on, end this process with a line when the `-shm` of `storage` cannot be reached any more."""
        ending = Lock()

        def end(_signal: int) -> None:
            ending.acquire()  # not given back: of several threads that fail at once, one speaks for all
            log.critical(
                "%s while the storage %s was in use, so the hub has ended; everything acknowledged is on disk: "
                "start it again with arc ensure",
                f"{storage.name}-shm was cut short" if is_memory_cut(storage) else "its disk failed",
                storage,
            )
            logging.shutdown()
            os._exit(1)

        handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(end)
        _kept.append(handler)
        ctypes.CDLL(None).signal(signal.SIGBUS, handler)
