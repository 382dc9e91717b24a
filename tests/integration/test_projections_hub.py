"""The hub on its event loop: group commit, reads, waiting, presence and shutdown."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from arclog.connection import open_connection
from arclog.deciders.channels import CreateChannel
from arclog.deciders.hub import CancelShutdown, InitiateShutdown
from arclog.deciders.locks import AcquireLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession, SeeAgent
from arclog.errors import HubStopping, InvalidInput, StorageBusy, StorageError, UnexpectedFailure
from arclog.events import AgentSeen, HubStarted, HubStopped, SessionExpired, ShutdownFired
from projections import locks, messages, sessions
from projections.answers import Outcome
from projections.calls import Request
from projections.hub import Hub, Settings
from projections.messages import MessageQuery
from projections.moments import find_event_of
from tests.support.recorders import events_in

WITHIN_SEC = 10.0


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "arc.sqlite3"


@asynccontextmanager
async def running(storage: Path, **settings: Any) -> AsyncIterator[Hub]:
    hub = Hub(Settings(storage=storage, version="1.0.0", **settings))
    await hub.start("http://127.0.0.1:1")
    try:
        yield hub
    finally:
        await hub.stop()


def on_hubs(storage: Path, story: Callable[..., Coroutine[Any, Any, None]], **settings: Any) -> None:
    """Run a story with as many hubs on one storage as it takes."""

    async def run() -> None:
        async with AsyncExitStack() as stack:
            count = story.__code__.co_argcount
            hubs = [await stack.enter_async_context(running(storage, **settings)) for _ in range(count)]
            await asyncio.wait_for(story(*hubs), 60)

    asyncio.run(run())


async def until(condition: Callable[[], object], what: str) -> None:
    """Let the loop run until a condition holds, at most `WITHIN_SEC`."""
    deadline = time.monotonic() + WITHIN_SEC
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.005)


def post(agent: str = "a", **given: Any) -> PostMessage:
    return PostMessage(**{"from_agent": agent, "body": "hi"} | given)


def bodies(page: messages.Page) -> list[str]:
    return [msgspec.json.decode(row)["body"] for row in page.rows]


# Life ----------------------------------------------------------------------------------------------------------------


def test_a_hubs_life_is_in_the_log(storage: Path) -> None:
    ids = []

    async def story(hub: Hub) -> None:
        ids.append((hub.hub_id, hub.instance_id))
        await hub.execute(post())

    on_hubs(storage, story)
    on_hubs(storage, story)
    (first, instance), (second, same) = ids
    assert instance == same != ""
    assert [event.data for event in events_in(storage) if event.stream.startswith("hub/")] == [
        HubStarted(hub_id=first, version="1.0.0", url="http://127.0.0.1:1"),
        HubStopped(hub_id=first),
        HubStarted(hub_id=second, version="1.0.0", url="http://127.0.0.1:1"),
        HubStopped(hub_id=second),
    ]


def test_a_hub_that_stopped_takes_no_more_calls(storage: Path) -> None:
    async def run() -> None:
        async with running(storage) as hub:
            last = asyncio.gather(*(hub.execute(post(body=str(number))) for number in range(20)))
            await asyncio.sleep(0)
        assert len(await last) == 20
        with pytest.raises(HubStopping):
            await hub.execute(post())

    asyncio.run(run())
    assert events_in(storage)[-1].type == "hub.stopped"


def test_a_read_that_takes_long_does_not_hold_up_the_loop_of_a_hub_that_stops(storage: Path) -> None:
    released = threading.Event()

    async def run() -> None:
        async with running(storage) as hub:
            reading = asyncio.create_task(hub.read_apart(lambda _connection: released.wait(WITHIN_SEC)))
            await asyncio.sleep(0)
            stopping = asyncio.create_task(hub.stop())
            await until(lambda: hub._threads._shutdown, "the end of the readers")
            released.set()  # the loop still runs, else nobody could say so
            assert await reading
            await stopping

    asyncio.run(run())


def test_a_storage_that_cannot_be_opened_makes_no_hub(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        Hub(Settings(storage=tmp_path / "missing" / "arc.sqlite3"))


# Writing -------------------------------------------------------------------------------------------------------------


def test_calls_that_come_together_share_a_transaction_and_keep_their_order(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        commits: list[None] = []

        def count() -> bool:
            commits.append(None)
            return False

        hub._recorder._connection.set_commit_hook(count)
        outcomes = await asyncio.gather(*(hub.execute(post(body=str(number))) for number in range(300)))
        assert [msgspec.json.decode(outcome.result)["body"] for outcome in outcomes] == [str(n) for n in range(300)]
        assert [outcome.event_id for outcome in outcomes] == list(range(4, 304))
        assert len(commits) < 10

    on_hubs(storage, story)


def test_a_batch_has_its_bound(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.group_commit.MAX_BATCH", 10)

    async def story(hub: Hub) -> None:
        outcomes = await asyncio.gather(*(hub.execute(post()) for _ in range(55)))
        assert [outcome.event_id for outcome in outcomes] == list(range(4, 59))

    on_hubs(storage, story)


def test_a_refusal_is_raised_where_the_call_was_made(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        good, bad = await asyncio.gather(hub.execute(post()), hub.execute(post(kind="shout")), return_exceptions=True)
        assert isinstance(good, Outcome)
        assert isinstance(bad, InvalidInput)

    on_hubs(storage, story)


def test_many_requests_at_once_are_answered_in_their_order_each_for_itself(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.group_commit.MAX_BATCH", 7)

    async def story(hub: Hub) -> None:
        requests = [Request(post(body=str(number)), "http", f"key-{number}", b"hash") for number in range(20)]
        requests[5] = Request(post(kind="shout"))
        results = await hub.execute_all(requests)
        assert isinstance(results.pop(5), InvalidInput)
        told = [msgspec.json.decode(result.result)["body"] for result in results if isinstance(result, Outcome)]
        assert told == [str(number) for number in range(20) if number != 5]
        head = hub._recorder.last_event_id
        del requests[5]
        assert await hub.execute_all(requests) == results
        assert hub._recorder.last_event_id == head
        assert await hub.execute_all([]) == []

    on_hubs(storage, story)


def test_a_caller_that_went_away_costs_the_others_nothing(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        gone = asyncio.create_task(hub.execute(post("gone")))
        stays = asyncio.create_task(hub.execute(post("stays")))
        await asyncio.sleep(0)
        gone.cancel()
        assert (await stays).created
        assert (await hub.execute(post())).created

    on_hubs(storage, story)
    assert [event.actor for event in events_in(storage) if event.type == "message.posted"] == ["gone", "stays", "a"]


def test_while_another_process_holds_the_lock_the_loop_and_the_reads_go_on(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arclog.connection.BUSY_TIMEOUT_SEC", 0.5)

    async def story(hub: Hub) -> None:
        await hub.execute(post(body="before"))
        holder = open_connection(storage)
        holder.execute("BEGIN IMMEDIATE")
        calls = [asyncio.create_task(hub.execute(post())) for _ in range(3)]
        lag = 0.0
        while not all(call.done() for call in calls):
            began_at = time.monotonic()
            assert bodies(hub.read(messages.read_messages, MessageQuery(channel="general"), hub.at())) == ["before"]
            await asyncio.sleep(0.005)
            lag = max(lag, time.monotonic() - began_at)
        assert all(isinstance(call.exception(), StorageBusy) for call in calls)
        assert lag < 0.3
        waiting = asyncio.create_task(hub.execute(post(body="after")))
        await asyncio.sleep(0.05)
        holder.execute("ROLLBACK")
        assert (await waiting).created
        holder.close()

    on_hubs(storage, story)


def test_two_hubs_that_write_at_once_lose_nothing(storage: Path) -> None:
    async def story(one: Hub, two: Hub) -> None:
        calls = [(one, two)[number % 2].execute(post(body=str(number), thread_id="t")) for number in range(200)]
        outcomes = await asyncio.gather(*calls)
        assert len({outcome.event_id for outcome in outcomes}) == 200
        page = one.read(messages.read_messages, MessageQuery(channel="general", limit=500), one.at())
        assert sorted(map(int, bodies(page))) == list(range(200))

    on_hubs(storage, story)


# Reading -------------------------------------------------------------------------------------------------------------


def test_reads_are_of_the_present_or_of_any_event_before(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        granted = await hub.execute(AcquireLock(agent_id="a", file_path="p"))
        assert granted.event_id is not None
        assert len(hub.read(locks.list_locks, hub.at())) == 1
        assert hub.read(locks.list_locks, hub.at(granted.event_id - 1)) == []
        assert len(await hub.read_apart(locks.list_locks, hub.at(granted.event_id))) == 1
        assert hub.read(locks.list_locks, hub.at(0)) == []

    on_hubs(storage, story)


@pytest.mark.parametrize("event_id", [-1, 4, 2**63])
def test_there_is_no_reading_as_of_an_event_that_is_not_there(storage: Path, event_id: int) -> None:
    async def story(hub: Hub) -> None:
        with pytest.raises(InvalidInput, match="as_of must be from 0 to 3"):
            hub.at(event_id)

    on_hubs(storage, story)


@pytest.mark.parametrize(
    ("text", "found"),
    [("0", 0), ("2", 2), ("1970-01-01T00:00:00Z", 0), ("9999-01-01T00:00:00Z", 3), ("9999-01-01T00:00:00 01:00", 3)],
)
def test_a_moment_is_named_by_an_event_or_a_time(storage: Path, text: str, found: int) -> None:
    async def story(hub: Hub) -> None:
        assert hub.read(find_event_of, text) == found

    on_hubs(storage, story)


@pytest.mark.parametrize("text", ["", "yesterday", "-1", "1.5", "2026-11-22", "٤", "99999-01-01T00:00:00Z"])
def test_a_moment_that_is_neither_is_refused(storage: Path, text: str) -> None:
    async def story(hub: Hub) -> None:
        with pytest.raises(InvalidInput, match="as_of must be an event id or a time"):
            hub.read(find_event_of, text)

    on_hubs(storage, story)


def test_a_read_that_fails_says_so_in_the_logs_own_terms(storage: Path) -> None:
    def broken(connection: apsw.Connection) -> None:
        connection.execute("SELECT * FROM no_such_table")

    async def story(hub: Hub) -> None:
        with pytest.raises(StorageError):
            hub.read(broken)
        with pytest.raises(StorageError):
            await hub.read_apart(broken)
        assert await hub.read_apart(sessions.list_sessions, hub.at()) == []

    on_hubs(storage, story)


# Waiting -------------------------------------------------------------------------------------------------------------


def test_who_asks_for_what_is_there_does_not_wait(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        await hub.execute(post())
        assert bodies(await hub.wait(MessageQuery(channel="general"), 10)) == ["hi"]

    on_hubs(storage, story)


def test_who_waits_is_woken_by_the_commit(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        waits = [asyncio.create_task(hub.wait(MessageQuery(agent_id=f"agent-{n}"), 30)) for n in range(50)]
        await asyncio.sleep(0.01)
        began_at = time.monotonic()
        await hub.execute(post())
        pages = await asyncio.gather(*waits)
        assert time.monotonic() - began_at < 5
        assert [bodies(page) for page in pages] == [["hi"]] * 50

    on_hubs(storage, story)


def test_who_waits_is_not_woken_by_what_it_did_not_ask_for(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        await hub.execute(CreateChannel(name="room"))
        waits = asyncio.create_task(hub.wait(MessageQuery(channel="room"), 30))
        await asyncio.sleep(0)
        for number in range(5):
            await hub.execute(post(body=str(number)))
            await hub.execute(post(to_agent="b", channel="room"))
        assert not waits.done()
        await hub.execute(post(channel="room", body="now"))
        assert bodies(await waits) == ["now"]

    on_hubs(storage, story)


def test_who_waits_in_vain_is_told_so_after_its_time(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        began_at = time.monotonic()
        assert (await hub.wait(MessageQuery(channel="general"), 0.1)).rows == []
        assert 0.09 < time.monotonic() - began_at < 5
        assert (await hub.wait(MessageQuery(channel="general"), 0)).rows == []

    on_hubs(storage, story)


def test_what_an_agent_wrote_itself_is_passed_over_in_turns(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.hub.MAX_PASSED_OVER", 10)
    turns: list[int] = []

    async def count_turns() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    async def story(hub: Hub) -> None:
        own = [asyncio.create_task(hub.execute(post("a", body="own"))) for _ in range(100)]
        await asyncio.gather(*own)
        for words in ("one", "two"):
            await hub.execute(post("b", body=words))
            await asyncio.gather(*[hub.execute(post("a", body="own")) for _ in range(30)])
        query = MessageQuery(agent_id="a", exclude_self=True)
        counting = asyncio.create_task(count_turns())
        seen, cursor = [], 0
        while (page := await hub.wait(msgspec.structs.replace(query, since_id=cursor), 0)).rows:
            seen += bodies(page)
            cursor = page.ids[-1]
        counting.cancel()
        assert seen == ["one", "two"]
        assert len(turns) > 10
        waits = asyncio.create_task(hub.wait(query, 30))
        assert bodies(await waits) == ["one"]
        waits = asyncio.create_task(hub.wait(msgspec.structs.replace(query, since_id=cursor), 30))
        await asyncio.sleep(0)
        await hub.execute(post("a", body="own"))
        await hub.execute(post("b", body="three"))
        assert bodies(await waits) == ["three"]

    on_hubs(storage, story)


def test_who_waits_is_woken_by_the_commit_of_another_hub(storage: Path) -> None:
    async def story(one: Hub, two: Hub) -> None:
        for number in range(3):
            waits = asyncio.create_task(one.wait(MessageQuery(channel="general", since_id=number), 30))
            await asyncio.sleep(0.02)
            began_at = time.monotonic()
            posted = await two.execute(post(body=str(number)))
            page = await one.wait(MessageQuery(channel="general", since_id=(posted.event_id or 0) - 1), 30)
            assert bodies(page) == [str(number)]
            assert time.monotonic() - began_at < 2
            await waits

    on_hubs(storage, story)


def test_nothing_is_missed_while_two_hubs_write(storage: Path) -> None:
    async def story(one: Hub, two: Hub) -> None:
        seen: list[str] = []

        async def follow() -> None:
            cursor = 0
            while len(seen) < 100:
                page = await one.wait(MessageQuery(agent_id="reader", since_id=cursor), 30)
                seen.extend(bodies(page))
                cursor = page.ids[-1] if page.ids else cursor

        following = asyncio.create_task(follow())
        for number in range(100):
            await (one, two)[number % 3 == 0].execute(post(body=str(number)))
        await asyncio.wait_for(following, 30)
        assert seen == [str(number) for number in range(100)]

    on_hubs(storage, story)


def test_a_hub_that_closes_lets_everyone_go(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        waits = asyncio.create_task(hub.wait(MessageQuery(channel="general"), 30))
        await asyncio.sleep(0)
        hub.begin_closing()
        assert (await asyncio.wait_for(waits, 5)).rows == []
        assert (await hub.wait(MessageQuery(channel="general"), 30)).rows == []

    on_hubs(storage, story)


def test_a_poller_that_went_away_leaves_nothing_behind(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        waits = asyncio.create_task(hub.wait(MessageQuery(channel="general"), 30))
        await asyncio.sleep(0.01)
        assert len(hub._waiters) == 1
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        assert len(hub._waiters) == 0
        await hub.execute(post())

    on_hubs(storage, story)


# Presence ------------------------------------------------------------------------------------------------------------


def test_a_silent_agents_session_ends_by_itself(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        await hub.execute(OpenSession(agent_id="a"))
        await until(lambda: not hub.read(sessions.list_sessions, hub.at()), "the end of the session")

    on_hubs(storage, story, presence_ttl_sec=0.2)
    assert sum(isinstance(event.data, SessionExpired) for event in events_in(storage)) == 1


def test_an_agent_that_waits_stays_and_goes_when_it_goes(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        await hub.execute(OpenSession(agent_id="a"))
        with hub.present("a"), hub.present("a"):
            page = await hub.wait(MessageQuery(agent_id="a"), 1.0)
            assert page.rows == []
            assert len(hub.read(sessions.list_sessions, hub.at())) == 1
        await until(lambda: not hub.read(sessions.list_sessions, hub.at()), "the end of the session")

    on_hubs(storage, story, presence_ttl_sec=0.3)
    signs = sum(isinstance(event.data, AgentSeen) for event in events_in(storage))
    assert 2 <= signs <= 12


def test_a_reader_that_asks_often_is_looked_up_rarely(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        await hub.execute(OpenSession(agent_id="a"))
        head = hub._recorder.last_event_id
        for _ in range(100):
            hub.see("a")
        await hub.execute(post("b"))
        assert hub._recorder.last_event_id == head + 1

    on_hubs(storage, story)


def test_a_hub_remembers_a_bounded_number_of_readers(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.hub.MAX_TOUCHED", 10)

    async def story(hub: Hub) -> None:
        for number in range(50):
            hub.see(f"reader-{number}")
        await hub.execute(post())
        assert len(hub._touched) <= 12

    on_hubs(storage, story)


# Shutdown ------------------------------------------------------------------------------------------------------------


def test_a_shutdown_fires_when_its_delay_is_over(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        fired: list[None] = []
        hub.on_shutdown = lambda: fired.append(None)
        assert hub.remaining() is None
        await hub.execute(InitiateShutdown(delay_sec=0.1))
        assert hub.remaining() == (0, 0)
        assert is_pending(hub)
        await until(lambda: fired, "the shutdown")
        assert hub.remaining() is None
        assert not is_pending(hub)
        assert len(fired) == 1

    on_hubs(storage, story)
    assert sum(isinstance(event.data, ShutdownFired) for event in events_in(storage)) == 1


async def pass_countdown(hub: Hub, delay_sec: float) -> None:
    """Come back when a countdown that began before would have fired, and been carried out.

    The loop keeps the order of its timers, and the hub that of its calls: what comes behind in both is later.
    """
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(delay_sec, passed.set)
    await passed.wait()
    await hub.execute(SeeAgent(agent_id="a"))


def is_pending(hub: Hub) -> bool:
    return hub.state.shutdown_pending


def test_a_shutdown_whose_delay_ends_while_it_is_being_cancelled_does_not_fire(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        fired: list[None] = []
        hub.on_shutdown = lambda: fired.append(None)
        await hub.execute(InitiateShutdown(delay_sec=100))
        cancelling = asyncio.create_task(hub.execute(CancelShutdown()))
        await asyncio.sleep(0)  # it is queued
        hub._fire()
        assert (await cancelling).event_id is not None
        await hub.execute(SeeAgent(agent_id="a"))  # judged after what was queued before it
        assert fired == []

    on_hubs(storage, story)
    assert not any(isinstance(event.data, ShutdownFired) for event in events_in(storage))


def test_a_shutdown_that_was_cancelled_does_not_fire(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        fired: list[None] = []
        hub.on_shutdown = lambda: fired.append(None)
        await hub.execute(InitiateShutdown(delay_sec=0.1))
        await hub.execute(CancelShutdown())
        assert hub.remaining() is None
        await pass_countdown(hub, 0.1)
        assert fired == []
        await hub.execute(InitiateShutdown(delay_sec=100))
        assert hub.remaining() == (100, 100)

    on_hubs(storage, story)


def test_a_shutdown_that_is_asked_for_twice_under_one_key_counts_down_once(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        fired: list[None] = []
        hub.on_shutdown = lambda: fired.append(None)
        for _ in range(2):
            await hub.execute(InitiateShutdown(delay_sec=0.1), key="key", request=b"hash")
        await until(lambda: fired, "the shutdown")
        await pass_countdown(hub, 0.1)
        assert len(fired) == 1

    on_hubs(storage, story)


def test_a_retry_of_an_old_shutdown_does_not_stop_a_hub(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        fired: list[None] = []
        hub.on_shutdown = lambda: fired.append(None)
        await hub.execute(InitiateShutdown(delay_sec=0.1), key="key", request=b"hash")
        await hub.execute(CancelShutdown())
        await hub.execute(InitiateShutdown(delay_sec=0.1), key="key", request=b"hash")
        assert hub.remaining() is None
        await pass_countdown(hub, 0.1)
        assert fired == []

    on_hubs(storage, story)


def test_a_retry_of_an_old_cancellation_does_not_call_off_a_new_shutdown(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        await hub.execute(InitiateShutdown(delay_sec=100))
        await hub.execute(CancelShutdown(), key="key", request=b"hash")
        await hub.execute(InitiateShutdown(delay_sec=200))
        await hub.execute(CancelShutdown(), key="key", request=b"hash")
        assert hub.remaining() == (200, 200)
        assert is_pending(hub)

    on_hubs(storage, story)


@pytest.mark.parametrize("step", ["stage", "flush"])
def test_a_fault_in_one_batch_is_told_to_its_callers_and_the_next_batch_gets_its_turn(
    storage: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(hub: Hub) -> None:
        def fail(*_arguments: object, **_more: object) -> None:
            raise RuntimeError("a fault of ours")

        with monkeypatch.context() as faulty:
            faulty.setattr(hub._recorder, step, fail)
            with pytest.raises(UnexpectedFailure, match="a fault of ours"):
                await hub.execute(PostMessage(from_agent="ada", body="lost"))
        kept = await hub.execute(PostMessage(from_agent="ada", body="kept"))
        assert [event.event_id for event in events_in(storage, after=3)] == [kept.event_id]

    on_hubs(storage, story)
