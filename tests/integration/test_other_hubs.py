"""What another hub appends to the same file is noticed, whether the kernel tells of it or not."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from arclog.deciders.messages import PostMessage
from arclog.errors import StorageError
from arclog.inotify import open_inotify
from arclog.sqlite import changes
from arclog.sqlite.changes import Changes
from arclog.sqlite.readers import Readers
from projections.hub.calls import Call
from projections.hub.other_hubs import OtherHubs
from projections.hub.recorder import Recorder
from projections.hub.waiting import Waiter, Waiters
from projections.message_pages import MessageQuery
from tests.support.fake_time import FakeTime
from tests.support.recorders import recording
from tests.support.waiting import WITHIN_SEC, until

Story = Callable[["Place"], Coroutine[Any, Any, None]]


class Place:
    """A hub's waiters and what watches for them, beside a recorder that stands for another hub."""

    def __init__(self, path: Path, other: Recorder, **settings: Any) -> None:
        self.other = other
        self.readers = Readers(path)
        self.waiters = Waiters()
        self.waiters.head = other.last_event_id
        self.changes = Changes(path, **settings)
        self.other_hubs = OtherHubs(self.changes.next, self.readers, self.waiters, lambda: 0)

    def close(self) -> None:
        self.other_hubs.close()
        self.changes.close()
        self.readers.close()

    def append(self) -> None:
        """What the other hub does."""
        posted = self.other.transact([Call(PostMessage(from_agent="b", body="hi"), lambda _result: None)])
        posted.tell()

    def wait(self) -> Waiter:
        """Somebody waits here from now on."""
        waiter = Waiter(MessageQuery(), asyncio.get_running_loop().create_future())
        self.waiters.add(waiter)
        self.other_hubs.watch()
        return waiter

    async def is_woken(self, waiter: Waiter) -> float:
        """Wait until a waiter is told to read again, and return the seconds that it took."""
        began_at = time.monotonic()
        assert await asyncio.wait_for(waiter.ready, WITHIN_SEC) is None
        self.waiters.discard(waiter)
        return time.monotonic() - began_at


def at(path: Path, story: Story, **settings: Any) -> None:
    async def run() -> None:
        with ExitStack() as stack:
            place = Place(path, stack.enter_context(recording(path, FakeTime())), **settings)
            stack.callback(place.close)
            await story(place)

    asyncio.run(run())


@pytest.fixture
def inotify() -> None:
    """Skips where the kernel tells of no writes."""
    found = open_inotify()
    if found is None:
        pytest.skip("inotify is missing: run the tests on Linux")
    found.close()


RARELY = {"safety_sec": 3600.0}
"""Whoever is noticed soon was announced by the kernel."""
NO_NOTIFICATIONS = {"find": lambda: None}


@pytest.mark.usefixtures("inotify")
def test_the_kernel_tells_of_a_commit_of_another_hub(storage: Path) -> None:
    async def story(place: Place) -> None:
        for _ in range(3):
            waiter = place.wait()
            await until(lambda: place.changes.armed, "the watch on the WAL")
            place.append()
            await place.is_woken(waiter)

    at(storage, story, **RARELY)


@pytest.mark.usefixtures("inotify")
def test_nobody_looks_while_nothing_is_written(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(place: Place) -> None:
        waiter = place.wait()
        await until(lambda: place.changes.armed, "the watch on the WAL")
        await asyncio.sleep(0)
        looks: list[bool] = []
        monkeypatch.setattr(place.changes, "look", lambda: looks.append(True))
        await asyncio.sleep(5 * changes.LOOK_SEC)
        assert looks == []
        place.waiters.discard(waiter)

    at(storage, story, **RARELY)


def test_where_the_kernel_does_not_tell_we_look(storage: Path) -> None:
    async def story(place: Place) -> None:
        for _ in range(3):
            waiter = place.wait()
            place.append()
            await place.is_woken(waiter)

    at(storage, story, **NO_NOTIFICATIONS)


@pytest.mark.usefixtures("inotify")
def test_a_kernel_that_said_nothing_of_a_commit_is_not_relied_on(storage: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere-wal").touch()

    async def story(place: Place) -> None:
        place.changes._wal = tmp_path / "elsewhere-wal"
        waiter = place.wait()
        await until(lambda: place.changes.armed, "the watch on the WAL")
        place.append()
        assert await place.is_woken(waiter) > changes.SAFETY_SEC / 2
        waiter = place.wait()
        place.append()
        assert await place.is_woken(waiter) < changes.SAFETY_SEC / 2

    at(storage, story)


@pytest.mark.usefixtures("inotify")
def test_a_wal_that_was_made_anew_is_watched_again(storage: Path, tmp_path: Path) -> None:
    wal = tmp_path / "elsewhere-wal"
    wal.touch()

    async def story(place: Place) -> None:
        place.changes._wal = tmp_path / "elsewhere-wal"
        waiter = place.wait()
        await until(lambda: place.changes.armed, "the watch on the WAL")
        wal.unlink()
        await until(lambda: not place.changes.armed, "the end of the watch")
        wal.touch()
        await until(lambda: place.changes.armed, "the watch on the new WAL")
        place.append()
        wal.write_bytes(b"a commit")
        await place.is_woken(waiter)

    at(storage, story, **RARELY)


def test_a_storage_that_cannot_be_read_for_a_while_is_watched_on(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(place: Place) -> None:
        def fail(*_: object) -> int:
            raise StorageError("the disk failed")

        waiter = place.wait()
        with monkeypatch.context() as faults:
            faults.setattr(place.readers, "read", fail)
            await place.is_woken(waiter)  # to read for itself, and be told what is wrong
        waiter = place.wait()
        place.append()
        await place.is_woken(waiter)

    at(storage, story, **NO_NOTIFICATIONS)


def test_our_own_commits_wake_nobody_here(storage: Path) -> None:
    async def story(place: Place) -> None:
        own = OtherHubs(place.changes.next, place.readers, place.waiters, lambda: place.other.last_event_id)
        waiter = place.wait()
        place.other_hubs.close()
        place.append()
        assert not own.look()
        assert not waiter.ready.done()
        place.waiters.discard(waiter)

    at(storage, story)


@pytest.mark.usefixtures("inotify")
def test_when_nobody_waits_any_more_nobody_looks_whatever_others_write(storage: Path) -> None:
    async def story(place: Place) -> None:
        waiter = place.wait()
        await until(lambda: place.changes.armed, "the watch on the WAL")
        place.append()
        await place.is_woken(waiter)

        def writes_until_it_ended() -> bool:
            place.append()
            task = place.other_hubs._task
            return task is not None and task.done()

        await until(writes_until_it_ended, "the end of the watch")

    at(storage, story)
