"""A hub tells the log when it begins and ends, and a shutdown counts down once and fires unless it is called off."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from arclog.deciders.channels import CreateChannel
from arclog.deciders.hub import CancelShutdown, InitiateShutdown
from arclog.errors import HubStopping, InvalidInput, StorageError, StorageFull
from arclog.events import HubStarted, HubStopped, ShutdownFired
from projections.hub.hub import Hub
from projections.hub.processes import find_own
from projections.hub.settings import Settings
from tests.support.faulty_disk import FaultyDisk, faulty_disk
from tests.support.hubs import on_hubs, running
from tests.support.recorders import events_in, post
from tests.support.waiting import WITHIN_SEC, until

# Start and stop ------------------------------------------------------------------------------------------------------


def test_a_hubs_life_is_in_the_log(storage: Path) -> None:
    ids = []

    async def story(hub: Hub) -> None:
        ids.append((hub.hub_id, hub.instance_id))
        await hub.execute(post())

    on_hubs(storage, story)
    on_hubs(storage, story)
    (first, instance), (second, same) = ids
    assert instance == same != ""
    started: dict[str, Any] = {
        "version": "1.0.0",
        "url": "http://127.0.0.1:1",
        "presence_ttl_sec": 120.0,
        "process": find_own(),
    }
    assert [event.data for event in events_in(storage) if event.stream.startswith("hub/")] == [
        HubStarted(hub_id=first, **started),
        HubStopped(hub_id=first),
        HubStarted(hub_id=second, **started),
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
            reading = asyncio.create_task(hub.read_on_thread(lambda _connection: released.wait(WITHIN_SEC)))
            await asyncio.sleep(0)
            stopping = asyncio.create_task(hub.stop())
            await until(lambda: hub.reading._threads._shutdown, "the end of the readers")
            released.set()  # the loop still runs, else nobody could say so
            assert await reading
            await stopping

    asyncio.run(run())


def test_a_storage_that_fails_is_told_once_and_once_that_it_takes_writes_again(storage: Path) -> None:
    told: list[str | None] = []

    async def run(disk: FaultyDisk) -> None:
        async with running(storage) as hub:
            hub.alarms.on_trouble.append(lambda error: told.append(None if error is None else error.code))
            disk.fail("full", lasting=True)
            for _ in range(3):
                with pytest.raises(StorageFull):
                    await hub.execute(post())
            assert told == ["storage_full"]
            disk.heal()
            with pytest.raises(InvalidInput):
                await hub.execute(post(body=""))  # a refusal proves nothing
            assert told == ["storage_full"]
            await hub.execute(post())
            await hub.execute(post())
            assert told == ["storage_full", None]

    with faulty_disk() as disk:
        asyncio.run(run(disk))


def test_a_storage_that_cannot_be_opened_makes_no_hub(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        Hub(Settings(storage=tmp_path / "missing" / "arc.sqlite3"))


# Shutdown ------------------------------------------------------------------------------------------------------------


def is_pending(hub: Hub) -> bool:
    return hub.state.shutdown_pending


async def pass_countdown(hub: Hub, delay_sec: float) -> None:
    """Come back when a countdown that began before would have fired, and been carried out.

    The loop keeps the order of its timers, and the hub that of its calls: what comes after in both is later.
    """
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(delay_sec, passed.set)
    await passed.wait()
    await hub.execute(CreateChannel(name="general"))


def test_a_shutdown_fires_when_its_delay_is_over(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        fired: list[None] = []
        hub.ending.on_shutdown.append(lambda: fired.append(None))
        assert hub.ending.remaining() is None
        await hub.execute(InitiateShutdown(delay_sec=0.4))
        assert hub.ending.remaining() == (0, 0)
        assert is_pending(hub)
        await until(lambda: fired, "the shutdown")
        assert hub.ending.remaining() is None
        assert not is_pending(hub)
        assert len(fired) == 1

    on_hubs(storage, story)
    assert sum(isinstance(event.data, ShutdownFired) for event in events_in(storage)) == 1


def test_a_shutdown_whose_delay_ends_while_it_is_being_cancelled_does_not_fire(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        fired: list[None] = []
        hub.ending.on_shutdown.append(lambda: fired.append(None))
        await hub.execute(InitiateShutdown(delay_sec=100))
        cancelling = asyncio.create_task(hub.execute(CancelShutdown()))
        await asyncio.sleep(0)  # it is queued
        hub.ending.fire()
        assert (await cancelling).event_id is not None
        await hub.execute(CreateChannel(name="general"))  # judged after what was queued before it
        assert fired == []

    on_hubs(storage, story)
    assert not any(isinstance(event.data, ShutdownFired) for event in events_in(storage))


def test_a_shutdown_that_was_cancelled_does_not_fire(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        fired: list[None] = []
        hub.ending.on_shutdown.append(lambda: fired.append(None))
        await hub.execute(InitiateShutdown(delay_sec=1))
        await hub.execute(CancelShutdown())
        assert hub.ending.remaining() is None
        await pass_countdown(hub, 1)
        assert fired == []
        await hub.execute(InitiateShutdown(delay_sec=100))
        assert hub.ending.remaining() == (100, 100)

    on_hubs(storage, story)


def test_a_shutdown_that_is_asked_for_twice_under_one_key_counts_down_once(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        fired: list[None] = []
        hub.ending.on_shutdown.append(lambda: fired.append(None))
        for _ in range(2):
            await hub.execute(InitiateShutdown(delay_sec=0.1), key="key", request=b"hash")
        await until(lambda: fired, "the shutdown")
        await pass_countdown(hub, 0.1)
        assert len(fired) == 1

    on_hubs(storage, story)


def test_a_retry_of_an_old_shutdown_does_not_stop_a_hub(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        fired: list[None] = []
        hub.ending.on_shutdown.append(lambda: fired.append(None))
        await hub.execute(InitiateShutdown(delay_sec=1), key="key", request=b"hash")
        await hub.execute(CancelShutdown())
        await hub.execute(InitiateShutdown(delay_sec=1), key="key", request=b"hash")
        assert hub.ending.remaining() is None
        await pass_countdown(hub, 1)
        assert fired == []

    on_hubs(storage, story)


def test_a_retry_of_an_old_cancellation_does_not_call_off_a_new_shutdown(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        await hub.execute(InitiateShutdown(delay_sec=100))
        await hub.execute(CancelShutdown(), key="key", request=b"hash")
        await hub.execute(InitiateShutdown(delay_sec=200))
        await hub.execute(CancelShutdown(), key="key", request=b"hash")
        assert hub.ending.remaining() == (200, 200)
        assert is_pending(hub)

    on_hubs(storage, story)
