"""A read gives the events that match all that was asked for, in order and within its bounds, in every engine."""

import random
from typing import Any

import pytest

from arclog.codec import StoredEvent
from arclog.digest import GENESIS
from arclog.events import (
    AgentSeen,
    ChannelCreated,
    ClaimReleased,
    Event,
    LockAcquired,
    LockReleased,
    Notice,
    SessionOpened,
    TaskCompleted,
)
from arclog.sqlite.log import Log
from arclog.sqlite.reads import (
    NO_END,
    Filter,
    find_end_before,
    find_event_at,
    find_last_at,
    find_last_event_of,
    find_last_seen,
    read,
    read_from_end,
)
from tests.contract.engines import BY_HTTP, append_all, events_of, post
from tests.support.fake_time import BEGINNING, FakeTime

# Limits and filters --------------------------------------------------------------------------------------------------


STORY: tuple[Event, ...] = (
    ChannelCreated(name="general", created_by="system"),
    SessionOpened(agent_id="a", session_id="s-1", display_name="A"),
    post("a"),
    LockAcquired(file_path="src/a.py", agent_id="a", expires_at=1),
    LockAcquired(file_path="src/b.py", agent_id="b", expires_at=1),
    post("b", kind="task"),
    TaskCompleted(task_id=6, completed_by="a"),
    LockReleased(
        file_path="src/a.py", agent_id="a", fencing_token=4, reason="owner_gone", notice=Notice(body="x", channel="c")
    ),
    ClaimReleased(claim_key="k", owner_agent_id="b", fencing_token=1),
    AgentSeen(agent_id="a"),
    post("c", to_agent="a"),
)


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ({"actor": "a"}, [2, 3, 4, 7, 10]),
        ({"actor": "system"}, [1, 8]),
        ({"actor": "nobody"}, []),
        ({"stream": "lock/src/a.py"}, [4, 8]),
        ({"stream": "lock/"}, [4, 5, 8]),
        ({"stream": "lock"}, []),
        ({"stream": "lock/src/"}, [4, 5, 8]),
        ({"stream": "session/a"}, [2, 10]),
        ({"stream": "task/6"}, [6, 7]),
        ({"stream": "inbox/a"}, [11]),
        ({"stream": "channel/"}, [1, 3]),
        ({"type": "lock.acquired"}, [4, 5]),
        ({"type": "lock."}, [4, 5, 8]),
        ({"type": "lock"}, []),
        ({"type": "message.posted"}, [3, 6, 11]),
        ({"type": "message."}, [3, 6, 11]),
        ({"type": "nothing.like.it"}, []),
        ({"type": "lock.", "actor": "a"}, [4]),
        ({"type": "message.posted", "actor": "b"}, [6]),
        ({"stream": "lock/", "actor": "b"}, [5]),
        ({"stream": "lock/src/a.py", "type": "lock.released"}, [8]),
        ({"stream": "task/", "type": "message.", "actor": "b"}, [6]),
        ({"stream": "task/", "type": "message.", "actor": "a"}, []),
    ],
)
def test_a_filter_keeps_what_matches_all_of_its_fields(log: Log, where: dict[str, Any], ids: list[int]) -> None:
    append_all(log, *STORY)
    assert [event.event_id for event in events_of(log, **where)] == ids
    for limit in range(1, len(ids) + 1):
        assert [event.event_id for event in events_of(log, limit=limit, **where)] == ids[:limit]
    for after in range(12):
        for until in (after, 7, 11):
            expected = [event_id for event_id in ids if after < event_id <= until]
            assert [event.event_id for event in events_of(log, after, 1000, until, **where)] == expected


@pytest.mark.parametrize("type_", [None, "lock.acquired", "lock.", "message.", "message.posted", "no.such"])
@pytest.mark.parametrize("stream", [None, "lock/p1", "lock/", "channel/general", "channel/", "nothing/"])
@pytest.mark.parametrize("actor", [None, "a", "nobody"])
def test_a_filter_gives_the_first_events_that_match_in_all_its_fields(
    log: Log, type_: str | None, stream: str | None, actor: str | None
) -> None:
    chance = random.Random(1)  # noqa: S311
    log.begin()
    for number in range(120):
        agent, path = chance.choice("ab"), f"p{chance.randrange(3)}"
        event = post(agent) if number % 2 else LockAcquired(file_path=path, agent_id=agent, expires_at=2**40)
        log.append(event, log.now(), BY_HTTP)
    log.commit()

    def matches(event: StoredEvent) -> bool:
        return (
            (type_ is None or event.type == type_ or (type_.endswith(".") and event.type.startswith(type_)))
            and (stream is None or event.stream == stream or (stream.endswith("/") and event.stream.startswith(stream)))
            and (actor is None or event.actor == actor)
        )

    expected = [event for event in log.read(read, 10, NO_END, 110) if matches(event)]
    where = Filter(type=type_, stream=stream, actor=actor)
    assert list(log.read(read, 10, 5, 110, where)) == expected[:5]
    assert list(log.read(read, 10, 1000, 110, where)) == expected
    everything = [
        event
        for event in log.read(
            read,
        )
        if matches(event)
    ]
    for limit in (1, 5, 1000):
        assert list(log.read(read_from_end, limit, where)) == everything[: -limit - 1 : -1]


@pytest.mark.parametrize("limit", [1, 3, 400, 1000])
def test_the_last_events_are_those_at_the_end(log: Log, limit: int) -> None:
    log.begin()
    for number in range(600):
        log.append(post("rare" if number % 290 == 7 else "often"), log.now(), BY_HTTP)
    log.commit()
    ids = {
        "often": [event.event_id for event in events_of(log, actor="often")],
        "rare": [event.event_id for event in events_of(log, actor="rare")],
    }
    assert ids["rare"] == [8, 298, 588]
    for actor, all_of_them in ids.items():
        found = [event.event_id for event in log.read(read_from_end, limit, Filter(actor=actor))]
        assert found == all_of_them[: -limit - 1 : -1]
    assert [event.event_id for event in log.read(read_from_end, limit)] == list(range(600, 0, -1))[:limit]


# Places and times ----------------------------------------------------------------------------------------------------


def test_an_agent_was_last_seen_when_it_last_did_something(log: Log, time: FakeTime) -> None:
    append_all(log, post("a"))
    time.pass_sec(1)
    append_all(log, post("b"))
    time.pass_sec(1)
    append_all(log, LockAcquired(file_path="p", agent_id="a", expires_at=1))
    assert log.read(find_last_seen, "a", 3) == BEGINNING + 2_000_000
    assert log.read(find_last_seen, "a", 2) == BEGINNING
    assert log.read(find_last_seen, "b", 1) is None
    assert log.read(find_last_seen, "nobody", 3) is None


def test_the_event_at_a_time_is_the_last_one_until_then(log: Log) -> None:
    moments = {1: 10, 2: 10, 5: 20, 6: 30, 20: 30, 21: 31}
    log.begin()
    for event_id, moment in moments.items():
        log.append_at(event_id, post("a"), moment, BY_HTTP)
    log.commit()
    for time in range(9, 40):
        expected = max((event_id for event_id, moment in moments.items() if moment <= time), default=0)
        assert log.read(find_event_at, time) == expected


def test_an_empty_log_has_no_event_at_any_time(log: Log) -> None:
    assert log.read(find_event_at, BEGINNING) == 0


def test_places_and_times_are_looked_up(log: Log, time: FakeTime) -> None:
    assert log.read(find_last_event_of, "a") is None
    assert log.read(find_last_at, 9) == (0, 0)
    append_all(log, post("a"), post("b"))
    time.pass_sec(1)
    append_all(log, post("c"))
    first, second, third = events_of(log)
    assert log.read(find_last_at, 2) == (2, BEGINNING)
    assert log.read(find_last_at, 99) == (3, BEGINNING + 1_000_000)
    assert log.read(find_last_event_of, "b") == 2
    assert log.read(find_end_before, 1) == (0, GENESIS)
    assert log.read(find_end_before, 3) == (2, second.digest)
    assert log.read(find_end_before, 99) == (3, third.digest)
    assert first.event_id == 1
