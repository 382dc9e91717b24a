"""The event loop of one process, and its threads, in a world that says when each of them moves.

A loop keeps asyncio's promise: what is called soon is called in that order. Between any two callbacks anybody else may
move. A thread does one job after the other; it waits where the disk, the log or a lock makes it wait, and there the
others move.
"""

import asyncio
import heapq
import inspect
import threading
import weakref
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVarTuple

from tests.simulation.world import SECOND, Actor, Killed, Odd, Owner, World

Ts = TypeVarTuple("Ts")


class Thread(Actor):
    """Does jobs in their order, each of them on a thread of the system.

    Only one thread runs at any time: whoever lets this one move waits until its job is done, or waits itself.
    """

    def __init__(self, world: World, owner: Owner, name: str) -> None:
        super().__init__(owner, name)
        self._world = world
        self._jobs: deque[tuple[int, Callable[[], object]]] = deque()
        self._go = threading.Lock()
        self._back = threading.Lock()
        self._go.acquire()
        self._back.acquire()
        self._waits: tuple[Callable[[], bool], int | None] | None = None
        """What the job waits for, and until when, at most."""
        self._is_begun = False
        self._is_ended = False

    def put(self, job: Callable[[], object] | None) -> None:
        """One more job, which begins a moment later; None, the end of all jobs for a real thread, is nothing here."""
        if job is not None:
            begins_at = self._world.now + round(self._world.draw_sec(usual=0.0001, longest=0.02) * SECOND)
            self._jobs.append((begins_at, job))

    @property
    def is_waiting(self) -> bool:
        """Whether it is in the middle of a job."""
        return self._waits is not None

    def next_at(self) -> int | None:
        if self._waits is None:
            return self._jobs[0][0] if self._jobs else None
        condition, until = self._waits
        return self._world.now if condition() else until

    def step(self) -> None:
        if not self._is_begun:
            self._is_begun = True
            threading.Thread(target=self._run, name=self.name, daemon=True).start()
        self._go.release()
        self._back.acquire()

    def end(self) -> None:
        """Its process is gone, or all is over: what it does comes to nothing."""
        if self._is_begun and not self._is_ended:
            self._is_ended = True
            if self.is_waiting:
                self._go.release()
                self._back.acquire()
            self._go.release()

    def wait_for(self, condition: Callable[[], bool], until: int | None) -> bool:
        """Called by its job: wait until something is so, or time is over; the others go on.

        Raises:
            Killed: its process was killed meanwhile.
        """
        self._waits = condition, until
        self._back.release()
        self._go.acquire()
        self._waits = None
        if self._is_ended or self.owner.is_dead:
            raise Killed
        return condition()

    def _run(self) -> None:
        self._go.acquire()
        while not self._is_ended:
            _begins_at, job = self._jobs.popleft()
            try:
                job()
            except Killed:
                pass
            except Exception as error:  # noqa: BLE001 - the run fails with it
                self._world.failures.append(f"{self.name}: {error!r}")
            self._back.release()
            self._go.acquire()


class Loop(Actor, asyncio.AbstractEventLoop):
    """An event loop by the world's clock.

    Args:
        world: says when it moves.
        owner: the process that it is of.
        name: what the trace calls it.

    Attributes:
        still_until: until when it stands still, as a process does that the system gives no processor.
    """

    def __init__(self, world: World, owner: Owner, name: str) -> None:
        Actor.__init__(self, owner, name)
        self._world = world
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._number = 0
        self._tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self.still_until = 0
        self._pool = [Thread(world, owner, f"{name} pool {number}") for number in (1, 2)]

    @property
    def threads(self) -> list[Thread]:
        """The threads of its pool."""
        return self._pool

    # Moving -----------------------------------------------------------------------------------------------------------

    def next_at(self) -> int | None:
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if self._ready:
            return max(self.still_until, 0)
        return max(self.still_until, round(self._timers[0][0] * SECOND)) if self._timers else None

    def step(self) -> None:
        now = self.time()
        while self._timers and self._timers[0][0] <= now:
            self._ready.append(heapq.heappop(self._timers)[2])
        handle = self._ready.popleft()
        if handle.cancelled():
            return
        before = events._get_running_loop()
        events._set_running_loop(self)
        try:
            handle._run()
        finally:
            events._set_running_loop(before)

    # What asyncio asks of a loop --------------------------------------------------------------------------------------

    def time(self) -> float:
        return self._world.now / SECOND

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        # The clock has microseconds; a timer is never early.
        due_at = -(-when * SECOND // 1) / SECOND
        self._number += 1
        heapq.heappush(self._timers, (due_at, self._number, handle))
        return handle

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, **_context: Any) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name)
        self._tasks.add(task)
        return task

    def end(self) -> None:
        """Its process is gone, or all is over: what has not begun never does."""
        for task in self._tasks:
            coro = task.get_coro()
            if inspect.iscoroutine(coro) and inspect.getcoroutinestate(coro) == inspect.CORO_CREATED:
                coro.close()

    def run_in_executor(self, _executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        future = self.create_future()

        def work() -> None:
            try:
                result = func(*args)
            except Exception as error:  # noqa: BLE001 - whoever awaits it is told
                self.call_soon(_settle, future, None, error)
            else:
                self.call_soon(_settle, future, result, None)

        min(self._pool, key=lambda thread: len(thread._jobs)).put(work)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not (self.owner.is_dead or (self._world.is_odd and isinstance(context.get("exception"), Odd))):
            self._world.failures.append(f"{self.name}: {context.get('message')} {context.get('exception')!r}")

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is left out when its time comes."""

    def run(self, story: Coroutine[Any, Any, Any]) -> Any:
        """Let the world go on until a story is over, and give what came of it."""
        task = self.create_task(story)
        self._world.wait_for(task.done)
        return task.result()


def _settle(future: "asyncio.Future[Any]", result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
