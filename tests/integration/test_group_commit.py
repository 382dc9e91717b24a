"""Group commit: calls that arrive together share a transaction, and only a slow disk is flushed on a thread."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from arclog.clock import LogClock
from arclog.deciders.fields import Limits
from arclog.deciders.hub import HubState
from arclog.deciders.messages import PostMessage
from arclog.errors import ArcError, UnexpectedFailure
from arclog.machine_time import MachineTime
from arclog.progress import no_progress
from projections.hub.calls import Call, Commit
from projections.hub.flush_policy import FlushPolicy
from projections.hub.group_commit import GroupCommit
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from tests.support.recorders import PRESENCE_TTL
from tests.support.waiting import WITHIN_SEC, until

LOOP = "MainThread"
THREAD = "arc-flush"


def nothing() -> None:
    """What happens during most flushes."""


Story = Callable[["Desk"], Coroutine[Any, Any, None]]


class WatchedRecorder(Recorder):
    """A recorder on a disk whose flushes take as long as a test says, which notes what it is given and where."""

    flush_sec = 0.0
    has_much_to_copy = False
    during_flush: Callable[[], object] = staticmethod(nothing)

    @property
    def copies_much(self) -> bool:
        return self.has_much_to_copy

    def start_watched(self) -> None:
        self.batches: list[int] = []
        self.flushed_on: list[str] = []
        self.start(no_progress)

    def stage(self, calls: Sequence[Call], *, wait: bool = True) -> Commit | None:
        self.batches.append(len(calls))
        return super().stage(calls, wait=wait)

    def flush(self, commit: Commit) -> Commit:
        self.flushed_on.append(threading.current_thread().name)
        time.sleep(self.flush_sec)
        self.during_flush()
        return super().flush(commit)


class Desk:
    """A running group commit, and a way to make calls."""

    def __init__(self, recorder: WatchedRecorder, commits: GroupCommit) -> None:
        self.recorder = recorder
        self.commits = commits

    def post(self) -> "asyncio.Future[Outcome | ArcError]":
        """Say something; the future is done with the answer."""
        answer: asyncio.Future[Outcome | ArcError] = asyncio.get_running_loop().create_future()
        self.commits.submit(Call(PostMessage(from_agent="a", body="hi"), answer.set_result))
        return answer

    def post_soon(self, turns: int) -> None:
        """Somebody else's request comes in while the loop is busy: it is a call after so many turns of the loop."""
        later = self.post if turns <= 1 else lambda: self.post_soon(turns - 1)
        asyncio.get_running_loop().call_soon(later)

    async def post_alone(self, times: int) -> None:
        """Say something so often, each after the answer to the one before."""
        for _ in range(times):
            assert isinstance(await self.post(), Outcome)


def at(path: Path, story: Story, policy: FlushPolicy | None = None, **settings: Any) -> None:
    async def run() -> None:
        clock = LogClock(MachineTime())
        recorder = WatchedRecorder(path, clock, Limits(), PRESENCE_TTL, HubState(hub_id="hub-1"))
        recorder.start_watched()
        commits = GroupCommit(recorder, clock.now, lambda _commit: None, policy=policy, **settings)
        try:
            await story(Desk(recorder, commits))
        finally:
            await commits.stop()

    asyncio.run(run())


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "arc.sqlite3"


def test_calls_of_successive_turns_of_the_loop_share_a_transaction(storage: Path) -> None:
    async def story(desk: Desk) -> None:
        await asyncio.gather(*[desk.post() for _ in range(3)])
        answers = []
        for _ in range(4):
            answers += [desk.post(), desk.post()]
            await asyncio.sleep(0)
        await asyncio.gather(*answers)
        assert desk.recorder.batches == [3, 8]

    at(storage, story, gather_sec=3600.0)


def test_a_batch_has_its_bound(storage: Path) -> None:
    async def story(desk: Desk) -> None:
        answers = await asyncio.gather(*[desk.post() for _ in range(55)])
        assert [answer.event_id for answer in answers if isinstance(answer, Outcome)] == list(range(3, 58))
        assert desk.recorder.batches == [10, 10, 10, 10, 10, 5]

    at(storage, story, max_batch=10)


def test_a_call_that_was_alone_last_time_waits_for_no_others(storage: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.post_alone(2)
        first = desk.post()
        await asyncio.sleep(0)
        second = desk.post()
        await asyncio.gather(first, second)
        assert desk.recorder.batches == [1, 1, 1, 1]

    at(storage, story)


def test_a_batch_begins_in_time_however_many_calls_still_come_in(storage: Path) -> None:
    async def story(desk: Desk) -> None:
        await asyncio.gather(desk.post(), desk.post())
        answers = []
        for _ in range(20):
            answers.append(desk.post())
            await asyncio.sleep(0)
        await asyncio.gather(*answers)
        assert len(desk.recorder.batches) > 2

    at(storage, story, gather_sec=0.0)


def test_a_look_at_the_log_that_is_asked_for_while_a_batch_is_flushed_follows_it(storage: Path) -> None:
    async def story(desk: Desk) -> None:
        look = [desk.commits.catch_up]
        desk.recorder.during_flush = lambda: look.pop()() if look else None
        await desk.post_alone(1)
        await until(lambda: desk.recorder.batches == [1, 0], "another batch")

    at(storage, story)


def test_who_asks_for_a_look_at_the_log_goes_on_when_it_begins(storage: Path) -> None:
    async def story(desk: Desk) -> None:
        looking = asyncio.create_task(desk.commits.look())
        await asyncio.sleep(0)
        assert (looking.done(), desk.recorder.batches) == (False, [])
        await looking
        assert desk.recorder.batches == [0]

    at(storage, story)


def test_a_batch_that_begins_after_a_look_was_asked_for_is_that_look(storage: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.commits.catch_up()
        await desk.post_alone(2)
        assert desk.recorder.batches == [1, 1]

    at(storage, story)


def test_who_stops_it_twice_while_a_batch_is_on_its_way_gets_both_done(storage: Path) -> None:
    async def story(desk: Desk) -> None:
        on_disk = threading.Event()
        desk.recorder.has_much_to_copy, desk.recorder.during_flush = True, partial(on_disk.wait, WITHIN_SEC)
        answer = desk.post()
        await until(lambda: desk.recorder.flushed_on == [THREAD], "the flush")
        async with asyncio.timeout(WITHIN_SEC):
            stops = asyncio.gather(desk.commits.stop(), desk.commits.stop())
            await asyncio.sleep(0)
            on_disk.set()
            await stops
        assert isinstance(answer.result(), Outcome)

    at(storage, story)


def test_a_quick_disk_is_flushed_on_the_loop(storage: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.post_alone(3)
        assert desk.recorder.flushed_on == [LOOP] * 3

    at(storage, story, FlushPolicy(quick_sec=3600.0))


def test_a_slow_disk_is_flushed_on_the_loop_for_a_caller_that_is_alone(storage: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.recorder.flush_sec = 0.003
        for _ in range(5):
            await desk.post_alone(1)
            await asyncio.sleep(0.001)  # an answer goes out, and the next request comes in
        assert desk.recorder.flushed_on == [LOOP] * 5

    at(storage, story, FlushPolicy(quick_sec=0.002, lone_sec=3600.0))


def test_a_slow_disk_is_flushed_on_the_thread_once_it_held_somebody_up(storage: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.recorder.flush_sec = 0.003
        desk.recorder.during_flush = lambda: desk.post_soon(2)
        await desk.post_alone(1)
        desk.recorder.during_flush = nothing
        await asyncio.sleep(0.02)
        await desk.post_alone(2)
        assert desk.recorder.flushed_on[0] == LOOP
        assert desk.recorder.flushed_on[-2:] == [THREAD] * 2

    at(storage, story, FlushPolicy(quick_sec=0.002, lone_sec=3600.0, apart_sec=3600.0))


@pytest.mark.parametrize(("apart_sec", "places"), [(3600.0, [LOOP, THREAD, THREAD]), (0.0, [LOOP] * 3)])
def test_a_disk_that_is_too_slow_is_flushed_on_the_thread_and_tried_on_the_loop_now_and_then(
    storage: Path, apart_sec: float, places: list[str]
) -> None:
    async def story(desk: Desk) -> None:
        desk.recorder.flush_sec = 0.001
        for _ in range(3):
            await desk.post_alone(1)
            await asyncio.sleep(0.001)
        assert desk.recorder.flushed_on == places

    at(storage, story, FlushPolicy(quick_sec=0.0, lone_sec=0.0, apart_sec=apart_sec))


def test_a_fault_of_ours_while_the_lock_is_waited_for_is_told_and_the_next_call_goes_on(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(desk: Desk) -> None:
        with monkeypatch.context() as fault:
            fault.setattr(desk.recorder, "stage", lambda _calls, **_: None)  # another hub holds the lock
            fault.setattr(desk.recorder, "take_lock", lambda: 1 // 0)
            assert isinstance(await desk.post(), UnexpectedFailure)
        await desk.post_alone(1)

    at(storage, story)


def test_what_copies_much_of_the_wal_is_done_on_the_thread(storage: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.recorder.has_much_to_copy = True
        await desk.post_alone(2)
        assert desk.recorder.flushed_on == [THREAD] * 2

    at(storage, story)
