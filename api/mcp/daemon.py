"""Work on threads that nobody waits for at the end: a process that is told to end ends, whatever they wait for.

A thread that has done its work waits for more, since to start one takes as long as a quick hub takes to answer.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Final, TypeVar

T = TypeVar("T")

MAX_IDLE: Final = 4
"""Threads that wait for more work; the others end when theirs is done."""

Job = Callable[[], None]


class Daemons:
    """Threads that do what may take long."""

    def __init__(self) -> None:
        self._idle: list[SimpleQueue[Job]] = []
        self._lock = threading.Lock()

    async def run(self, work: Callable[[], T], unread: Callable[[T], None] | None = None) -> T:
        """What `work` returns or raises, on a thread. If this is cancelled, the thread goes on unobserved.

        Args:
            work: what is to be done.
            unread: given what `work` returned when this was cancelled, on the event loop.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            result: Any = None
            failed: BaseException | None = None
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                failed = error
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
                loop.call_soon_threadsafe(_set_result, done, result, failed, unread)

        self.start(job)
        try:
            return await done
        except asyncio.CancelledError:
            if unread is not None and done.done() and not done.cancelled() and done.exception() is None:
                unread(done.result())
            raise

    def start(self, job: Job) -> None:
        """Do something on a thread; it must not raise."""
        with self._lock:
            jobs = self._idle.pop() if self._idle else None
        if jobs is None:
            jobs = SimpleQueue()
            threading.Thread(target=self._work, args=(jobs,), name="arc-mcp", daemon=True).start()
        jobs.put(job)

    def _work(self, jobs: "SimpleQueue[Job]") -> None:
        while True:
            jobs.get()()
            with self._lock:
                if len(self._idle) >= MAX_IDLE:
                    return
                self._idle.append(jobs)


def _set_result(
    done: "asyncio.Future[Any]",
    result: object,
    failed: BaseException | None,
    unread: Callable[[Any], None] | None,
) -> None:
    if done.done():
        if unread is not None and failed is None:
            unread(result)
        return
    if failed is None:
        done.set_result(result)
    else:
        done.set_exception(failed)
