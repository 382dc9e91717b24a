"""Hubs whose log is kept elsewhere: whatever becomes of the line, nothing acknowledged is lost or done twice."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from arclog.clock import LogClock
from arclog.deciders.fields import Limits
from arclog.deciders.hub import HubState
from arclog.deciders.locks import AcquireLock
from arclog.deciders.sessions import OpenSession
from arclog.digest import GENESIS
from arclog.errors import ArcError, LockLost, LogAway, LogReplaced, OutcomeUnknown, StorageBusy, StorageError
from arclog.machine_time import MachineTime
from arclog.progress import no_progress
from arclog.sqlite.reads import read_head
from projections.hub.calls import Call
from projections.hub.hub import Hub
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from projections.hub.settings import Settings
from projections.message_pages import MessageQuery
from tests.support.chains import find_break
from tests.support.hubs import bodies
from tests.support.memory_engine import MemoryLog
from tests.support.recorders import PRESENCE_TTL, contents, events_in, post, reading
from tests.support.waiting import WITHIN_SEC, until


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@contextmanager
def recorder_on(log: MemoryLog, storage: Path) -> Iterator[Recorder]:
    """A recorder that keeps what it records in `log`."""
    clock = LogClock(MachineTime())
    recorder = Recorder(storage, clock, Limits(), PRESENCE_TTL, HubState(hub_id=storage.stem), log.join())
    try:
        recorder.start(no_progress)
        yield recorder
    finally:
        recorder.stop()


@pytest.fixture
def recorder(log: MemoryLog, tmp_path: Path) -> Iterator[Recorder]:
    with recorder_on(log, tmp_path / "a.sqlite3") as recorder:
        yield recorder


@pytest.fixture
def other(log: MemoryLog, tmp_path: Path, recorder: Recorder) -> Iterator[Recorder]:
    with recorder_on(log, tmp_path / "b.sqlite3") as other:
        yield other


def said(log: MemoryLog) -> list[str]:
    """What was posted, in order."""
    return [getattr(event.decode().data, "body", "") for event in log.events[2:]]


# In order ------------------------------------------------------------------------------------------------------------


def test_hubs_in_turns_form_one_log_and_have_the_same_tables(
    log: MemoryLog, tmp_path: Path, recorder: Recorder, other: Recorder
) -> None:
    for number in range(10):
        (recorder, other)[number % 2].execute(post(f"agent-{number}", thread_id="t"))
    other.execute(AcquireLock(agent_id="a", file_path="p"))
    refused = recorder.execute(AcquireLock(agent_id="b", file_path="p"))
    assert refused.acquired is False
    other.transact([])
    assert find_break(GENESIS, log.events) is None
    with reading(tmp_path / "a.sqlite3") as here, reading(tmp_path / "b.sqlite3") as there:
        assert contents(here) == contents(there)
    assert [event.event_id for event in events_in(tmp_path / "a.sqlite3")] == list(range(1, len(log.events) + 1))


def test_a_key_that_another_hub_took_gives_its_answer_here(recorder: Recorder, other: Recorder) -> None:
    first = recorder.execute(post(), "http", "key", b"hash")
    assert other.execute(post(), "http", "key", b"hash") == first


def test_a_hub_that_joins_later_has_everything(log: MemoryLog, tmp_path: Path, recorder: Recorder) -> None:
    for number in range(30):
        recorder.execute(post(str(number)))
    with recorder_on(log, tmp_path / "late.sqlite3") as late:
        assert late.last_event_id == recorder.last_event_id
    with reading(tmp_path / "a.sqlite3") as here, reading(tmp_path / "late.sqlite3") as there:
        assert contents(here) == contents(there)


def test_a_hub_whose_first_start_was_broken_off_has_the_rows_of_what_others_appended_meanwhile(
    log: MemoryLog, tmp_path: Path
) -> None:
    log.loses_lock = 1
    with pytest.raises(LockLost), recorder_on(log, tmp_path / "late.sqlite3"):
        pass
    with recorder_on(log, tmp_path / "a.sqlite3") as recorder:
        recorder.execute(post())
    with recorder_on(log, tmp_path / "late.sqlite3"):
        pass
    with reading(tmp_path / "a.sqlite3") as here, reading(tmp_path / "late.sqlite3") as there:
        assert contents(here) == contents(there)


# The engine is away --------------------------------------------------------------------------------------------------


def test_while_the_log_is_away_writes_are_refused_and_reads_go_on(
    log: MemoryLog, tmp_path: Path, recorder: Recorder
) -> None:
    recorder.execute(post(body="before"))
    log.is_away = True
    for _ in range(2):
        with pytest.raises(LogAway, match="nothing of this call was kept"):
            recorder.execute(post(body="meanwhile"))
    assert len(events_in(tmp_path / "a.sqlite3")) == 3
    log.is_away = False
    recorder.execute(post(body="after"))
    assert said(log) == ["before", "after"]


def test_a_log_that_goes_away_before_it_took_a_batch_has_nothing_of_it(log: MemoryLog, recorder: Recorder) -> None:
    def leave() -> None:
        log.is_away = True

    log.stall = leave
    with pytest.raises(LogAway):
        recorder.execute(post(body="lost"), "http", "key", b"hash")
    log.is_away, log.stall = False, lambda: None
    recorder.execute(post(body="lost"), "http", "key", b"hash")
    assert said(log) == ["lost"]


def test_who_waits_too_long_for_a_hub_that_stalls_with_the_lock_is_told(
    log: MemoryLog, recorder: Recorder, other: Recorder
) -> None:
    log.busy_sec = 0.05
    stalls, released = threading.Event(), threading.Event()

    def stall() -> None:
        stalls.set()
        released.wait(WITHIN_SEC)

    log.stall = stall
    stalled = threading.Thread(target=recorder.execute, args=[post(body="slow")])
    stalled.start()
    assert stalls.wait(WITHIN_SEC)
    with pytest.raises(StorageBusy):
        other.execute(post(body="quick"))
    released.set()
    stalled.join()
    other.execute(post(body="quick"))
    assert said(log) == ["slow", "quick"]


# The answer is lost --------------------------------------------------------------------------------------------------


def test_a_batch_whose_answer_was_lost_is_acknowledged_once_it_is_known_to_be_kept(
    log: MemoryLog, tmp_path: Path, recorder: Recorder
) -> None:
    log.loses_answer = "kept"
    assert recorder.execute(post(body="once")).event_id == 3
    assert recorder.execute(post(body="next")).event_id == 4
    assert said(log) == ["once", "next"]
    assert len(events_in(tmp_path / "a.sqlite3")) == 4


def test_a_batch_whose_answer_was_lost_is_judged_anew_when_it_is_known_not_to_be_kept(
    log: MemoryLog, recorder: Recorder
) -> None:
    log.loses_answer = "not kept"
    assert recorder.execute(post(body="once")).event_id == 3
    assert said(log) == ["once"]


def test_another_hubs_event_in_the_place_of_ours_is_not_taken_for_ours(
    log: MemoryLog, recorder: Recorder, other: Recorder
) -> None:
    log.loses_answer = "not kept"
    found = log.joined[0].read
    taken: list[Outcome] = []

    def read_after_another(after: int, limit: int, *, wait: bool = True) -> Any:
        if not taken:
            taken.append(other.execute(AcquireLock(agent_id="b", file_path="p")))
        return found(after, limit, wait=wait)

    log.joined[0].read = read_after_another  # type: ignore[method-assign]
    mine = recorder.execute(AcquireLock(agent_id="a", file_path="p"))
    assert (taken[0].acquired, mine.acquired) == (True, False)


def test_nobody_is_answered_and_nothing_written_while_it_is_not_known_whether_a_batch_was_kept(
    log: MemoryLog, recorder: Recorder
) -> None:
    def leave() -> None:
        log.is_away = True

    log.loses_answer = "kept"
    answers: list[Outcome | ArcError] = []
    recorder.doubt.on_begin = leave
    assert recorder.stage([], wait=False) is None, "a remote log is asked on the thread"
    assert recorder.take_lock() is None
    commit = recorder.stage([Call(post(body="once"), answers.append)], wait=False)
    assert commit is not None
    flushing = threading.Thread(target=lambda: recorder.flush(commit).tell())
    flushing.start()
    flushing.join(0.2)
    assert (flushing.is_alive(), recorder.doubt.exists, answers) == (True, True, [])
    log.is_away = False
    flushing.join(WITHIN_SEC)
    assert [type(answer) for answer in answers] == [Outcome]
    assert said(log) == ["once"]


def test_a_hub_that_ends_in_doubt_says_that_it_does_not_know(log: MemoryLog, recorder: Recorder) -> None:
    def leave() -> None:
        log.is_away = True
        recorder.doubt.stop_waiting()

    log.loses_answer = "kept"
    recorder.doubt.on_begin = leave
    with pytest.raises(OutcomeUnknown, match="same idempotency key"):
        recorder.execute(post(body="once"))


# The lock is lost ----------------------------------------------------------------------------------------------------


def test_a_batch_that_lost_its_lock_is_judged_anew_at_the_new_head(log: MemoryLog, recorder: Recorder) -> None:
    log.loses_lock = 2
    assert recorder.execute(post(body="late")).event_id == 3
    assert said(log) == ["late"]


def test_a_batch_that_loses_its_lock_again_and_again_is_refused(log: MemoryLog, recorder: Recorder) -> None:
    log.loses_lock = 3
    with pytest.raises(LockLost):
        recorder.execute(post(body="late"))
    assert said(log) == []
    recorder.execute(post(body="next"))
    assert said(log) == ["next"]


# The log is another one ----------------------------------------------------------------------------------------------


def test_nothing_is_written_on_a_log_that_was_restored_to_an_older_state(
    log: MemoryLog, tmp_path: Path, recorder: Recorder
) -> None:
    recorder.execute(post(body="one"))
    recorder.execute(post(body="two"))
    log.restore(3)
    for _ in range(2):
        with pytest.raises(LogReplaced):
            recorder.execute(post(body="three"))
    assert said(log) == ["one"]
    assert len(events_in(tmp_path / "a.sqlite3")) == 4


def test_nothing_is_written_on_a_log_that_has_another_event_in_the_place_of_ours(
    log: MemoryLog, tmp_path: Path, recorder: Recorder
) -> None:
    recorder.execute(post(body="one"))
    log.restore(2)
    with recorder_on(log, tmp_path / "new.sqlite3") as new:
        new.execute(post(body="another one"))
    with pytest.raises(LogReplaced):
        recorder.execute(post(body="two"))
    assert said(log) == ["another one"]


# Between the two commits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("restarts", [False, True])
def test_what_the_log_kept_and_the_storage_did_not_is_in_the_storage_later_and_found_by_its_key(
    log: MemoryLog, tmp_path: Path, restarts: bool
) -> None:
    with ExitStack() as stack:
        recorder = stack.enter_context(recorder_on(log, tmp_path / "a.sqlite3"))
        recorder._side.connection.set_commit_hook(lambda: True)
        with pytest.raises(StorageError):
            recorder.execute(post(body="kept"), "http", "key", b"hash")
        recorder._side.connection.set_commit_hook(None)
        if restarts:
            recorder = stack.enter_context(recorder_on(log, tmp_path / "a.sqlite3"))
        assert recorder.execute(post(body="kept"), "http", "key", b"hash").event_id == 3
        assert said(log) == ["kept"]
        assert len(events_in(tmp_path / "a.sqlite3")) == 3


# Whole hubs ----------------------------------------------------------------------------------------------------------


async def started(stack: AsyncExitStack, log: MemoryLog, storage: Path) -> Hub:
    hub = Hub(Settings(storage=storage), remote=log.join())
    await hub.start()
    stack.push_async_callback(hub.stop)
    return hub


def on_two_hubs(log: MemoryLog, folder: Path, story: Any) -> None:
    async def run() -> None:
        async with asyncio.timeout(60), AsyncExitStack() as stack:
            one = await started(stack, log, folder / "a.sqlite3")
            await story(one, await started(stack, log, folder / "b.sqlite3"))

    asyncio.run(run())


def test_who_waits_at_one_hub_gets_what_is_posted_at_another(log: MemoryLog, tmp_path: Path) -> None:
    async def story(one: Hub, two: Hub) -> None:
        waiting = asyncio.create_task(two.reading.wait_for_messages(MessageQuery(channel="general"), 30))
        await asyncio.sleep(0)
        await one.execute(post(body="news"))
        assert bodies(await waiting) == ["news"]

    on_two_hubs(log, tmp_path, story)


def test_what_another_hub_appends_can_soon_be_read_though_nobody_waits(log: MemoryLog, tmp_path: Path) -> None:
    async def story(one: Hub, two: Hub) -> None:
        outcome = await one.execute(OpenSession(agent_id="a"))
        await until(
            lambda: two.read(read_head).event_id >= (outcome.event_id or 0), "the event in the other hub's storage"
        )

    on_two_hubs(log, tmp_path, story)


def test_calls_that_come_while_a_batch_is_in_doubt_are_refused_at_once(log: MemoryLog, tmp_path: Path) -> None:
    async def story(one: Hub, _two: Hub) -> None:
        began = asyncio.Event()
        loop, recorder = asyncio.get_running_loop(), one._recorder
        tell = recorder.doubt.on_begin

        def leave() -> None:
            log.is_away = True
            tell()
            loop.call_soon_threadsafe(began.set)

        recorder.doubt.on_begin = leave
        log.loses_answer = "kept"
        first = asyncio.create_task(one.execute(post(body="first")))
        await asyncio.wait_for(began.wait(), WITHIN_SEC)
        with pytest.raises(LogAway, match="not said yet"):
            await one.execute(post(body="second"))
        assert not first.done()
        log.is_away = False
        assert (await first).created
        assert (await one.execute(post(body="third"))).created

    on_two_hubs(log, tmp_path, story)


def test_of_many_calls_each_gets_its_own_answer_though_the_last_are_refused_before_the_first_are_known(
    log: MemoryLog, tmp_path: Path
) -> None:
    async def story(one: Hub, _two: Hub) -> None:
        one._commits._max_batch = 3
        loop, tell = asyncio.get_running_loop(), one._recorder.doubt.on_begin

        def leave() -> None:
            log.is_away = True
            tell()
            loop.call_soon_threadsafe(setattr, log, "is_away", False)

        one._recorder.doubt.on_begin = leave
        log.loses_answer = "kept"
        told = await one.execute_all([Call(post(body=f"{number}")) for number in range(5)])
        assert [type(answer) for answer in told] == [Outcome] * 3 + [LogAway] * 2

    on_two_hubs(log, tmp_path, story)
