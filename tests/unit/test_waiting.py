"""Waiters: woken by what concerns them, and by nothing else."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from projections.hub.waiting import Waiter, Waiters
from projections.message_pages import MessageQuery, Page
from projections.messages import PostedMessage


def message(event_id: int, **given: Any) -> PostedMessage:
    fields: dict[str, Any] = {
        "from_agent": "a",
        "to_agent": None,
        "channel": "general",
        "kind": "chat",
        "thread_id": None,
        "json": msgspec.json.encode({"id": event_id}),
    }
    return PostedMessage(event_id, **fields | given)


def on_a_loop(story: Callable[[], None]) -> None:
    async def run() -> None:
        story()

    asyncio.run(run())


def waiting(waiters: Waiters, **query: Any) -> Waiter:
    waiter = Waiter(MessageQuery(**query), asyncio.get_running_loop().create_future())
    waiters.add(waiter)
    return waiter


def ids_of(waiter: Waiter) -> list[int] | None:
    """What a waiter was given; None while it waits, or when it is to read again."""
    if not waiter.ready.done() or (page := waiter.ready.result()) is None:
        return None
    return page.ids


FEED = [
    message(11),
    message(12, channel="room", thread_id="t", from_agent="b"),
    message(13, to_agent="b", channel="direct"),
    message(14, to_agent="a", channel="room", thread_id="t", from_agent="c"),
    message(15, thread_id="t", from_agent="b"),
]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"channel": "general"}, [11, 15]),
        ({"channel": "room"}, [12]),
        ({"channel": "empty"}, None),
        ({"thread_id": "t"}, [12, 15]),
        ({"thread_id": "t", "channel": "room"}, [12]),
        ({"agent_id": "a"}, [11, 12, 14, 15]),
        ({"agent_id": "b"}, [11, 12, 13, 15]),
        ({"agent_id": "b", "exclude_self": True}, [11, 13]),
        ({"agent_id": "a", "channel": "room"}, [12, 14]),
        ({"agent_id": "a", "thread_id": "t"}, [12, 14, 15]),
        ({"agent_id": "b", "channel": "direct"}, [13]),
        ({"agent_id": "z", "channels": ("room", "direct")}, [12]),
        ({"agent_id": "b", "channels": ("direct", "general")}, [11, 13, 15]),
        ({"agent_id": "a", "since_id": 12}, [14, 15]),
        ({"agent_id": "a", "limit": 2}, [11, 12]),
        ({"agent_id": "a", "since_id": 15}, None),
    ],
)
def test_a_waiter_is_given_the_new_messages_that_it_asked_for(query: dict[str, Any], ids: list[int] | None) -> None:
    def story() -> None:
        waiters = Waiters()
        waiters.head = 10
        waiter = waiting(waiters, **query)
        waiters.deliver(10, 15, FEED)
        assert waiter.ready.done() == (ids is not None)
        assert ids_of(waiter) == ids

    on_a_loop(story)


def test_messages_come_as_the_json_that_was_encoded_once() -> None:
    def story() -> None:
        waiters = Waiters()
        waiter = waiting(waiters, channel="general")
        waiters.deliver(0, 11, [FEED[0]])
        assert waiter.ready.result() == Page([FEED[0].json], [11])

    on_a_loop(story)


def test_a_commit_that_does_not_begin_where_the_last_one_ended_makes_everyone_read_again() -> None:
    def story() -> None:
        waiters = Waiters()
        waiters.head = 10
        waiter, other = waiting(waiters, channel="general"), waiting(waiters, channel="empty")
        waiters.deliver(11, 12, [message(12)])
        assert waiter.ready.result() is None
        assert other.ready.result() is None
        assert waiters.head == 12

    on_a_loop(story)


def test_a_commit_without_messages_wakes_nobody_and_moves_the_head() -> None:
    def story() -> None:
        waiters = Waiters()
        waiter = waiting(waiters, agent_id="a")
        waiters.deliver(0, 3, [])
        assert not waiter.ready.done()
        waiters.deliver(3, 4, [message(4)])
        assert ids_of(waiter) == [4]

    on_a_loop(story)


def test_the_head_never_goes_back() -> None:
    def story() -> None:
        waiters = Waiters()
        waiters.head = 20
        waiters.deliver(11, 12, [])
        assert waiters.head == 20

    on_a_loop(story)


def test_a_waiter_that_was_discarded_is_left_alone() -> None:
    def story() -> None:
        waiters = Waiters()
        waiter, other = waiting(waiters, channel="general"), waiting(waiters, channel="general")
        assert len(waiters) == 2
        waiters.discard(waiter)
        waiters.deliver(0, 1, [message(1)])
        assert not waiter.ready.done()
        assert ids_of(other) == [1]
        waiters.discard(other)
        assert len(waiters) == 0

    on_a_loop(story)


def test_a_waiter_that_gave_up_or_was_served_is_not_served_again() -> None:
    def story() -> None:
        waiters = Waiters()
        waiter, gone = waiting(waiters, channel="general"), waiting(waiters, channel="general")
        gone.ready.cancel()
        waiters.deliver(0, 1, [message(1)])
        waiters.deliver(1, 2, [message(2)])
        waiters.wake_all()
        assert ids_of(waiter) == [1]
        assert gone.ready.cancelled()

    on_a_loop(story)


@pytest.mark.parametrize("what", ["work", "commits"])
def test_who_began_to_wait_first_is_woken_first(what: str) -> None:
    def story() -> None:
        waiters = Waiters()
        woken: list[int] = []
        loop = asyncio.get_running_loop()
        for number in range(50):
            ready: asyncio.Future[None] = loop.create_future()
            ready.add_done_callback(lambda _ready, number=number: woken.append(number))  # type: ignore[misc]
            (waiters.wake_at_work if what == "work" else waiters.wake_at_commit)(ready)
        waiters.deliver(0, 1, [], has_work=True)
        loop.call_soon(lambda: order.extend(woken))

    order: list[int] = []
    on_a_loop(story)
    assert order == list(range(50))


def test_waking_all_makes_everyone_read_again() -> None:
    def story() -> None:
        waiters = Waiters()
        all_of_them = [waiting(waiters, agent_id="a"), waiting(waiters, channel="c"), waiting(waiters, thread_id="t")]
        waiters.wake_all()
        assert [waiter.ready.result() for waiter in all_of_them] == [None, None, None]

    on_a_loop(story)
