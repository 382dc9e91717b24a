"""What every engine of the log must do, whichever keeps it."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from arclog.codec import Metadata, StoredEvent
from arclog.digest import GENESIS, find_break
from arclog.errors import InvalidInput, StorageError
from arclog.events import (
    AgentSeen,
    ChannelCreated,
    ClaimReleased,
    Event,
    LockAcquired,
    LockReleased,
    MessagePosted,
    Notice,
    SessionOpened,
    TaskCompleted,
)
from arclog.lookup import (
    count_events,
    find_end_before,
    find_event_at,
    find_last_event_of,
    find_last_seen,
    find_time_of,
)
from arclog.store import (
    NO_END,
    Filter,
    Head,
    KeptKey,
    Log,
    find_event,
    hash_request,
    read,
    read_facts,
    read_head,
)
from arclog.tail import read_last
from tests.contract.engines import ENGINES, Engine, decoded, events_of, opened
from tests.support.fake_time import BEGINNING, FakeTime

BY_HTTP = Metadata("http")


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    chosen: Engine = request.param
    return chosen


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def log(engine: Engine, tmp_path: Path, time: FakeTime) -> Iterator[Log]:
    with opened(engine, tmp_path, time) as log:
        yield log


@pytest.fixture
def other(engine: Engine, tmp_path: Path, time: FakeTime, log: Log) -> Iterator[Log]:
    """A second process on the same storage, as far as the engine can tell."""
    with opened(engine, tmp_path, time) as other:
        yield other


def post(agent: str, body: str = "hi", **more: Any) -> MessagePosted:
    return MessagePosted(from_agent=agent, channel="general", body=body, **more)


def append_all(log: Log, *events: Event, metadata: Metadata = BY_HTTP) -> None:
    """Append events in one transaction, all at one time."""
    log.begin()
    for event in events:
        log.append(event, log.now(), metadata)
    log.commit()


# Append and read -----------------------------------------------------------------------------------------------------


def test_an_empty_log_has_no_events_and_event_0_for_a_head(log: Log) -> None:
    assert log.head() == read_head(log.connection) == Head(0, 0, GENESIS)
    assert events_of(log) == []
    assert find_event(log.connection, 1) is None


def test_an_event_is_read_as_it_was_appended(log: Log) -> None:
    event = post("ä", body="\x00😀" * 1000)
    metadata = Metadata("relay", "key", b"hash", 1, 1)
    log.begin()
    recorded = log.append(event, log.now(), metadata)
    log.commit()
    assert (recorded.event_id, recorded.recorded_at, recorded.type) == (1, BEGINNING, "message.posted")
    assert (recorded.stream, recorded.actor) == ("channel/general", "ä")
    assert (recorded.data, recorded.metadata) == (event, metadata)
    assert decoded(log) == [recorded]
    stored = find_event(log.connection, 1)
    assert stored is not None
    assert stored.decode() == recorded


def test_event_ids_grow_by_one_in_the_order_of_the_appends(log: Log) -> None:
    append_all(log, post("a"), post("b"))
    append_all(log, post("c"))
    assert [(event.event_id, event.actor) for event in events_of(log)] == [(1, "a"), (2, "b"), (3, "c")]


def test_the_head_is_the_last_event_also_inside_a_transaction(log: Log) -> None:
    append_all(log, post("a"))
    log.begin()
    log.append(post("b"), log.now(), BY_HTTP)
    assert log.head().event_id == 2
    log.commit()
    last = events_of(log)[-1]
    assert log.head() == Head(last.event_id, last.recorded_at, last.digest)


def test_the_digests_form_a_chain(log: Log) -> None:
    append_all(log, post("a"), post("b"))
    append_all(log, post("c"))
    assert find_break(GENESIS, events_of(log)) is None
    assert len({event.digest for event in events_of(log)}) == 3


def test_an_imported_log_may_leave_gaps_and_goes_on_behind_them(log: Log) -> None:
    log.begin()
    log.append_at(7, post("a"), 5, Metadata("import"))
    log.append_at(9, post("b"), 6, Metadata("import"))
    log.append(post("c"), log.now(), BY_HTTP)
    log.commit()
    assert [event.event_id for event in events_of(log)] == [7, 9, 10]
    assert find_break(GENESIS, events_of(log)) is None


def test_an_id_that_is_not_behind_the_head_is_refused(log: Log) -> None:
    append_all(log, post("a"))
    log.begin()
    with pytest.raises(AssertionError):
        log.append_at(1, post("b"), log.now(), BY_HTTP)
    log.rollback()


def test_what_projections_are_made_from_can_be_read_alone(log: Log) -> None:
    append_all(log, post("a"), post("b"), post("c"))
    facts = list(read_facts(log.connection, 1, 1))
    assert [(fact.event_id, fact.recorded_at, fact.data) for fact in facts] == [(2, BEGINNING, post("b"))]
    assert [fact.event_id for fact in read_facts(log.connection, 0, 9, until=2)] == [1, 2]


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


def test_an_agent_was_last_seen_when_it_last_did_something(log: Log, time: FakeTime) -> None:
    append_all(log, post("a"))
    time.pass_sec(1)
    append_all(log, post("b"))
    time.pass_sec(1)
    append_all(log, LockAcquired(file_path="p", agent_id="a", expires_at=1))
    assert find_last_seen(log.connection, "a", 3) == BEGINNING + 2_000_000
    assert find_last_seen(log.connection, "a", 2) == BEGINNING
    assert find_last_seen(log.connection, "b", 1) is None
    assert find_last_seen(log.connection, "nobody", 3) is None


def test_the_event_at_a_time_is_the_last_one_until_then(log: Log) -> None:
    moments = {1: 10, 2: 10, 5: 20, 6: 30, 20: 30, 21: 31}
    log.begin()
    for event_id, moment in moments.items():
        log.append_at(event_id, post("a"), moment, BY_HTTP)
    log.commit()
    for time in range(9, 40):
        expected = max((event_id for event_id, moment in moments.items() if moment <= time), default=0)
        assert find_event_at(log.connection, time) == expected


def test_an_empty_log_has_no_event_at_any_time(log: Log) -> None:
    assert find_event_at(log.connection, BEGINNING) == 0


def test_places_and_times_are_looked_up(log: Log, time: FakeTime) -> None:
    connection = log.connection
    assert (count_events(connection), find_time_of(connection, 9), find_last_event_of(connection, "a")) == (0, 0, None)
    append_all(log, post("a"), post("b"))
    time.pass_sec(1)
    append_all(log, post("c"))
    first, second, third = events_of(log)
    assert (count_events(connection), count_events(connection, 1), count_events(connection, 0, 2)) == (3, 2, 2)
    assert find_time_of(connection, 2) == BEGINNING
    assert find_time_of(connection, 99) == BEGINNING + 1_000_000
    assert find_last_event_of(connection, "b") == 2
    assert find_end_before(connection, 1) == (0, GENESIS)
    assert find_end_before(connection, 3) == (2, second.digest)
    assert find_end_before(connection, 99) == (3, third.digest)
    assert first.event_id == 1


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
        found = [event.event_id for event in read_last(log.connection, limit, Filter(actor=actor))]
        assert found == all_of_them[-limit:]
    assert [event.event_id for event in read_last(log.connection, limit)] == list(range(1, 601))[-limit:]


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

    expected = [event for event in read(log.connection, 10, NO_END, 110) if matches(event)]
    where = Filter(type=type_, stream=stream, actor=actor)
    assert list(read(log.connection, 10, 5, 110, where)) == expected[:5]
    assert list(read(log.connection, 10, 1000, 110, where)) == expected


def test_the_events_of_another_log_are_taken_over_byte_for_byte(
    engine: Engine, tmp_path: Path, time: FakeTime, log: Log
) -> None:
    append_all(log, post("a"), post("b"), metadata=Metadata("http", "key", b"hash"))
    append_all(log, post("c"))
    (tmp_path / "copy").mkdir()
    with opened(engine, tmp_path / "copy", time) as copy:
        copy.begin()
        for event in events_of(log):
            copy.append_stored(event)
        copy.commit()
        assert events_of(copy) == events_of(log)
        assert copy.head() == log.head()
        assert copy.find_key("b", "key") == KeptKey(2, b"hash")
        append_all(copy, post("d"))
        assert find_break(GENESIS, events_of(copy)) is None


def test_an_event_that_does_not_follow_is_not_taken_over(
    engine: Engine, tmp_path: Path, time: FakeTime, log: Log
) -> None:
    append_all(log, post("a"), post("b"))
    first, second = events_of(log)
    (tmp_path / "copy").mkdir()
    with opened(engine, tmp_path / "copy", time) as copy:
        copy.begin()
        with pytest.raises(InvalidInput, match="event 2 does not follow event 0"):
            copy.append_stored(second)
        copy.append_stored(first)
        with pytest.raises(InvalidInput, match="event 1 does not follow event 1"):
            copy.append_stored(first)
        copy.rollback()


# Transactions --------------------------------------------------------------------------------------------------------


def test_a_rollback_leaves_nothing(log: Log, other: Log) -> None:
    append_all(log, post("a"))
    log.begin()
    log.append(post("b"), log.now(), Metadata("http", "key", b"hash"))
    log.rollback()
    assert [event.actor for event in events_of(log)] == [event.actor for event in events_of(other)] == ["a"]
    assert log.find_key("b", "key") is None
    append_all(log, post("c"))
    assert [(event.event_id, event.actor) for event in events_of(other)] == [(1, "a"), (2, "c")]
    assert find_break(GENESIS, events_of(log)) is None


def test_a_rollback_without_a_transaction_changes_nothing(log: Log) -> None:
    append_all(log, post("a"))
    log.rollback()
    append_all(log, post("b"))
    assert [event.event_id for event in events_of(log)] == [1, 2]


def test_nobody_sees_an_event_before_its_commit(log: Log, other: Log) -> None:
    log.begin()
    log.append(post("a"), log.now(), BY_HTTP)
    assert events_of(other) == []
    assert other.head() == Head()
    log.commit()
    assert [event.event_id for event in events_of(other)] == [1]


def test_a_transaction_that_is_begun_already_goes_on(log: Log) -> None:
    log.begin()
    log.append(post("a"), log.now(), BY_HTTP)
    log.begin()
    log.append(post("b"), log.now(), BY_HTTP)
    log.commit()
    assert [event.event_id for event in events_of(log)] == [1, 2]


def test_what_another_process_appended_is_seen_at_begin(log: Log, other: Log) -> None:
    append_all(log, post("a"))
    append_all(other, post("b"))
    assert log.begin()
    assert log.head().event_id == 2
    log.append(post("c"), log.now(), BY_HTTP)
    log.commit()
    assert not log.begin()
    log.commit()
    assert other.begin()
    other.commit()
    assert [event.actor for event in events_of(other)] == ["a", "b", "c"]
    assert find_break(GENESIS, events_of(other)) is None


def test_two_processes_that_append_in_turns_form_one_chain(log: Log, other: Log) -> None:
    for number in range(10):
        append_all((log, other)[number % 2], post(f"agent-{number}"))
    assert [event.event_id for event in events_of(log)] == list(range(1, 11))
    assert find_break(GENESIS, events_of(log)) is None


def test_while_one_writes_another_is_told_that_the_log_is_busy(log: Log, other: Log) -> None:
    log.begin()
    with pytest.raises(StorageError, match="try again in a moment") as caught:
        other.begin(wait=False)
    assert caught.value.code == "storage_busy"
    log.commit()
    append_all(other, post("b"))
    assert [event.actor for event in events_of(log)] == ["b"]


# Time ----------------------------------------------------------------------------------------------------------------


def test_the_time_of_events_never_goes_back(log: Log, time: FakeTime) -> None:
    append_all(log, post("a"))
    time.shift_wall(-10 * 365 * 86_400)
    time.pass_sec(1)
    append_all(log, post("b"))
    first, second = events_of(log)
    assert second.recorded_at == pytest.approx(first.recorded_at + 1_000_000, abs=100)


def test_no_event_is_before_the_last_one_even_if_that_is_ahead_of_the_clock(log: Log, time: FakeTime) -> None:
    log.begin()
    log.append_at(1, post("a"), BEGINNING + 500, Metadata("import"))
    log.commit()
    append_all(log, post("b"))
    time.pass_micros(501)
    append_all(log, post("c"))
    assert [event.recorded_at - BEGINNING for event in events_of(log)] == [500, 500, 501]


@pytest.mark.parametrize("jump_sec", [3600, -3600, 315_360_000, -315_360_000])
def test_processes_of_one_boot_share_the_time_whatever_the_wall_clock_says(
    engine: Engine, tmp_path: Path, time: FakeTime, log: Log, jump_sec: int
) -> None:
    append_all(log, post("a"))
    time.pass_sec(10)
    time.shift_wall(jump_sec)
    with opened(engine, tmp_path, time) as late:
        append_all(late, post("b"))
        assert late.now() == BEGINNING + 10_000_000
        log.begin()
        assert log.now() == late.now()
        log.rollback()


def test_a_new_boot_goes_by_the_wall_clock_again(engine: Engine, tmp_path: Path, time: FakeTime) -> None:
    with opened(engine, tmp_path, time) as before:
        append_all(before, post("a"))
    with opened(engine, tmp_path, FakeTime(BEGINNING + 60_000_000, elapsed=5_000_000, boot="boot-2")) as after:
        append_all(after, post("b"))
        assert [event.recorded_at for event in events_of(after)] == [BEGINNING, BEGINNING + 60_000_000]


def test_a_new_boot_with_a_wall_clock_of_the_past_goes_on_from_the_last_event(
    engine: Engine, tmp_path: Path, time: FakeTime
) -> None:
    with opened(engine, tmp_path, time) as before:
        append_all(before, post("a"))
    rebooted = FakeTime(BEGINNING - 3600 * 1_000_000, elapsed=5_000_000, boot="boot-2")
    with opened(engine, tmp_path, rebooted) as after:
        append_all(after, post("b"))
        rebooted.pass_sec(5)
        append_all(after, post("c"))
        times = [event.recorded_at - BEGINNING for event in events_of(after)]
    assert times[:2] == [0, 0]
    assert times[2] == pytest.approx(5_000_000, abs=1000)


def test_time_stays_what_it_was_over_a_restart_in_the_same_boot(engine: Engine, tmp_path: Path, time: FakeTime) -> None:
    with opened(engine, tmp_path, time) as before:
        append_all(before, post("a"))
    time.pass_sec(1)
    time.shift_wall(3600)
    with opened(engine, tmp_path, time) as after:
        append_all(after, post("b"))
        assert [event.recorded_at - BEGINNING for event in events_of(after)] == [0, 1_000_000]


def test_two_processes_that_write_in_turns_still_follow_honest_drift(log: Log, other: Log, time: FakeTime) -> None:
    append_all(log, post("a"))
    time.shift_wall(0.1)
    for number in range(400):
        time.pass_sec(10)
        append_all((log, other)[number % 2], AgentSeen(agent_id="a"))
    log.begin()
    assert log.now() == pytest.approx(time.wall(), abs=3000)
    log.commit()


# Idempotency keys ----------------------------------------------------------------------------------------------------


def test_a_key_leads_to_its_event_and_its_request(log: Log, other: Log) -> None:
    append_all(log, post("a"), metadata=Metadata("http", "key-1", b"hash"))
    assert log.find_key("a", "key-1") == other.find_key("a", "key-1") == KeptKey(1, b"hash")


def test_a_key_belongs_to_its_sender_alone(log: Log) -> None:
    append_all(log, post("a"), post("b"), metadata=Metadata("http", "key", b"hash"))
    assert log.find_key("a", "key") == KeptKey(1, b"hash")
    assert log.find_key("b", "key") == KeptKey(2, b"hash")
    assert log.find_key("c", "key") is None


def test_a_sender_may_be_another_than_the_actor(log: Log) -> None:
    log.begin()
    log.append(ChannelCreated(name="room"), log.now(), Metadata("http", "key"), "somebody")
    log.commit()
    assert log.find_key("somebody", "key") == KeptKey(1, b"")


def test_one_key_is_never_kept_for_two_events(log: Log) -> None:
    append_all(log, post("a"), metadata=Metadata("http", "key", b"hash"))
    log.begin()
    with pytest.raises(apsw.ConstraintError):
        log.append(post("a"), log.now(), Metadata("http", "key", b"hash"))
    log.rollback()
    assert [event.event_id for event in events_of(log)] == [1]


def test_a_request_is_recognised_by_all_its_parts() -> None:
    assert hash_request(b"POST", b"/v1/messages", b"{}") == hash_request(b"POST", b"/v1/messages", b"{}")
    assert (
        len({hash_request(b"a", b"b"), hash_request(b"ab"), hash_request(b"b", b"a"), hash_request(b"a", b"b", b"")})
        == 4
    )
