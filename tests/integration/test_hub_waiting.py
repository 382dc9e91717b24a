"""Who waits for messages is woken by the commit that brings them, of whichever hub, and by no other."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from arclog.deciders.channels import CreateChannel
from projections.hub.hub import Hub
from projections.message_pages import MessageQuery
from tests.support.hubs import bodies, on_hubs
from tests.support.recorders import post
from tests.support.waiting import until


def test_who_asks_for_what_is_there_does_not_wait(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        await hub.execute(post())
        assert bodies(await hub.reading.wait_for_messages(MessageQuery(channel="general"), 10)) == ["hi"]

    on_hubs(storage, story)


def test_who_waits_is_woken_by_the_commit(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        waits = [
            asyncio.create_task(hub.reading.wait_for_messages(MessageQuery(agent_id=f"agent-{n}"), 30))
            for n in range(50)
        ]
        await until(lambda: len(hub._waiters) == 50, "all that wait")
        began_at = time.monotonic()
        await hub.execute(post())
        pages = await asyncio.gather(*waits)
        assert time.monotonic() - began_at < 10  # who is not woken waits for 30 seconds
        assert [bodies(page) for page in pages] == [["hi"]] * 50

    on_hubs(storage, story)


def test_who_waits_is_not_woken_by_what_it_did_not_ask_for(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        await hub.execute(CreateChannel(name="room"))
        waits = asyncio.create_task(hub.reading.wait_for_messages(MessageQuery(channel="room"), 30))
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
        assert (await hub.reading.wait_for_messages(MessageQuery(channel="general"), 0.1)).rows == []
        assert time.monotonic() - began_at > 0.09
        assert (await hub.reading.wait_for_messages(MessageQuery(channel="general"), 0)).rows == []

    on_hubs(storage, story)


def test_what_an_agent_wrote_itself_is_passed_over_in_turns(storage: Path) -> None:
    turns: list[int] = []

    async def count_turns() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    async def story(hub: Hub) -> None:
        hub.reading.max_passed_over = 10
        own = [asyncio.create_task(hub.execute(post("a", body="own"))) for _ in range(100)]
        await asyncio.gather(*own)
        for words in ("one", "two"):
            await hub.execute(post("b", body=words))
            await asyncio.gather(*[hub.execute(post("a", body="own")) for _ in range(30)])
        query = MessageQuery(agent_id="a", exclude_self=True)
        counting = asyncio.create_task(count_turns())
        seen, cursor = [], 0
        while (page := await hub.reading.wait_for_messages(msgspec.structs.replace(query, since_id=cursor), 0)).rows:
            seen += bodies(page)
            cursor = page.ids[-1]
        counting.cancel()
        assert seen == ["one", "two"]
        assert len(turns) > 10
        waits = asyncio.create_task(hub.reading.wait_for_messages(query, 30))
        assert bodies(await waits) == ["one"]
        waits = asyncio.create_task(hub.reading.wait_for_messages(msgspec.structs.replace(query, since_id=cursor), 30))
        await asyncio.sleep(0)
        await hub.execute(post("a", body="own"))
        await hub.execute(post("b", body="three"))
        assert bodies(await waits) == ["three"]

    on_hubs(storage, story)


def test_who_waits_is_woken_by_the_commit_of_another_hub(storage: Path) -> None:
    async def story(one: Hub, two: Hub) -> None:
        last_id = 0
        for number in range(3):
            waits = asyncio.create_task(
                one.reading.wait_for_messages(MessageQuery(channel="general", since_id=last_id), 30)
            )
            await until(lambda: len(one._waiters) == 1, "the one that waits")
            began_at = time.monotonic()
            posted = await two.execute(post(body=str(number)))
            assert bodies(await waits) == [str(number)]
            assert time.monotonic() - began_at < 10  # who is not woken waits for 30 seconds
            last_id = posted.event_id or 0

    on_hubs(storage, story)


def test_nothing_is_missed_while_two_hubs_write(storage: Path) -> None:
    async def story(one: Hub, two: Hub) -> None:
        seen: list[str] = []

        async def follow() -> None:
            cursor = 0
            while len(seen) < 100:
                page = await one.reading.wait_for_messages(MessageQuery(agent_id="reader", since_id=cursor), 30)
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
        waits = asyncio.create_task(hub.reading.wait_for_messages(MessageQuery(channel="general"), 30))
        await asyncio.sleep(0)
        hub.begin_closing()
        assert (await asyncio.wait_for(waits, 5)).rows == []
        assert (await hub.reading.wait_for_messages(MessageQuery(channel="general"), 30)).rows == []

    on_hubs(storage, story)


def test_a_poller_that_went_away_leaves_nothing_behind(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        waits = asyncio.create_task(hub.reading.wait_for_messages(MessageQuery(channel="general"), 30))
        await until(lambda: len(hub._waiters) == 1, "the poller")
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        assert len(hub._waiters) == 0
        await hub.execute(post())

    on_hubs(storage, story)
