"""The recorder: calls become events, several in one transaction, and each caller gets its answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arclog.codec import Metadata
from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim, RefreshClaim, ReleaseClaim
from arclog.deciders.fields import Limits
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
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import CloseSession, OpenSession, RenameSession, SeeAgent
from arclog.deciders.tasks import CompleteTask
from arclog.errors import ArcError, InvalidInput, KeyReused, NotFound, SessionCollision, UnexpectedFailure
from arclog.events import ChannelCreated, ClaimRefused, LockRefused, MessagePosted, TaskCompleted
from arclog.events.messages import CodeAttachment, TextAttachment
from projections import claims, locks, messages, threads
from projections.answers import Outcome
from projections.calls import Call
from projections.intervals import live
from projections.judge import Command, sender_of
from projections.messages import MessageQuery
from projections.recorder import Recorder
from projections.times import timestamp
from tests.support.fake_time import BEGINNING, FakeTime
from tests.support.recorders import events_in, execute_all, reading, recording

NOW = timestamp(BEGINNING)
IN_FIVE_MINUTES = timestamp(BEGINNING + 300_000_000)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "arc.sqlite3"


@pytest.fixture
def recorder(storage: Path, time: FakeTime) -> Iterator[Recorder]:
    with recording(storage, time) as recorder:
        yield recorder


def result_of(outcome: Outcome) -> Any:
    return msgspec.json.decode(outcome.result)


def post(agent: str = "a", **given: Any) -> PostMessage:
    return PostMessage(**{"from_agent": agent, "body": "hi"} | given)


# Answers -------------------------------------------------------------------------------------------------------------


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


def test_a_grant_after_a_lease_that_lapsed_has_a_greater_fencing_token(recorder: Recorder, time: FakeTime) -> None:
    first = result_of(recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=5)))
    time.pass_sec(5)
    assert recorder.execute(AcquireLock(agent_id="b", file_path="p")).acquired is False
    time.pass_micros(1)
    second = recorder.execute(AcquireLock(agent_id="b", file_path="p"))
    assert second.acquired is True
    assert result_of(second)["fencing_token"] > first["fencing_token"]


def test_a_refusal_is_in_the_log_once_for_each_grant_and_asker(recorder: Recorder, storage: Path) -> None:
    for _ in range(3):
        for agent in "abc":
            recorder.execute(AcquireLock(agent_id=agent, file_path="p"))
            recorder.execute(AcquireClaim(owner_agent_id=agent, claim_key="k"))
    refusals = [event.data for event in events_in(storage) if isinstance(event.data, LockRefused | ClaimRefused)]
    assert [(type(refusal).__name__, refusal.asker_agent_id) for refusal in refusals] == [
        ("LockRefused", "b"),
        ("ClaimRefused", "b"),
        ("LockRefused", "c"),
        ("ClaimRefused", "c"),
    ]


def test_a_task_is_answered_with_what_it_is_and_again_on_repeat(recorder: Recorder, time: FakeTime) -> None:
    task_id = recorder.execute(post(kind="task", thread_id="t")).event_id
    assert task_id is not None
    time.pass_sec(1)
    done = recorder.execute(CompleteTask(task_id=task_id))
    assert result_of(done) == {
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


@pytest.mark.parametrize("task_id", [0, -1, 2**63, 2**64, -(2**70)])
def test_an_id_that_no_task_can_have_is_unknown(recorder: Recorder, task_id: int) -> None:
    with pytest.raises(NotFound):
        recorder.execute(CompleteTask(task_id=task_id))
    with pytest.raises(InvalidInput):
        recorder.execute(post(parent_task_id=task_id))


def test_the_last_child_completes_its_parent_in_one_event_with_one_notice(recorder: Recorder, storage: Path) -> None:
    recorder.execute(CreateChannel(name="room"))
    parent = recorder.execute(post(kind="task", channel="room", thread_id="t")).event_id
    first = recorder.execute(post(kind="task", parent_task_id=parent)).event_id
    second = recorder.execute(post(kind="task", parent_task_id=parent)).event_id
    assert first is not None
    assert second is not None
    assert not recorder.execute(CompleteTask(task_id=first)).parent_completed
    head = recorder.last_event_id
    last = recorder.execute(CompleteTask(task_id=second, agent_id="a"))
    assert last.parent_completed
    (event,) = events_in(storage, head)
    assert isinstance(event.data, TaskCompleted)
    assert event.data.notice is not None
    assert (event.data.rolled_up_task_id, event.data.notice.body) == (
        parent,
        f"All 2 subtasks of task {parent} are complete.",
    )
    assert (event.data.notice.channel, event.data.notice.thread_id, event.data.notice.reply_to) == ("room", "t", parent)


def test_a_result_completes_its_request_in_one_event(recorder: Recorder, storage: Path) -> None:
    request = recorder.execute(post(kind="task_request", to_agent="b")).event_id
    head = recorder.last_event_id
    answer = recorder.execute(post("b", kind="task_result", to_agent="a", reply_to=request, metadata={"m": 1}))
    assert result_of(answer)["metadata"] == {"m": 1, "task_completed": request}
    (event,) = events_in(storage, head)
    assert isinstance(event.data, MessagePosted)
    assert event.data.completes_task_id == request
    second = recorder.execute(post("b", kind="task_result", to_agent="a", reply_to=request))
    assert result_of(second)["metadata"] == {}


def test_a_result_closes_the_task_of_its_thread(recorder: Recorder, storage: Path) -> None:
    request = recorder.execute(post(kind="task_request", thread_id="t")).event_id
    recorder.execute(post("b", kind="task_result", reply_to=request, thread_id="t"))
    with reading(storage) as connection:
        (summary,) = threads.list_threads(connection, live(BEGINNING))
    assert (summary.total_task_count, summary.open_task_count, summary.status) == (1, 0, "completed")


def test_a_lease_is_listed_as_active_up_to_and_including_its_last_microsecond(
    recorder: Recorder, storage: Path
) -> None:
    recorder.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=5, metadata={"thread_id": "t"}))
    recorder.execute(AcquireClaim(owner_agent_id="a", claim_key="k", ttl_sec=5, thread_id="t"))
    with reading(storage) as connection:
        for moment, count in ((BEGINNING + 5_000_000, 1), (BEGINNING + 5_000_001, 0)):
            at = live(moment)
            assert len(locks.list_locks(connection, at, active_only=True)) == count
            assert len(claims.list_claims(connection, at, active_only=True)) == count
            assert (
                len(locks.list_held(connection, "a", moment)) == len(claims.list_held(connection, "a", moment)) == count
            )
            for summary in (threads.get_thread(connection, "t", at), *threads.list_threads(connection, at)):
                assert (summary.active_claim_count, summary.active_lock_count) == (count, count)


def test_a_result_in_another_thread_closes_the_task_in_its_own(recorder: Recorder, storage: Path) -> None:
    request = recorder.execute(post(kind="task_request", thread_id="t")).event_id
    recorder.execute(post("b", kind="task_result", reply_to=request, thread_id="u"))
    with reading(storage) as connection:
        summaries = {thread.thread_id: thread for thread in threads.list_threads(connection, live(BEGINNING))}
    assert (summaries["t"].open_task_count, summaries["t"].status) == (0, "completed")
    assert (summaries["u"].total_task_count, summaries["u"].status) == (0, "waiting")


def test_a_page_of_messages_ends_before_it_grows_too_large(
    recorder: Recorder, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.messages.MAX_PAGE_BYTES", 5000)
    execute_all(recorder, [post(body="x" * 2000) for _ in range(6)])
    with reading(storage) as connection:
        first = messages.read_messages(connection, MessageQuery(channel="general"), live(BEGINNING))
        rest = messages.read_messages(
            connection, MessageQuery(channel="general", since_id=first.ids[-1]), live(BEGINNING)
        )
        tail = messages.read_messages(connection, MessageQuery(channel="general", tail=True), live(BEGINNING))
    assert (first.ids, rest.ids, tail.ids) == ([3, 4], [5, 6], [7, 8])
    assert len(msgspec.json.decode(first.json())) == 2


def test_a_message_that_is_larger_than_a_page_is_a_page(
    recorder: Recorder, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.messages.MAX_PAGE_BYTES", 100)
    execute_all(recorder, [post(body="x" * 2000) for _ in range(2)])
    with reading(storage) as connection:
        assert messages.read_messages(connection, MessageQuery(channel="general"), live(BEGINNING)).ids == [3]


@pytest.mark.parametrize("reply_to", [0, 1, 2**53 - 1])
def test_a_result_for_what_is_no_request_is_an_ordinary_message(recorder: Recorder, reply_to: int) -> None:
    answer = recorder.execute(post(kind="task_result", reply_to=reply_to))
    assert result_of(answer)["metadata"] == {}


def test_a_plain_task_is_not_completed_by_a_result(recorder: Recorder) -> None:
    task = recorder.execute(post(kind="task")).event_id
    assert result_of(recorder.execute(post(kind="task_result", reply_to=task)))["metadata"] == {}


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


# Keys ----------------------------------------------------------------------------------------------------------------


def test_a_key_and_the_road_that_a_call_took_are_in_the_log(recorder: Recorder, storage: Path) -> None:
    recorder.execute(post(), "relay", "key", b"hash")
    assert events_in(storage)[-1].metadata == Metadata("relay", "key", b"hash")


def test_a_retry_gets_the_first_answer_even_when_things_have_moved_on(recorder: Recorder, time: FakeTime) -> None:
    acquire = AcquireLock(agent_id="a", file_path="p", ttl_sec=60)
    first = recorder.execute(acquire, "http", "key", b"hash")
    recorder.execute(RefreshLock(agent_id="a", file_path="p", ttl_sec=300))
    recorder.execute(ReleaseLock(agent_id="a", file_path="p"))
    time.pass_sec(1000)
    recorder.execute(AcquireLock(agent_id="b", file_path="p"))
    head = recorder.last_event_id
    assert recorder.execute(acquire, "http", "key", b"hash") == first
    assert recorder.last_event_id == head


def test_a_retry_in_the_same_batch_is_a_retry_too(recorder: Recorder) -> None:
    results: list[Outcome | ArcError] = []
    recorder.transact([Call(post(), results.append, "http", "key", b"hash") for _ in range(3)]).tell()
    assert results[0] == results[1] == results[2]
    assert recorder.last_event_id == 3


def test_a_key_with_another_request_is_refused_and_names_the_event(recorder: Recorder) -> None:
    recorder.execute(post(), "http", "key", b"hash")
    with pytest.raises(KeyReused, match="'key' was already used for a different request") as caught:
        recorder.execute(post(body="other"), "http", "key", b"other hash")
    assert (caught.value.key, caught.value.event_id) == ("key", 3)


def test_a_key_belongs_to_its_sender(recorder: Recorder) -> None:
    first = recorder.execute(post("a"), "http", "key", b"hash")
    second = recorder.execute(post("b"), "http", "key", b"other hash")
    assert first.event_id != second.event_id


def test_a_key_without_a_sender_belongs_to_the_anonymous(recorder: Recorder) -> None:
    first = recorder.execute(CreateChannel(name="room"), "http", "key", b"hash")
    assert recorder.execute(CreateChannel(name="room"), "http", "key", b"hash") == first
    with pytest.raises(KeyReused):
        recorder.execute(InitiateShutdown(), "http", "key", b"other hash")


def test_a_refused_request_does_not_burn_its_key(recorder: Recorder) -> None:
    with pytest.raises(InvalidInput):
        recorder.execute(post(channel="room"), "http", "key", b"hash")
    recorder.execute(CreateChannel(name="room"))
    assert recorder.execute(post(channel="room"), "http", "key", b"hash").created


def test_keys_outlive_a_restart(storage: Path) -> None:
    with recording(storage) as recorder:
        first = recorder.execute(post(), "http", "key", b"hash")
    with recording(storage) as recorder:
        assert recorder.execute(post(), "http", "key", b"hash") == first


@pytest.mark.parametrize(
    ("command", "sender"),
    [
        (post(" a "), "a"),
        (AcquireClaim(owner_agent_id="a"), "a"),
        (RefreshClaim(owner_agent_id="a", claim_key="k"), "a"),
        (ReleaseClaim(agent_id="a", claim_key="k"), "a"),
        (CreateChannel(name="room", created_by="a"), "a"),
        (CreateChannel(name="room"), "anonymous"),
        (CompleteTask(task_id=1, agent_id="a"), "a"),
        (CompleteTask(task_id=1, agent_id=" "), "anonymous"),
        (OpenSession(agent_id="a"), "a"),
        (SeeAgent(agent_id="a"), "a"),
        (CloseSession(session_id="s"), "anonymous"),
        (StartHub(version="1"), "anonymous"),
    ],
)
def test_a_call_is_its_agents(command: Command, sender: str) -> None:
    assert sender_of(command) == sender


# Batches -------------------------------------------------------------------------------------------------------------


def test_many_calls_go_into_one_transaction_and_are_answered_in_order(recorder: Recorder, storage: Path) -> None:
    commits: list[None] = []

    def count() -> bool:
        commits.append(None)
        return False

    recorder._connection.set_commit_hook(count)
    answers = execute_all(recorder, [post(body=str(number)) for number in range(200)])
    assert len(commits) == 1
    assert [result_of(answer)["body"] for answer in answers if isinstance(answer, Outcome)] == [
        str(number) for number in range(200)
    ]
    assert len(events_in(storage)) == 202


def test_each_call_of_a_batch_meets_what_the_ones_before_it_left(recorder: Recorder) -> None:
    first, second, third, fourth = execute_all(
        recorder,
        [
            CreateChannel(name="room"),
            post(channel="room"),
            AcquireLock(agent_id="a", file_path="p"),
            AcquireLock(agent_id="b", file_path="p"),
        ],
    )
    assert isinstance(first, Outcome)
    assert isinstance(second, Outcome)
    assert isinstance(third, Outcome)
    assert isinstance(fourth, Outcome)
    assert (third.acquired, fourth.acquired) == (True, False)


def test_nobody_is_told_anything_before_the_flush(recorder: Recorder, storage: Path) -> None:
    told: list[Outcome | ArcError] = []
    staged = recorder.stage([Call(post(), told.append)])
    assert staged is not None
    assert staged.staged
    assert (told, len(events_in(storage)), recorder.last_event_id) == ([], 2, 2)
    flushed = recorder.flush(staged)
    assert (told, len(events_in(storage)), recorder.last_event_id) == ([], 3, 3)
    flushed.tell()
    assert len(told) == 1


def test_a_transaction_tells_what_was_said_in_it(recorder: Recorder) -> None:
    results: list[Outcome | ArcError] = []
    commands: list[Command] = [post(), CreateChannel(name="room"), post(to_agent="b"), InitiateShutdown(delay_sec=1)]
    commit = recorder.transact([Call(command, results.append) for command in commands])
    assert (commit.after, commit.head, commit.foreign) == (2, 6, False)
    assert [(message.event_id, message.from_agent, message.to_agent) for message in commit.messages] == [
        (3, "a", None),
        (5, "a", "b"),
        (6, "system", None),
    ]


def test_a_refused_call_costs_the_others_nothing(recorder: Recorder) -> None:
    first, second, third = execute_all(recorder, [post(), post(kind="shout"), post()])
    assert isinstance(first, Outcome)
    assert isinstance(second, InvalidInput)
    assert isinstance(third, Outcome)
    assert recorder.last_event_id == 4


def test_a_call_that_the_hub_cannot_carry_out_costs_the_others_nothing(recorder: Recorder, storage: Path) -> None:
    poison = post(metadata={"not": object()})
    first, second, third = execute_all(recorder, [post("a"), poison, post("b")])
    assert isinstance(first, Outcome)
    assert isinstance(second, UnexpectedFailure)
    assert isinstance(third, Outcome)
    assert [event.actor for event in events_in(storage, 2)] == ["a", "b"]
    with pytest.raises(UnexpectedFailure, match="nothing of it was kept"):
        recorder.execute(poison)
    assert recorder.execute(post("c")).event_id == 5


def test_a_batch_in_which_a_fault_undid_something_leaves_no_memory_of_it(recorder: Recorder) -> None:
    poison = post(metadata={"not": object()})
    first, second, _poison = execute_all(recorder, [CreateChannel(name=""), post(channel="room"), poison])
    assert isinstance(first, InvalidInput)
    assert isinstance(second, InvalidInput)
    created, posted, _poison, again = execute_all(
        recorder, [CreateChannel(name="room"), post(channel="room", thread_id="t"), poison, post(thread_id="t")]
    )
    assert isinstance(created, Outcome)
    assert isinstance(posted, Outcome)
    assert isinstance(again, Outcome)
    with reading(recorder._path) as connection:
        ordinals = connection.execute("SELECT thread_ordinal FROM messages WHERE thread_id = 't'").fetchall()
    assert ordinals == [(1,), (2,)]


@pytest.mark.parametrize(
    "command",
    [
        post("a\ud800"),
        post(body="\ud800"),
        post(to_agent="\udfff"),
        post(channel="\ud800"),
        post(thread_id="\ud800"),
        post(kind="\ud800"),
        post(attachments=[TextAttachment("\ud800")]),
        post(attachments=[CodeAttachment("x", language="\ud800")]),
        post(metadata={"a": "\ud800"}),
        OpenSession(agent_id="\ud800"),
        OpenSession(agent_id="a", capabilities=["\ud800"]),
        RenameSession(agent_id="\ud800", display_name="Bo"),
        CreateChannel(name="\ud800"),
        AcquireClaim(owner_agent_id="a", claim_key="\ud800"),
        AcquireLock(agent_id="a", file_path="\ud800"),
        AcquireLock(agent_id="\ud800", file_path="p"),
        CompleteTask(task_id=1, agent_id="\ud800"),
    ],
)
@pytest.mark.parametrize("key", [None, "key"])
def test_half_a_surrogate_pair_is_bad_input_wherever_it_stands(
    recorder: Recorder, command: Command, key: str | None
) -> None:
    with pytest.raises((InvalidInput, NotFound)):
        recorder.execute(command, "http", key, b"hash")
    assert recorder.last_event_id == 2


def test_half_a_surrogate_pair_names_no_session(recorder: Recorder) -> None:
    with pytest.raises((InvalidInput, NotFound)):
        recorder.execute(CloseSession(session_id="\ud800"))


def test_a_hub_holds_messages_to_its_own_limits(storage: Path) -> None:
    with recording(storage, limits=Limits(max_body_chars=3)) as recorder:
        assert recorder.execute(post(body="abc")).created
        with pytest.raises(InvalidInput, match="at most 3 characters"):
            recorder.execute(post(body="abcd"))
