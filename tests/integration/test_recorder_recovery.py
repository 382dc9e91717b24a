"""What an agent held that is gone: released, once, and told where it matters."""

from pathlib import Path
from typing import Any

from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim
from arclog.deciders.locks import AcquireLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.events import ClaimReleased, LockReleased, SessionExpired
from projections import claims, locks
from projections.hub.recorder import Recorder
from projections.intervals import live
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
            ("t", task, {**gone, "claim_key": f"task-{task}", "task_message_id": task}),
            ("t", None, {**gone, "file_path": "p"}),
        ],
        "hall": [(None, None, {**gone, "claim_key": "k", "task_message_id": None})],
        "general": [
            (None, None, {**gone, "claim_key": "lost", "task_message_id": None}),
            ("unknown", None, {**gone, "file_path": "q"}),
            (None, None, {**gone, "file_path": "r"}),
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


def test_each_release_is_one_event_with_its_notice(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(OpenSession(agent_id="a"))
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="k", ttl_sec=10_000))
    recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=10_000))
    head = recorder.last_event_id
    time.pass_sec(TTL_SEC + 1)
    let_presence_be_checked(recorder)
    ended, claim, lock = (event.data for event in events_in(storage, head))
    assert isinstance(ended, SessionExpired)
    assert isinstance(claim, ClaimReleased)
    assert isinstance(lock, LockReleased)
    assert claim.notice is not None
    assert lock.notice is not None
    assert (claim.fencing_token, lock.fencing_token) == (4, 5)


def test_an_agent_without_a_session_keeps_what_it_holds(recorder: Recorder, storage: Path, time: FakeTime) -> None:
    recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=10_000))
    time.pass_sec(TTL_SEC * 3)
    let_presence_be_checked(recorder)
    with reading(storage) as connection:
        assert len(locks.list_locks(connection, live(time.wall()), active_only=True)) == 1
