"""A hub reads the present or the past as of any event, and names a moment by an event or a time."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from arclog.deciders.locks import AcquireLock
from arclog.deciders.messages import PostMessage
from arclog.errors import InvalidInput, StorageError
from projections import locks, sessions
from projections.hub.hub import Hub
from projections.hub.reading_side import SHORT_PAGE_ROWS
from projections.message_pages import MessageQuery, Page
from projections.moments import find_event_of, find_moment
from tests.support.hubs import on_hubs


def test_reads_are_of_the_present_or_of_any_event_before(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        granted = await hub.execute(AcquireLock(agent_id="a", file_path="p"))
        assert granted.event_id is not None
        assert len(hub.read(locks.list_locks, hub.now())) == 1
        assert hub.read(locks.list_locks, hub.read(find_moment, granted.event_id - 1)) == []
        assert len(await hub.read_on_thread(locks.list_locks, hub.read(find_moment, granted.event_id))) == 1
        assert hub.read(locks.list_locks, hub.read(find_moment, 0)) == []

    on_hubs(storage, story)


@pytest.mark.parametrize(
    ("limit", "body", "on_thread"),
    [(SHORT_PAGE_ROWS, "short", False), (SHORT_PAGE_ROWS + 1, "short", True), (30, "l" * 4_000, True)],
)
def test_a_page_is_read_on_a_thread_only_if_it_is_long(
    storage: Path, monkeypatch: pytest.MonkeyPatch, limit: int, body: str, on_thread: bool
) -> None:
    async def story(hub: Hub) -> None:
        posts = [PostMessage(from_agent="ada", channel="general", body=body) for _ in range(SHORT_PAGE_ROWS + 1)]
        await asyncio.gather(*(hub.execute(post) for post in posts))
        read: list[str] = []
        on_another = hub.reading.read_on_thread

        async def noting(query: Callable[..., Page], *arguments: int) -> Page:
            read.append("on a thread")
            return await on_another(query, *arguments)

        monkeypatch.setattr(hub.reading, "read_on_thread", noting)
        found = await hub.reading.read_messages(MessageQuery(channel="general", tail=True, limit=limit), hub.now())
        assert (len(found.page.rows), bool(read)) == (limit, on_thread)

    on_hubs(storage, story)


@pytest.mark.parametrize("event_id", [-1, 4, 2**63])
def test_there_is_no_reading_as_of_an_event_that_is_not_there(storage: Path, event_id: int) -> None:
    async def story(hub: Hub) -> None:
        with pytest.raises(InvalidInput, match="as_of must be from 0 to 3"):
            hub.read(find_moment, event_id)

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
            await hub.read_on_thread(broken)
        assert await hub.read_on_thread(sessions.list_sessions, hub.now()) == []

    on_hubs(storage, story)
