"""What an agent held that is gone: released, once, and told where it matters."""

from pathlib import Path
from typing import Any

from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim
from arclog.deciders.locks import AcquireLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.events import FreedClaim, FreedLock, SessionExpired
from arclog.sqlite.reads import Filter
from projections import claims, locks, message_pages
from projections.history.blame import read_blame
from projections.history.events import read_log, read_log_end
from projections.hub.recorder import Recorder
from projections.intervals import live
from projections.message_pages import MessageQuery
from projections.moments import find_moment
from tests.support.fake_time import FakeTime
from tests.support.recorders import TTL_SEC, events_in, let_presence_be_checked, notices, reading


def test_what_a_gone_agent_held_is_released_and_told_where_it_matters(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(CreateChannel(name="room"))
    recorder.execute(CreateChannel(name="hall"))
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(PostMessage(from_agent="b", channel="room", body="hi", thread_id="t"))
    task = recorder.execute(PostMessage(from_agent="b", channel="room", kind="task", body="do", thread_id="t")).event_id
    long: dict[str, Any] = {"ttl_sec": 10_000}
    recorder.execute(
        AcquireClaim(owner_agent_id="a", task_message_id=task, thread_id="t", metadata={"channel": "hall"}, **long)
    )
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="k", metadata={"channel": "hall"}, **long))
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="lost", metadata={"channel": "nowhere"}, **long))
    recorder.execute(AcquireLock(agent_id="a", file_path="p", metadata={"thread_id": "t"}, **long))
    recorder.execute(AcquireLock(agent_id="a", file_path="q", metadata={"thread_id": "unknown"}, **long))
    recorder.execute(AcquireLock(agent_id="a", file_path="r", metadata={"channel": 7, "thread_id": 7}, **long))
    recorder.execute(AcquireLock(agent_id="b", file_path="mine", **long))
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="lapsed", ttl_sec=5))
    time.pass_sec(TTL_SEC + 1)
    let_presence_be_checked(recorder)
    told = {
        channel: [(row["thread_id"], row["reply_to"], row["metadata"]) for row in notices(storage, channel)]
        for channel in ("room", "hall", "general")
    }
    gone = {"recovery": True, "stale_agent_id": "a"}
    assert told == {
        "room": [
            (
                "t",
                None,
                {**gone, "claims": [{"claim_key": f"task-{task}", "task_message_id": task}], "locks": ["p"]},
            )
        ],
        "hall": [],
        "general": [
            (
                None,
                None,
                {
                    **gone,
                    "claims": [{"claim_key": key, "task_message_id": None} for key in ("k", "lost")],
                    "locks": ["r"],
                },
            ),
            ("unknown", None, {**gone, "file_path": "q"}),
        ],
    }
    with reading(storage) as connection:
        now = live(time.wall())
        assert claims.list_claims(connection, now, active_only=True) == []
        assert [lock.file_path for lock in locks.list_locks(connection, now, active_only=True)] == ["mine"]
        lapsed = claims.find_claim(connection, "lapsed", now)
    assert lapsed is not None
    assert lapsed.released_at is None


def test_a_thread_of_private_messages_is_told_in_general(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(PostMessage(from_agent="a", to_agent="b", channel="only a label", body="hi", thread_id="t"))
    recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=10_000, metadata={"thread_id": "t"}))
    time.pass_sec(TTL_SEC + 1)
    let_presence_be_checked(recorder)
    assert [row["thread_id"] for row in notices(storage, "general")] == ["t"]


def test_all_that_is_taken_back_is_one_event(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="k", ttl_sec=10_000))
    recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=10_000))
    head = recorder.last_event_id
    time.pass_sec(TTL_SEC + 1)
    let_presence_be_checked(recorder)
    (ended,) = (event.data for event in events_in(storage, head))
    assert isinstance(ended, SessionExpired)
    assert (ended.claims, ended.locks) == ((FreedClaim("k", 4),), (FreedLock("p", 5),))


def test_each_message_of_an_event_has_an_id_of_its_own_and_the_event_has_the_last(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    for thread in ("t1", "t2", "t3"):
        recorder.execute(AcquireLock(agent_id="a", file_path=thread, ttl_sec=10_000, metadata={"thread_id": thread}))
    head = recorder.last_event_id
    time.pass_sec(TTL_SEC + 1)
    let_presence_be_checked(recorder)
    assert [row["id"] for row in notices(storage, "general")] == [head + 1, head + 2, head + 3]
    assert [event.event_id for event in events_in(storage, head)] == [head + 3]
    assert recorder.execute(PostMessage(from_agent="b", body="next")).event_id == head + 4


def test_between_the_messages_of_one_event_is_no_moment(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    for thread in ("t1", "t2"):
        recorder.execute(AcquireLock(agent_id="a", file_path=thread, ttl_sec=10_000, metadata={"thread_id": thread}))
    head = recorder.last_event_id
    time.pass_sec(TTL_SEC + 1)
    let_presence_be_checked(recorder)
    with reading(storage) as connection:
        between = find_moment(connection, head + 1)
        assert between == find_moment(connection, head)
        assert len(locks.list_locks(connection, between, active_only=True)) == 2
        assert message_pages.read_messages(connection, MessageQuery(channel="general"), between).ids == []


def test_the_end_of_a_session_is_found_from_everything_that_it_freed(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="k", ttl_sec=10_000))
    recorder.execute(AcquireLock(agent_id="a", file_path="src/p", ttl_sec=10_000))
    time.pass_sec(TTL_SEC + 1)
    let_presence_be_checked(recorder)
    end = recorder.last_event_id
    with reading(storage) as connection:
        for stream in ("session/a", "lock/src/p", "lock/src/", "lock/", "claim/k"):
            where = Filter(stream=stream)
            assert [event.event_id for event in read_log(connection, 0, 10, where)][-1] == end
            assert [event.event_id for event in read_log_end(connection, 1, where)] == [end]
            assert [event.event_id for event in read_log(connection, 0, 1, where)] == [
                event.event_id for event in read_log(connection, 0, 10, where)
            ][:1]
        assert read_log(connection, 0, 10, Filter(stream="lock/src/p", type="lock.")) == [
            event for event in read_log(connection, 0, 10, Filter(stream="lock/src/p")) if event.type == "lock.acquired"
        ]
        (lock,) = read_blame(connection, "lock/src/p", time.wall())
        (session,) = read_blame(connection, "session/a", time.wall())
    assert [(tenure.how, tenure.until_event, tenure.ended_by) for tenure in lock.tenures] == [
        ("owner_gone", end, "system")
    ]
    assert [(tenure.how, tenure.until_event) for tenure in session.tenures] == [("expired", end)]


def test_an_agent_without_a_session_keeps_what_it_holds(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=10_000))
    time.pass_sec(TTL_SEC * 3)
    let_presence_be_checked(recorder)
    with reading(storage) as connection:
        assert len(locks.list_locks(connection, live(time.wall()), active_only=True)) == 1
