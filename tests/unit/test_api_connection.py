"""A connection gives up the work that its client does not wait for any more, and no other."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from api.http.connection import Connection
from api.http.errors import ClientGone

Unless = Callable[[Connection, Coroutine[Any, Any, str]], Coroutine[Any, Any, str]]
Leave = Callable[[Connection], None]

UNLESS = [Connection.unless_ended, Connection.unless_lost]


def lose(connection: Connection) -> None:
    connection.lose(None)


async def done_after(ready: "asyncio.Future[None]") -> str:
    await ready
    return "done"


async def begin(unless: Unless, connection: Connection, ready: "asyncio.Future[None]") -> "asyncio.Task[str]":
    """A request that waits for `ready`."""
    task = asyncio.ensure_future(unless(connection, done_after(ready)))
    await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("unless", UNLESS)
def test_work_that_the_client_waits_for_gives_its_result(unless: Unless) -> None:
    async def story() -> None:
        connection = Connection()
        assert await unless(connection, asyncio.sleep(0, "done")) == "done"
        lose(connection)
        await asyncio.sleep(0)  # what the request does afterwards goes on

    asyncio.run(story())


@pytest.mark.parametrize(
    ("unless", "leave"),
    [(Connection.unless_ended, Connection.end), (Connection.unless_ended, lose), (Connection.unless_lost, lose)],
)
def test_work_is_given_up_when_the_client_leaves(unless: Unless, leave: Leave) -> None:
    async def story() -> None:
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        connection = Connection()

        async def request() -> str:
            with pytest.raises(ClientGone):
                await unless(connection, done_after(ready))
            await asyncio.sleep(0)  # the request itself goes on to its end
            return "told"

        task = asyncio.ensure_future(request())
        await asyncio.sleep(0)
        leave(connection)
        assert await task == "told"
        assert task.cancelling() == 0
        assert ready.cancelled()

    asyncio.run(story())


@pytest.mark.parametrize("unless", UNLESS)
def test_a_client_that_leaves_when_its_answer_is_just_there_has_left(unless: Unless) -> None:
    async def story() -> None:
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        connection = Connection()
        task = await begin(unless, connection, ready)
        ready.set_result(None)
        lose(connection)
        with pytest.raises(ClientGone):
            await task

    asyncio.run(story())


def test_a_client_that_sends_no_more_may_still_wait_for_an_answer() -> None:
    async def story() -> None:
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        connection = Connection()
        before = await begin(Connection.unless_lost, connection, ready)
        connection.end()
        after = await begin(Connection.unless_lost, connection, ready)
        ready.set_result(None)
        assert (await before, await after) == ("done", "done")

    asyncio.run(story())


@pytest.mark.parametrize("unless", UNLESS)
def test_work_for_a_client_that_has_gone_is_not_begun(unless: Unless) -> None:
    async def story() -> None:
        connection = Connection()
        lose(connection)
        begun: list[str] = []

        async def work() -> str:
            begun.append("begun")
            return "done"

        with pytest.raises(ClientGone):
            await unless(connection, work())
        assert begun == []

    asyncio.run(story())


@pytest.mark.parametrize("unless", UNLESS)
def test_who_is_cancelled_by_others_is_not_told_that_the_client_left(unless: Unless) -> None:
    async def story() -> None:
        task = await begin(unless, Connection(), asyncio.get_running_loop().create_future())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())


@pytest.mark.parametrize("unless", UNLESS)
@pytest.mark.parametrize("client_is_first", [True, False])
def test_who_is_cancelled_by_others_ends_so_though_the_client_leaves_too(unless: Unless, client_is_first: bool) -> None:
    async def story() -> None:
        connection = Connection()
        task = await begin(unless, connection, asyncio.get_running_loop().create_future())
        if client_is_first:
            lose(connection)
        task.cancel()
        lose(connection)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())


def test_all_that_wait_on_a_connection_are_given_up_together() -> None:
    async def story() -> None:
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        connection = Connection()
        tasks = [await begin(unless, connection, ready) for unless in UNLESS * 2]
        lose(connection)
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in found] == [ClientGone] * 4

    asyncio.run(story())
