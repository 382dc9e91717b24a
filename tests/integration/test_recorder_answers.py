"""Every call is answered with what it made, changed or met."""

from pathlib import Path

import pytest

from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim, RefreshClaim, ReleaseClaim
from arclog.deciders.hub import (
    CancelShutdown,
    ChangeNetwork,
    FireShutdown,
    HubState,
    InitiateShutdown,
    StartHub,
    StopHub,
)
from arclog.deciders.locks import AcquireLock, RefreshLock, ReleaseLock
from arclog.deciders.sessions import CloseSession, OpenSession, RenameSession
from arclog.deciders.tasks import CompleteTask
from arclog.errors import InvalidInput, NotFound, SessionCollision
from arclog.events import ChannelCreated
from arclog.events.messages import CodeAttachment, TextAttachment
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from projections.times import timestamp
from tests.support.fake_time import BEGINNING, FakeTime
from tests.support.recorders import events_in, post, recording, result_of

NOW = timestamp(BEGINNING)


IN_FIVE_MINUTES = timestamp(BEGINNING + 300_000_000)


def test_a_new_log_begins_with_the_two_channels_that_every_hub_has(recorder: Recorder, storage: Path) -> None:
    assert [event.data for event in events_in(storage)] == [
        ChannelCreated(name="general", created_by="system"),
        ChannelCreated(name="direct", created_by="system"),
    ]
    assert recorder.last_event_id == 2


def test_a_session_is_answered_with_what_it_is(recorder: Recorder, time: FakeTime) -> None:
    command = OpenSession(agent_id="a", display_name="Ada", capabilities=["code"], metadata={"v": 1})
    opened = recorder.execute(command)
    session = result_of(opened)
    assert (opened.event_id, opened.created, opened.acquired) == (3, True, None)
    assert session == {
        "session_id": session["session_id"],
        "agent_id": "a",
        "display_name": "Ada",
        "capabilities": ["code"],
        "metadata": {"v": 1},
        "created_at": NOW,
        "last_seen": NOW,
        "active": True,
    }
    time.pass_sec(1)
    renamed = recorder.execute(RenameSession(agent_id="a", display_name="Bo"))
    assert result_of(renamed) == {**session, "display_name": "Bo", "last_seen": timestamp(BEGINNING + 1_000_000)}
    assert not renamed.created
    closed = recorder.execute(CloseSession(session_id=session["session_id"]))
    assert result_of(closed) == {"session_id": session["session_id"], "deleted": True}
    with pytest.raises(NotFound):
        recorder.execute(CloseSession(session_id=session["session_id"]))


def test_a_second_session_of_an_agent_collides_unless_it_replaces(recorder: Recorder) -> None:
    first = result_of(recorder.execute(OpenSession(agent_id="a")))
    with pytest.raises(SessionCollision):
        recorder.execute(OpenSession(agent_id="a"))
    second = result_of(recorder.execute(OpenSession(agent_id="a", replace=True)))
    assert second["session_id"] != first["session_id"]
    with pytest.raises(NotFound):
        recorder.execute(CloseSession(session_id=first["session_id"]))


def test_a_channel_is_answered_with_what_it_is_now_and_again(recorder: Recorder) -> None:
    command = CreateChannel(name="room", created_by="a", metadata={"topic": "x"})
    created = recorder.execute(command)
    again = recorder.execute(CreateChannel(name=" room ", metadata={"other": 1}))
    assert result_of(created) == {"name": "room", "created_at": NOW, "created_by": "a", "metadata": {"topic": "x"}}
    assert (created.created, again.created) == (True, False)
    assert (again.result, again.event_id) == (created.result, created.event_id)


def test_a_message_is_answered_with_what_every_reader_gets(recorder: Recorder) -> None:
    attachments = [CodeAttachment("x = 1", language="python"), TextAttachment("ä")]
    posted = recorder.execute(post(attachments=attachments, thread_id="t", metadata={"m": [1]}, reply_to=1))
    assert result_of(posted) == {
        "id": 3,
        "ts": NOW,
        "from_agent": "a",
        "to_agent": None,
        "channel": "general",
        "kind": "chat",
        "body": "hi",
        "attachments": [{"type": "code", "content": "x = 1", "language": "python"}, {"type": "text", "content": "ä"}],
        "reply_to": 1,
        "thread_id": "t",
        "metadata": {"m": [1]},
    }
    assert (posted.event_id, posted.created) == (3, True)


def test_a_claim_is_answered_with_what_it_is(recorder: Recorder, time: FakeTime) -> None:
    granted = recorder.execute(AcquireClaim(owner_agent_id="a", task_message_id=1, thread_id="t", metadata={"m": 1}))
    claim = {
        "claim_key": "task-1",
        "thread_id": "t",
        "task_message_id": 1,
        "owner_agent_id": "a",
        "claimed_at": NOW,
        "expires_at": IN_FIVE_MINUTES,
        "released_at": None,
        "metadata": {"m": 1},
        "fencing_token": 3,
    }
    assert (result_of(granted), granted.acquired) == (claim, True)
    refused = recorder.execute(AcquireClaim(owner_agent_id="b", claim_key="task-1"))
    assert (result_of(refused), refused.acquired, refused.event_id) == (claim, False, 4)
    again = recorder.execute(AcquireClaim(owner_agent_id="b", claim_key="task-1"))
    assert again == refused
    assert recorder.last_event_id == 4
    refreshed = recorder.execute(RefreshClaim(claim_key="task-1", owner_agent_id="a", ttl_sec=60))
    assert result_of(refreshed) == {**claim, "expires_at": timestamp(BEGINNING + 60_000_000)}
    assert refreshed.acquired is True
    released = recorder.execute(ReleaseClaim(claim_key="task-1", agent_id="a"))
    assert result_of(released)["released_at"] == NOW
    assert released.acquired is None


def test_a_lock_is_answered_with_what_it_is(recorder: Recorder) -> None:
    granted = recorder.execute(AcquireLock(agent_id="a", file_path=" src/a.py ", metadata={"thread_id": "t"}))
    lock = {
        "file_path": "src/a.py",
        "agent_id": "a",
        "locked_at": NOW,
        "expires_at": IN_FIVE_MINUTES,
        "released_at": None,
        "metadata": {"thread_id": "t"},
        "fencing_token": 3,
        "key": "src/a.py",
        "mode": "exclusive",
    }
    assert (result_of(granted), granted.acquired) == (lock, True)
    refused = recorder.execute(AcquireLock(agent_id="b", file_path="src/a.py"))
    assert (result_of(refused), refused.acquired) == (lock, False)
    assert recorder.execute(AcquireLock(agent_id="b", file_path="src/a.py")) == refused
    prolonged = recorder.execute(AcquireLock(agent_id="a", file_path="src/a.py", ttl_sec=600))
    assert result_of(prolonged) == {**lock, "expires_at": timestamp(BEGINNING + 600_000_000)}
    assert prolonged.acquired is True
    refreshed = recorder.execute(RefreshLock(agent_id="a", file_path="src/a.py"))
    assert result_of(refreshed)["expires_at"] == IN_FIVE_MINUTES
    assert result_of(recorder.execute(ReleaseLock(agent_id="a", file_path="src/a.py")))["released_at"] == NOW
    with pytest.raises(NotFound):
        recorder.execute(ReleaseLock(agent_id="a", file_path="src/a.py"))


KNOWN_SINCE_011 = ("task_id", "parent_task_id", "channel", "thread_id", "status", "created_at", "completed_at")


def test_a_task_is_answered_with_what_it_is_and_again_on_repeat(recorder: Recorder, time: FakeTime) -> None:
    task_id = recorder.execute(post(kind="task", thread_id="t")).event_id
    assert task_id is not None
    time.pass_sec(1)
    done = recorder.execute(CompleteTask(task_id=task_id))
    told = result_of(done)
    assert (told["title"], told["state"], told["opener"], told["priority"]) == ("hi", "done", "a", 2)
    assert {name: value for name, value in told.items() if name in KNOWN_SINCE_011} == {
        "task_id": task_id,
        "parent_task_id": None,
        "channel": "general",
        "thread_id": "t",
        "status": "done",
        "created_at": NOW,
        "completed_at": timestamp(BEGINNING + 1_000_000),
    }
    time.pass_sec(1)
    assert recorder.execute(CompleteTask(task_id=task_id)) == done
    assert not done.parent_completed
    with pytest.raises(NotFound):
        recorder.execute(CompleteTask(task_id=task_id + 1))


def test_a_hub_tells_how_its_shutdown_stands(recorder: Recorder) -> None:
    initiated = recorder.execute(InitiateShutdown(delay_sec=30))
    assert result_of(initiated) == {"status": "shutdown_initiated", "remaining_sec": 30, "delay_sec": 30}
    assert is_pending(recorder)
    with pytest.raises(InvalidInput):
        recorder.execute(InitiateShutdown(delay_sec=30))
    assert result_of(recorder.execute(CancelShutdown())) == {"status": "shutdown_cancelled"}
    assert not is_pending(recorder)
    assert recorder.execute(FireShutdown()) == Outcome(b"null")
    recorder.execute(InitiateShutdown())
    assert recorder.execute(FireShutdown()).event_id is not None
    assert not is_pending(recorder)


def is_pending(recorder: Recorder) -> bool:
    return recorder.hub.shutdown_pending


def test_a_hub_tells_who_may_reach_it(storage: Path) -> None:
    with recording(storage, hub=HubState(hub_id="h", listen_host="10.0.0.1", loopback=False)) as recorder:
        head = recorder.last_event_id
        changed = recorder.execute(ChangeNetwork(allow_remote=True))
        assert result_of(changed) == {"allow_remote": True, "listen_host": "10.0.0.1"}
        assert recorder.hub.allow_remote
        again = recorder.execute(ChangeNetwork(allow_remote=True))
        assert (again.result, again.event_id) == (changed.result, None)
        assert recorder.last_event_id == head + 1


def test_a_hubs_start_and_stop_are_in_the_log(recorder: Recorder, storage: Path) -> None:
    recorder.execute(StartHub(version="1.0.0", url="http://127.0.0.1:1"))
    recorder.execute(StopHub(reason="shutdown"))
    assert [event.type for event in events_in(storage, 2)] == ["hub.started", "hub.stopped"]
    assert [event.stream for event in events_in(storage, 2)] == ["hub/hub-1", "hub/hub-1"]
