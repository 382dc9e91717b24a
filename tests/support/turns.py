"""How long an event loop is held by one callback, in processor time: what nobody else waits for longer than.

Processor time, since the machine that tests run on may itself hold everybody up.
"""

import asyncio
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock


class Turns:
    """The callbacks that were run.

    Attributes:
        longest_sec: how much processor time one of them took at most.
        longest: which one that was.
    """

    def __init__(self) -> None:
        self.longest_sec = 0.0
        self.longest = ""


@contextmanager
def watching_turns() -> Iterator[Turns]:
    """Watch the loops of asyncio's own while this lasts; what is in memory already is out of the collector's way.

    So it is in a hub that runs, and not in a test that has just made a storage.
    """
    turns, run = Turns(), asyncio.Handle._run

    def watched(handle: asyncio.Handle) -> None:
        began_at = time.thread_time()
        run(handle)
        took_sec = time.thread_time() - began_at
        if took_sec > turns.longest_sec:
            turns.longest_sec, turns.longest = took_sec, repr(handle)

    gc.collect()
    gc.freeze()
    try:
        with mock.patch.object(asyncio.Handle, "_run", watched):
            yield turns
    finally:
        gc.unfreeze()
