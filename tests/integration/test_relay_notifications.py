"""Rules of the kernel's notifications: what comes is told by its folder and name, and links are not followed."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from relay.notifications import Notifications, find_notifications

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's: run this on Linux")


class Heard:
    """What was told."""

    def __init__(self, spool: Path) -> None:
        self.requests: list[tuple[str, str]] = []
        self.changes = 0
        found = find_notifications(spool, lambda folder, name: self.requests.append((folder, name)), self.change)
        assert found is not None
        self.notifications: Notifications = found

    def change(self) -> None:
        self.changes += 1

    def take_changes(self) -> int:
        self.notifications.drain()
        changes, self.changes = self.changes, 0
        return changes


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    (tmp_path / "spool" / "requests" / "alice").mkdir(parents=True)
    return tmp_path / "spool"


def listening(spool: Path, story: Callable[[Heard], None]) -> None:
    async def play() -> None:
        heard = Heard(spool)
        heard.notifications.listen()
        heard.notifications.watch_spool()
        heard.notifications.watch_folders(["alice", "nobody"])
        story(heard)
        heard.notifications.close()

    asyncio.run(play())


def test_a_request_is_told_once_when_it_is_complete(spool: Path) -> None:
    def story(heard: Heard) -> None:
        place = spool / "requests" / "alice"
        (place / "1.tmp").write_text("{}")
        heard.notifications.drain()
        assert heard.requests == []
        (place / "1.tmp").rename(place / "1.json")
        (place / "2.json").write_text("{}")
        (place / "2.json").rename(place / "2.work")
        heard.notifications.drain()
        assert heard.requests == [("alice", "1.json"), ("alice", "2.json")]
        assert heard.changes == 0

    listening(spool, story)


def test_folders_that_come_go_or_move_are_told_as_a_change(spool: Path) -> None:
    def story(heard: Heard) -> None:
        requests = spool / "requests"
        (requests / "bob").mkdir()
        assert heard.take_changes()
        heard.notifications.watch_folders(["bob"])
        (requests / "bob").rename(requests / "eve")
        assert heard.take_changes()
        heard.notifications.watch_folders(["eve"])
        (requests / "eve" / "1.json").write_text("{}")
        heard.notifications.drain()
        assert heard.requests == [("eve", "1.json")]
        shutil.rmtree(requests)
        assert heard.take_changes()
        requests.mkdir()
        assert heard.take_changes()

    listening(spool, story)


def test_a_link_is_not_watched(spool: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (spool / "requests" / "link").symlink_to(outside)

    def story(heard: Heard) -> None:
        heard.notifications.watch_folders(["link"])
        heard.take_changes()
        (outside / "1.json").write_text("{}")
        assert not heard.take_changes()
        assert heard.requests == []

    listening(spool, story)


def test_where_the_kernel_gives_no_more_watches_there_are_no_notifications(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncinotify

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise OSError(24, os.strerror(24))

    monkeypatch.setattr(asyncinotify, "Inotify", refuse)
    assert find_notifications(spool, lambda _folder, _name: None, lambda: None) is None
