"""An agent that ends its session while it holds something has the presence TTL to come back."""

from pathlib import Path

from arclog.deciders.claims import AcquireClaim
from arclog.deciders.locks import AcquireLock
from arclog.deciders.sessions import CloseSession, OpenSession
from arclog.events import FreedLock, SessionExpired
from projections import locks
from projections.hub.recorder import Recorder
from projections.intervals import live
from projections.times import timestamp
from tests.support.fake_time import FakeTime
from tests.support.recorders import TTL_SEC, events_in, let_presence_be_checked, post, reading, result_of


def leave(recorder: Recorder, agent: str) -> None:
    opened = recorder.execute(OpenSession(agent_id=agent, replace=True))
    recorder.execute(AcquireLock(agent_id=agent, file_path="p", ttl_sec=10_000))
    recorder.execute(CloseSession(session_id=result_of(opened)["session_id"]))


def held(storage: Path, time: FakeTime) -> list[str]:
    with reading(storage) as connection:
        return [lock.file_path for lock in locks.list_locks(connection, live(time.wall()), active_only=True)]


def test_what_it_held_is_free_a_ttl_after_it_left(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    leave(recorder, "a")
    time.pass_sec(TTL_SEC)
    let_presence_be_checked(recorder)
    assert held(storage, time) == ["p"]
    time.pass_micros(1)
    assert recorder.is_due()
    head = recorder.last_event_id
    let_presence_be_checked(recorder)
    assert held(storage, time) == []
    (end,) = (event.data for event in events_in(storage, head))
    assert isinstance(end, SessionExpired)
    assert (end.agent_id, end.locks, len(end.notices)) == ("a", (FreedLock("p", 4),), 1)


def test_one_that_comes_back_in_time_keeps_it(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    leave(recorder, "a")
    time.pass_sec(TTL_SEC)
    recorder.execute(OpenSession(agent_id="a"))
    for _ in range(5):
        time.pass_sec(TTL_SEC)
        recorder.execute(post("a"))
    assert held(storage, time) == ["p"]


def test_one_that_still_calls_keeps_it(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    leave(recorder, "a")
    for _ in range(5):
        time.pass_sec(TTL_SEC)
        recorder.execute(post("a"))
    assert held(storage, time) == ["p"]
    time.pass_sec(TTL_SEC + 1)
    let_presence_be_checked(recorder)
    assert held(storage, time) == []


def test_what_it_was_granted_after_it_had_left_lasts_its_time(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    leave(recorder, "a")
    recorder.execute(AcquireLock(agent_id="a", file_path="q", ttl_sec=10_000))
    time.pass_sec(TTL_SEC + 1)
    let_presence_be_checked(recorder)
    assert held(storage, time) == ["q"]
    time.pass_sec(5_000)
    let_presence_be_checked(recorder)
    assert held(storage, time) == ["q"]


def test_a_refusal_says_since_when_the_holder_is_gone(recorder: Recorder, time: FakeTime) -> None:
    leave(recorder, "a")
    left_at = timestamp(time.wall())
    time.pass_sec(10)
    ask = AcquireLock(agent_id="b", file_path="p")
    first = recorder.execute(ask, "http", "key", b"hash")
    assert (first.acquired, first.holder_left_at) == (False, left_at)
    assert recorder.execute(ask).holder_left_at == left_at
    recorder.execute(OpenSession(agent_id="a"))
    assert recorder.execute(ask).holder_left_at is None
    assert recorder.execute(ask, "http", "key", b"hash") == first


def test_a_refusal_for_one_that_is_there_says_nothing_of_leaving(recorder: Recorder) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="k"))
    assert recorder.execute(AcquireClaim(owner_agent_id="b", claim_key="k")).holder_left_at is None
