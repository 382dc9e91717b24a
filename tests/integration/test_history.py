"""History: who held what, what an event changed, what changed between two moments, what an agent could see."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from arclog.deciders.claims import AcquireClaim, ReleaseClaim
from arclog.deciders.locks import AcquireLock, RefreshLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import CloseSession, OpenSession, RenameSession
from arclog.deciders.tasks import CompleteTask
from arclog.errors import InvalidInput, NotFound
from arclog.sqlite.reads import read_now
from arclog.sqlite.statistics import read_statistics
from projections.history.blame import read_blame
from projections.history.changes import find_in_full
from projections.history.diff import find_last_act, read_diff
from projections.history.events import find_logged, read_log
from projections.history.seen import read_sight
from projections.history.tenures import Tenure
from projections.hub.calls import Call
from projections.hub.recorder import Recorder
from projections.moments import find_event_of, find_moment
from tests.support.fake_time import FakeTime
from tests.support.recorders import let_presence_be_checked, reading, recording

TTL = 120_000_000


class Story:
    """A hub without a network, at a time that the test moves."""

    def __init__(self, recorder: Recorder, time: FakeTime, storage: Path) -> None:
        self.recorder = recorder
        self.time = time
        self.storage = storage

    def do(self, *commands: Any) -> int:
        """Carry out commands, a second between them; the last event."""
        for command in commands:
            self.time.pass_sec(1)
            self.recorder.execute(command, "http")
        return self.recorder.last_event_id

    def now(self) -> int:
        return self.time.wall()

    def blame(self, stream: str) -> tuple[Tenure, ...]:
        with reading(self.storage) as connection:
            (life,) = read_blame(connection, stream, self.now())
        return life.tenures


@contextmanager
def told(storage: Path) -> Iterator[Story]:
    time = FakeTime()
    with recording(storage, time, presence_ttl=TTL) as recorder:
        yield Story(recorder, time, storage)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with told(tmp_path / "arc.sqlite3") as story:
        yield story


@pytest.fixture
def connection(story: Story) -> Iterator[apsw.Connection]:
    with reading(story.storage) as connection:
        yield connection


def lock(agent: str, path: str = "a.py", ttl_sec: float = 300) -> AcquireLock:
    return AcquireLock(agent_id=agent, file_path=path, ttl_sec=ttl_sec)


def say(agent: str, body: str, **more: Any) -> PostMessage:
    return PostMessage(from_agent=agent, body=body, **more)


def value(raw: msgspec.Raw | None) -> Any:
    return None if raw is None else msgspec.json.decode(raw)


# Blame ---------------------------------------------------------------------------------------------------------------


def test_blame_tells_who_held_a_lock_how_that_ended_and_who_was_refused(story: Story) -> None:
    first = story.do(lock("ada"))
    refused = story.do(lock("bob"), lock("bob"))
    released = story.do(RefreshLock(agent_id="ada", file_path="a.py"), ReleaseLock(agent_id="ada", file_path="a.py"))
    second = story.do(lock("bob", ttl_sec=10))
    one, other = story.blame("lock/a.py")
    assert (one.holder, one.from_event, one.until_event, one.how, one.ended_by, one.refreshed) == (
        "ada",
        first,
        released,
        "released",
        "ada",
        1,
    )
    assert [(refusal.agent_id, refusal.event_id) for refusal in one.refused] == [("bob", refused)]
    assert (other.holder, other.from_event, other.until_event, other.how) == ("bob", second, None, "held")
    story.time.pass_sec(11)
    assert story.blame("lock/a.py")[1].how == "lapsed"


def test_a_lease_that_lapsed_ended_when_it_lapsed_and_not_when_the_next_came(story: Story) -> None:
    story.do(lock("ada", ttl_sec=10))
    lapsed_at = story.now() + 10_000_000
    story.time.pass_sec(60)
    story.do(lock("bob"))
    one, other = story.blame("lock/a.py")
    assert (one.how, one.until_event) == ("lapsed", None)
    assert one.until_at is not None
    assert one.until_at.startswith("2027-01-15T08:00:11")
    assert lapsed_at < story.now()
    assert other.holder == "bob"


def test_a_lease_taken_back_from_an_owner_that_was_gone_says_so(story: Story) -> None:
    story.do(OpenSession(agent_id="ada"), lock("ada"), AcquireClaim(owner_agent_id="ada", claim_key="k"))
    story.time.pass_sec(130)
    let_presence_be_checked(story.recorder)
    for stream in ("lock/a.py", "claim/k"):
        (tenure,) = story.blame(stream)
        assert (tenure.holder, tenure.how, tenure.ended_by) == ("ada", "owner_gone", "system")
    (session,) = story.blame("session/ada")
    assert (session.how, session.ended_by) == ("expired", "system")


def test_blame_of_a_path_that_was_only_waited_for_tells_who_waited(story: Story, connection: apsw.Connection) -> None:
    story.do(lock("ada", "src/*/a.py"), AcquireLock(agent_id="bob", file_path="src/x/**", wait_sec=30))
    (life,) = read_blame(connection, "lock/src/x/b.py", story.now())
    assert (life.stream, life.tenures, [wait.agent_id for wait in life.waits]) == ("lock/src/x/**", (), ["bob"])


def test_blame_of_claims_tasks_and_sessions(story: Story) -> None:
    story.do(AcquireClaim(owner_agent_id="ada", claim_key="k"), ReleaseClaim(claim_key="k", agent_id="ada"))
    assert [tenure.how for tenure in story.blame("claim/k")] == ["released"]
    task = story.do(say("ada", "do it", kind="task"))
    assert [tenure.how for tenure in story.blame(f"task/{task}")] == ["open"]
    done = story.do(CompleteTask(task_id=task, agent_id="bob"))
    (tenure,) = story.blame(f"task/{task}")
    assert (tenure.holder, tenure.how, tenure.ended_by, tenure.until_event) == ("ada", "done", "bob", done)
    request = story.do(say("ada", "now", kind="task_request", to_agent="bob"))
    story.do(say("bob", "there", kind="task_result", reply_to=request, to_agent="ada"))
    assert [tenure.how for tenure in story.blame(f"task/{request}")] == ["done"]
    story.do(OpenSession(agent_id="cy"), OpenSession(agent_id="cy", replace=True))
    with reading(story.storage) as connection:
        session_id = value(find_in_full(connection, story.recorder.last_event_id).changes[0].after)["session_id"]  # type: ignore[union-attr, index]
    story.do(CloseSession(session_id=session_id))
    assert [tenure.how for tenure in story.blame("session/cy")] == ["replaced", "closed"]


def test_blame_of_what_nobody_holds_tells_who_did_how_much(story: Story, connection: apsw.Connection) -> None:
    story.do(say("ada", "1"), say("bob", "2"), say("ada", "3"))
    (life,) = read_blame(connection, "channel/general", story.now())
    assert life.tenures == ()
    assert [(share.actor, share.events) for share in life.actors] == [("ada", 2), ("bob", 1), ("system", 1)]


def test_blame_of_a_prefix_gives_each_life_by_name(story: Story, connection: apsw.Connection) -> None:
    story.do(lock("ada", "src/b.py"), lock("ada", "src/a.py"), lock("ada", "docs/x.md"))
    assert [life.stream for life in read_blame(connection, "lock/src/", story.now())] == [
        "lock/src/a.py",
        "lock/src/b.py",
    ]


def test_numbers_in_names_are_in_order_of_their_size(story: Story, connection: apsw.Connection) -> None:
    before = story.recorder.last_event_id
    head = story.do(*(lock("ada", f"file{number}") for number in (10, 9, 100)))
    paths = ["lock/file9", "lock/file10", "lock/file100"]
    assert [life.stream for life in read_blame(connection, "lock/", story.now())] == paths
    connection.execute("BEGIN")
    assert [change.entity for change in read_diff(connection, before, head).changes] == paths
    connection.execute("COMMIT")


def test_blame_of_nothing_says_how_streams_are_named(connection: apsw.Connection) -> None:
    with pytest.raises(NotFound, match="streams are named like"):
        read_blame(connection, "a.py", 0)


# Changes -------------------------------------------------------------------------------------------------------------


def changes_of(connection: apsw.Connection, event_id: int) -> dict[str, tuple[Any, Any]]:
    found = find_in_full(connection, event_id)
    assert found is not None
    assert found.changes is not None
    return {change.entity: (value(change.before), value(change.after)) for change in found.changes}


def test_what_an_event_changed_is_told_before_and_after(story: Story, connection: apsw.Connection) -> None:
    task = story.do(say("ada", "do it", kind="task", thread_id="t"))
    made = changes_of(connection, task)
    assert list(made) == [f"task/{task}", "thread/t", f"message/{task}"]
    assert made[f"task/{task}"][0] is None
    assert made["thread/t"][1]["open_task_count"] == 1
    done = changes_of(connection, story.do(CompleteTask(task_id=task, agent_id="bob")))
    before, after = done[f"task/{task}"]
    assert (before["status"], after["status"]) == ("open", "done")
    assert done["thread/t"][1]["status"] == "completed"


def test_a_refusal_changes_nothing_and_a_release_frees(story: Story, connection: apsw.Connection) -> None:
    taken = story.do(lock("ada"))
    assert changes_of(connection, taken)["lock/a.py"][1]["agent_id"] == "ada"
    assert changes_of(connection, story.do(lock("bob"))) == {}
    released = changes_of(connection, story.do(ReleaseLock(agent_id="ada", file_path="a.py")))
    assert released["lock/a.py"][0]["released_at"] is None
    assert released["lock/a.py"][1]["released_at"] is not None


def test_a_lease_that_is_taken_back_changes_its_thread_and_posts_its_notice(
    story: Story, connection: apsw.Connection
) -> None:
    story.do(OpenSession(agent_id="ada"), AcquireClaim(owner_agent_id="ada", claim_key="k", thread_id="t"))
    story.time.pass_sec(130)
    let_presence_be_checked(story.recorder)
    last = changes_of(connection, story.recorder.last_event_id)
    assert list(last) == ["session/ada", "claim/k", f"message/{story.recorder.last_event_id}", "thread/t"]
    assert last["thread/t"][1]["active_claim_count"] == 0


def test_sessions_and_channels_change_too(story: Story, connection: apsw.Connection) -> None:
    assert list(changes_of(connection, 1)) == ["channel/general"]
    story.do(OpenSession(agent_id="ada"))
    renamed = changes_of(connection, story.do(RenameSession(agent_id="ada", display_name="Ada")))
    assert [side["display_name"] for side in renamed["session/ada"]] == ["ada", "Ada"]


def test_an_event_that_is_not_there_is_not_found(connection: apsw.Connection) -> None:
    assert find_in_full(connection, 99) is None
    assert find_logged(connection, 99) is None


# Differences ---------------------------------------------------------------------------------------------------------


def test_a_difference_groups_what_changed_by_entity_and_tells_what_was_said(
    story: Story, connection: apsw.Connection
) -> None:
    task = story.do(
        say("ada", "do it", kind="task"),
    )
    after = story.do(lock("ada", "kept.py"))
    events = [
        story.do(command)
        for command in (
            lock("ada"),
            ReleaseLock(agent_id="ada", file_path="a.py"),
            CompleteTask(task_id=task, agent_id="bob"),
            say("bob", "done"),
        )
    ]
    found = read_diff(connection, after, events[-1])
    assert found.events == {"lock.acquired": 1, "lock.released": 1, "message.posted": 1, "task.completed": 1}
    assert [(change.entity, change.events) for change in found.changes] == [
        ("lock/a.py", (events[0], events[1])),
        (f"task/{task}", (events[2],)),
    ]
    assert value(found.changes[1].before)["status"] == "open"
    assert [value(message)["body"] for message in found.messages] == ["done"]


def test_what_was_changed_back_is_no_difference(story: Story, connection: apsw.Connection) -> None:
    after = story.do(OpenSession(agent_id="ada"), RenameSession(agent_id="ada", display_name="A"))
    until = story.do(lock("bob"), lock("cy"))
    assert [change.entity for change in read_diff(connection, after, until).changes] == ["lock/a.py"]
    assert read_diff(connection, until, until).changes == ()


def test_since_an_agent_was_last_there(story: Story, connection: apsw.Connection) -> None:
    last = story.do(say("ada", "bye"))
    story.do(say("bob", "hi"))
    assert find_last_act(connection, "ada") == last
    with pytest.raises(NotFound, match="never did anything"):
        find_last_act(connection, "nobody")


def test_the_whole_log_is_a_difference_from_nothing(story: Story, connection: apsw.Connection) -> None:
    story.do(lock("ada"), say("ada", "hi", thread_id="t"))
    found = read_diff(connection, 0, story.recorder.last_event_id)
    assert [change.entity for change in found.changes] == ["channel/direct", "channel/general", "lock/a.py", "thread/t"]
    assert all(change.before is None for change in found.changes)


# Sight ---------------------------------------------------------------------------------------------------------------


def test_what_an_agent_could_see_is_what_its_reads_would_have_given(story: Story, connection: apsw.Connection) -> None:
    story.do(OpenSession(agent_id="ada"), say("bob", "to all"), say("bob", "to ada", to_agent="ada"))
    story.do(say("bob", "to cy", to_agent="cy"), say("bob", "do it", kind="task"))
    at = story.do(lock("bob"), AcquireClaim(owner_agent_id="ada", claim_key="k"))
    story.do(say("bob", "too late"), ReleaseLock(agent_id="bob", file_path="a.py"))
    sight = read_sight(connection, "ada", at)
    assert sight.session is not None
    assert sight.live_agents == ("ada",)
    assert [value(message)["body"] for message in sight.inbox] == ["to ada"]
    assert [value(message)["body"] for message in sight.messages] == ["to all", "to ada", "do it"]
    assert [held.file_path for held in sight.locks] == ["a.py"]
    assert [held.claim_key for held in sight.claims] == ["k"]
    assert len(sight.open_tasks) == 1
    assert sight.latest_visible_id == sight.open_tasks[0].task_id
    assert [value(message)["body"] for message in read_sight(connection, "ada", at, 1).messages] == ["do it"]


def test_nobody_sees_anything_at_the_beginning(story: Story, connection: apsw.Connection) -> None:
    story.do(say("ada", "1"))
    sight = read_sight(connection, "ada", 0)
    assert (sight.session, sight.messages, sight.latest_visible_id) == (None, (), 0)
    assert sight.last_act_at is None


def test_whom_nobody_knows_has_no_sight(story: Story, connection: apsw.Connection) -> None:
    story.do(say("ada", "to you", to_agent="bob"))
    assert read_sight(connection, "bob", story.recorder.last_event_id).last_act_at is None
    with pytest.raises(NotFound, match="never did anything in this log, and nobody wrote to it"):
        read_sight(connection, "bobby", 0)


# Moments -------------------------------------------------------------------------------------------------------------


def test_a_moment_is_an_event_or_a_time(story: Story, connection: apsw.Connection) -> None:
    first = story.do(say("ada", "1"))
    story.do(say("ada", "2"))
    assert find_event_of(connection, str(first)) == first
    assert find_event_of(connection, "2027-01-15T08:00:01Z") == first
    assert find_event_of(connection, "2027-01-15T09:00:01.5 01:00") == first  # a `+` that a query string made a blank
    assert find_event_of(connection, "2027-01-15T07:59:59Z") == 0
    assert find_event_of(connection, "2099-01-01T00:00:00Z") == story.recorder.last_event_id
    for text in ("", "x", "-1", "2027-01-15T08:00:01", "1.5", "9" * 5000):
        with pytest.raises(InvalidInput, match="must be an event id or a time"):
            find_event_of(connection, text)


def test_a_moment_beyond_the_head_is_refused(connection: apsw.Connection) -> None:
    for event_id in (3, 2**70):
        with pytest.raises(InvalidInput, match="must be from 0 to 2"):
            find_moment(connection, event_id)


# The log as it is shown ----------------------------------------------------------------------------------------------


def test_an_event_is_shown_with_who_did_it_over_which_road_and_under_which_key(
    story: Story, connection: apsw.Connection
) -> None:
    story.recorder.transact([Call(say("ada", "hi"), lambda _result: None, "relay", "k1", b"r")])
    (event,) = read_log(connection, 2, 10)
    assert (event.type, event.stream, event.actor) == ("message.posted", "channel/general", "ada")
    assert event.metadata is not None
    assert (event.metadata.transport, event.metadata.key) == ("relay", "k1")
    assert event.data == {"from_agent": "ada", "channel": "general", "kind": "chat", "body": "hi"}
    assert not event.damaged


# Figures -------------------------------------------------------------------------------------------------------------


def test_statistics_count_every_event_once(story: Story, connection: apsw.Connection) -> None:
    story.do(say("ada", "1"), say("ada", "2"), lock("bob"))
    found = read_statistics(connection)
    assert (found.events, found.head) == (5, 5)
    assert {share.name: share.events for share in found.types} == {
        "channel.created": 2,
        "lock.acquired": 1,
        "message.posted": 2,
    }
    assert [share.name for share in found.actors] == ["ada", "system", "bob"]
    assert sum(span.events for span in found.spans) == 5
    assert found.span_sec == 1
    assert sum(share.bytes for share in found.types) == found.bytes < found.file_bytes


def test_the_present_of_a_log_is_never_before_its_last_event(story: Story, connection: apsw.Connection) -> None:
    story.time.pass_sec(1000)
    story.do(say("ada", "1"))
    assert read_now(connection, FakeTime()) == story.now()
    story.time.pass_sec(5)
    assert read_now(connection, story.time) == story.now()
