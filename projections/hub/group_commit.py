"""Group commit: the queue in front of the recorder.

All calls come from one event loop. A batch is everything that arrives together: it is complete when a turn of the loop
has brought no further call. It is judged and written on the loop itself. Where it is flushed, there or on a thread, is
the flush policy's to say. So the rate grows with the load, and one core does not fight itself over the interpreter's
lock (docs/adr/0010, 0020 and 0037).

                                              loop: flush here
    submit -> [queue] -> gather -> stage, --<                   >-- answers and waiters -> next batch
                                   on the     thread: flush there,
                                   loop       the loop reads on

When another hub holds the log's lock, the thread waits for it instead of the loop. Since the file's lock is not queued
for, a hub that has seen the other write leaves it a moment between its own batches.

Where the log is elsewhere, the thread always takes the lock, and anyone who comes meanwhile is in the batch too. What
other hubs append is brought in between the batches, on the thread, without the lock.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from arclog.errors import HubStopping
from projections.hub.calls import Call, Commit
from projections.hub.doubt import in_doubt
from projections.hub.flush_policy import FlushPolicy
from projections.hub.idling import Idling
from projections.hub.measures import Measures
from projections.hub.recorder import Recorder

MAX_BATCH: Final = 512
"""Calls in one transaction at most, so that the first of them does not wait for too many others."""
GATHER_SEC: Final = 0.002
"""How long a batch waits at most for what still comes in."""
COURTESY_SEC: Final = 0.0015
"""How long a hub stays off the lock after a batch, when it shares the log with others."""


class GroupCommit:
    """Runs a recorder on the running event loop.

    Args:
        recorder: started already, and used by nobody else from here on.
        microseconds: the log's clock.
        tell_others: told of every transaction, on the loop, right after its callers.
        reads: how many reads there were on the loop; only that the number grows matters.
        policy: where transactions are flushed.
        max_batch: calls in one transaction at most.
        gather_sec: how long a batch waits at most for what still comes in.
        measures: where it is counted how long flushes take.
    """

    def __init__(
        self,
        recorder: Recorder,
        microseconds: Callable[[], int],
        tell_others: Callable[[Commit], None],
        *,
        reads: Callable[[], int] = int,
        policy: FlushPolicy | None = None,
        max_batch: int = MAX_BATCH,
        gather_sec: float = GATHER_SEC,
        measures: Measures | None = None,
    ) -> None:
        self._measures = measures or Measures()
        self._recorder = recorder
        self._tell_others = tell_others
        self._reads = reads
        self._policy = policy or FlushPolicy()
        self._max_batch = max_batch
        self._gather_sec = gather_sec
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Call] = deque()
        self._submitted = 0
        """How many calls there were."""
        self._busy = False
        self._stopping = False
        self._gathered = 0
        """How many calls waited when the queue was last looked at."""
        self._gather_until = 0.0
        """When the batch begins, whatever still comes in."""
        self._last_batch = 0
        """How many calls were in the last batch."""
        self._must_look = False
        """Whether a look at the log was asked for and has not begun."""
        self._looked = asyncio.Event()
        """Set when it has."""
        self._idle = asyncio.Event()
        """Set when the last batch is over, once the hub is to stop."""
        recorder.doubt.on_begin = self._on_doubt
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work_off, name="arc-flush", daemon=True)
        self._thread.start()
        self._idling = Idling(recorder, microseconds, self._may_begin, self._wake)
        self._idling.schedule()

    def submit(self, call: Call) -> None:
        """Queue a call; its `done` is called once, in any case."""
        if self._stopping:
            call.done(HubStopping())
            return
        if self._recorder.doubt.exists:
            call.done(in_doubt())
            return
        self._queue.append(call)
        self._submitted += 1
        if not self._busy:
            self._wake()

    @property
    def queued(self) -> int:
        """How many calls wait for the next batch."""
        return len(self._queue)

    def catch_up(self) -> None:
        """Bring the storage to the head of the log, and do what follows from what came."""
        self._must_look = True  # if a batch is on its way, it may have looked before
        self._looked.clear()
        if self._may_begin():
            self._wake()

    async def look(self) -> None:
        """The same; returns when that begins, so that whoever asks whenever something changes asks once a batch."""
        self.catch_up()
        await self._looked.wait()

    def look_sooner(self) -> None:
        """What is to be done next may be due sooner than it was."""
        if self._may_begin():
            self._idling.schedule()

    async def stop(self) -> None:
        """Finish what is queued, then end the thread and close the recorder."""
        self._stopping = True
        self._recorder.stop_waiting()
        if self._busy:
            await self._idle.wait()
        self._idling.stop()
        self._work.put(None)
        await asyncio.to_thread(self._thread.join)
        self._recorder.stop()

    # A batch, on the loop -------------------------------------------------------------------------------------------

    def _may_begin(self) -> bool:
        """Whether no batch is on its way, and the hub goes on."""
        return not self._busy and not self._stopping

    def _wake(self) -> None:
        self._busy = True
        self._gather()

    def _gather(self) -> None:
        """Begin a batch as soon as no more calls come in; a call that seems to be alone need not wait for others."""
        self._gathered = 0 if self._last_batch > 1 else len(self._queue)
        self._gather_until = self._loop.time() + self._gather_sec
        self._loop.call_soon(self._next)

    def _next(self) -> None:
        queue = self._queue
        # What the sockets have is read between two turns, and becomes calls in the second.
        if self._gathered < len(queue) < self._max_batch and self._loop.time() < self._gather_until:
            self._gathered = len(queue)
            self._loop.call_soon(self._next)
            return
        calls = self._take(self._max_batch)
        self._last_batch = len(calls)
        if not self._recorder.is_remote:
            self._stage(calls)
        elif calls or not self._must_look:
            self._work.put(lambda: self._take_lock(calls))
        else:
            self._begin_look()
            self._work.put(self._follow)

    def _take(self, most: int) -> list[Call]:
        queue = self._queue
        if len(queue) > most:
            return [queue.popleft() for _ in range(most)]
        calls = list(queue)
        queue.clear()
        return calls

    def _begin_look(self) -> None:
        self._must_look = False
        self._looked.set()

    def _stage(self, calls: list[Call]) -> None:
        if self._must_look:
            self._begin_look()
        self._recorder.heed_time()
        try:
            commit = self._recorder.stage(calls, wait=False)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next batch must still get its turn
            commit = self._recorder.recover(calls, error)
        if commit is None:
            self._work.put(lambda: self._take_lock(calls))
        elif commit.staged:
            self._flush(commit)
        else:
            self._finish(commit)

    def _stage_more(self, calls: list[Call]) -> None:
        """Stage some calls, and those that came while the lock was waited for."""
        self._stage(calls + self._take(self._max_batch - len(calls)))

    def _flush(self, commit: Commit) -> None:
        recorder = self._recorder
        slow = recorder.copies_much or recorder.is_remote
        began_at = time.perf_counter()
        if self._policy.choose(began_at, is_slow=slow) == "thread":
            recorder.hasten()
            self._work.put(lambda: self._flush_on_thread(commit))
            return
        flushed, took_sec = self._flushed(commit)
        if took_sec < self._policy.quick_sec:
            self._policy.learn(took_sec, began_at + took_sec, held_up=False)
        else:
            self._loop.call_soon(self._look_round, took_sec, self._submitted + self._reads(), 2)
        self._finish(flushed)

    def _flushed(self, commit: Commit) -> tuple[Commit, float]:
        """What became of a transaction, and how long that took, in seconds; here or on the thread."""
        began_at = time.perf_counter()
        try:
            flushed = self._recorder.flush(commit)
        except Exception as error:  # noqa: BLE001 - the next batch must get its turn, and every caller be told
            flushed = self._recorder.recover(commit.calls, error)
        took_sec = time.perf_counter() - began_at
        self._measures.flushes.add(took_sec)
        self._measures.calls += len(commit.answers)
        return flushed, took_sec

    def _look_round(self, took_sec: float, asked: int, turns: int) -> None:
        """After a long flush on the loop, learn whether it held anybody up.

        A caller that came meanwhile is heard of in the next turns of the loop; a caller that is answered now, and asks
        again, comes later than that.
        """
        if turns:
            self._loop.call_soon(self._look_round, took_sec, asked, turns - 1)
        else:
            self._policy.learn(took_sec, time.perf_counter(), held_up=self._submitted + self._reads() > asked)

    def _finish(self, commit: Commit) -> None:
        """A transaction has come to its end: its callers are told, then the others, and the next one may begin."""
        commit.tell()
        self._tell_others(commit)
        self._go_on(commit)

    def _go_on(self, commit: Commit) -> None:
        if not self._queue and not self._must_look:
            self._busy = False
            if self._stopping:
                self._idle.set()
            self._idling.schedule()
        elif commit.foreign and not self._recorder.is_remote:
            self._loop.call_later(COURTESY_SEC, self._gather)
        else:
            self._gather()

    def _finish_following(self, commit: Commit) -> None:
        """What other hubs appended is here: those who wait are told, and places that it may have freed looked at."""
        self._tell_others(commit)
        if commit.head != commit.after and len(self._recorder.leases.calls):
            self._work.put(lambda: self._take_lock([]))
        else:
            self._go_on(commit)

    def _refuse_queue(self) -> None:
        while self._recorder.doubt.exists and self._queue:
            self._queue.popleft().done(in_doubt())

    # On the thread --------------------------------------------------------------------------------------------------

    def _work_off(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def _on_doubt(self) -> None:
        self._loop.call_soon_threadsafe(self._refuse_queue)

    def _flush_on_thread(self, commit: Commit) -> None:
        flushed, _took_sec = self._flushed(commit)
        self._loop.call_soon_threadsafe(self._finish, flushed)

    def _take_lock(self, calls: list[Call]) -> None:
        try:
            error = self._recorder.take_lock()
        except Exception as fault:  # noqa: BLE001 - the thread must go on, and every caller be told
            self._loop.call_soon_threadsafe(self._finish, self._recorder.recover(calls, fault))
            return
        if error is None:
            self._loop.call_soon_threadsafe(self._stage_more, calls)
        else:
            self._loop.call_soon_threadsafe(self._finish, self._recorder.refuse(calls, error))

    def _follow(self) -> None:
        try:
            commit = self._recorder.follow()
        except Exception as error:  # noqa: BLE001 - the thread must go on
            commit = self._recorder.recover([], error)
        self._loop.call_soon_threadsafe(self._finish_following, commit)
