"""A hub that starts while its log is away serves the copy that it has, and goes on when the log is back."""

import asyncio
import time
from pathlib import Path

import pytest

from arclog.errors import LogAway, LogReplaced, StorageError
from projections.hub.hub import Hub
from projections.hub.settings import Settings
from projections.message_pages import MessageQuery
from tests.support.hubs import bodies
from tests.support.memory_engine import MemoryLog
from tests.support.recorders import events_in, post, recording
from tests.support.waiting import until


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def copied(log: MemoryLog, tmp_path: Path) -> Path:
    """A copy of a log that is away by now."""
    storage = tmp_path / "copied.sqlite3"
    with recording(storage, remote=log.join()) as recorder:
        recorder.execute(post(body="before"))
    log.is_away = True
    return storage


async def started(log: MemoryLog, storage: Path) -> Hub:
    hub = Hub(Settings(storage=storage, version="1.0.0"), remote=log.join())
    await hub.start("http://127.0.0.1:1")
    return hub


def test_what_the_copy_has_is_read_and_nothing_is_written_until_the_log_is_back(log: MemoryLog, copied: Path) -> None:
    async def story() -> None:
        hub = await started(log, copied)
        try:
            assert isinstance(hub.trouble, LogAway)
            found = await hub.reading.read_messages(MessageQuery(channel="general"), hub.now())
            assert bodies(found.page) == ["before"]
            with pytest.raises(LogAway):
                await hub.execute(post(body="too early"))
            log.is_away = False
            back_at = time.monotonic()
            await until(lambda: hub.trouble is None, "the hub to find its log")
            await until(lambda: any(event.type == "hub.started" for event in log.events), "the start to be in the log")
            assert time.monotonic() - back_at <= 10
            assert (await hub.execute(post(body="after"))).created
        finally:
            await hub.stop()

    asyncio.run(story())
    assert [event.type for event in log.events].count("hub.started") == 1
    assert events_in(copied)[-1].type == "hub.stopped"


def test_a_hub_says_how_old_its_copy_may_be(log: MemoryLog, copied: Path) -> None:
    with recording(copied, remote=log.join()) as recorder:
        state = recorder.engine.state  # type: ignore[attr-defined]
        assert state.lag_sec >= 0
        assert isinstance(recorder.trouble, LogAway)


def test_a_hub_that_ends_before_its_log_was_back_has_recorded_nothing(log: MemoryLog, copied: Path) -> None:
    head = events_in(copied)[-1].event_id

    async def story() -> None:
        await (await started(log, copied)).stop()

    asyncio.run(story())
    assert events_in(copied)[-1].event_id == head


@pytest.mark.parametrize("was_a_log", [False, True])
def test_a_storage_that_is_no_copy_of_the_log_is_not_served(log: MemoryLog, tmp_path: Path, was_a_log: bool) -> None:
    storage = tmp_path / "own.sqlite3"
    if was_a_log:
        with recording(storage) as recorder:
            recorder.execute(post())
    log.is_away = True
    with (
        pytest.raises(StorageError, match="is not a copy of it that could be served meanwhile"),
        recording(storage, remote=log.join()),
    ):
        pass


def test_another_log_that_is_there_instead_is_not_written_to(log: MemoryLog, copied: Path) -> None:
    with recording(copied, remote=log.join()) as recorder:
        log.events.clear()
        log.is_away = False
        with pytest.raises(LogReplaced):
            recorder.execute(post())
    assert log.events == []
