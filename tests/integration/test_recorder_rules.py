"""The rules of a log have a number: a hub that knows only older ones shows everything, and decides nothing."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from arclog.clock import LogClock
from arclog.codec import Metadata, StoredEvent, encode_data, encode_metadata
from arclog.deciders.claims import AcquireClaim
from arclog.deciders.hub import HubState
from arclog.deciders.locks import AcquireLock
from arclog.deciders.picking import TakeNextTask
from arclog.deciders.sessions import OpenSession
from arclog.deciders.task_batches import NewTask, OpenTasks
from arclog.deciders.tasks import AssignTask, CancelTask, CompleteTask, FailTask
from arclog.deciders.tokens import IssueToken
from arclog.deciders.wakes import RequestWake
from arclog.digest import chain
from arclog.errors import NewerRules, StorageError
from arclog.events import HubStarted, RulesRaised
from arclog.events.rule_numbers import FAMILY_RULES, WORK_RULES
from arclog.machine_time import MachineTime
from arclog.sqlite.engine import file_log
from arclog.sqlite.schema import open_storage
from projections.checkpoints import read_checkpoints
from projections.hub.command_handlers import Command
from projections.hub.hub import Hub
from projections.hub.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.hubs import on_hubs
from tests.support.memory_engine import MemoryLog
from tests.support.recorders import TTL_SEC, events_in, live_agents, post, reading, recording


def raise_rules(storage: Path, number: int) -> None:
    with closing(open_storage(storage)) as connection:
        log = file_log(connection, storage, LogClock(MachineTime()))
        log.begin()
        log.append(RulesRaised(number=number, version="9.0.0"), log.now(), Metadata("hub"))
        log.commit()


def test_a_hub_that_knows_only_older_rules_decides_nothing(storage: Path, time: FakeTime) -> None:
    with recording(storage, time) as recorder:
        recorder.execute(OpenSession(agent_id="a"))
    raise_rules(storage, 99)
    with recording(storage, time) as recorder:
        head = recorder.last_event_id
        with pytest.raises(NewerRules, match=r"follows rules 99, .* run Arc 9\.0\.0 or later") as caught:
            recorder.execute(post())
        assert (caught.value.number, caught.value.version) == (99, "9.0.0")
        time.pass_sec(TTL_SEC + 1)
        recorder.transact([])
        assert recorder.last_event_id == head
        assert live_agents(storage) == ["a"]


def test_a_hub_that_knows_only_older_rules_starts_and_shows_everything(storage: Path) -> None:
    raise_rules(storage, 99)

    async def story(hub: Hub) -> None:
        with pytest.raises(NewerRules):
            await hub.execute(post())
        assert hub.now().is_live

    on_hubs(storage, story)
    assert [event.type for event in events_in(storage)] == ["rules.raised"]


def test_the_first_event_that_needs_newer_rules_raises_the_number_before_it(
    storage: Path, time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "projections.hub.transaction.rules_of", lambda event: 2 if event.type == "session.opened" else 1
    )
    with recording(storage, time, hub=HubState(hub_id="h", version="1.1.0"), rules=2) as recorder:
        recorder.execute(post())
        recorder.execute(OpenSession(agent_id="a"))
        recorder.execute(OpenSession(agent_id="b"))
    assert [event.type for event in events_in(storage, 2)] == [
        "message.posted",
        "rules.raised",
        "session.opened",
        "session.opened",
    ]
    assert events_in(storage)[3].data == RulesRaised(number=2, version="1.1.0")


FIRST_USES: dict[str, Callable[[Recorder], Command]] = {
    "several tasks at once": lambda _: OpenTasks(agent_id="a", tasks=[NewTask(body="one"), NewTask(body="two")]),
    "a task with a priority": lambda _: post(kind="task", priority=0),
    "the next task": lambda recorder: (recorder.execute(post(kind="task")), TakeNextTask(agent_id="a"))[1],
    "a question": lambda _: post(to_agent="human", kind="task_request"),
    "a message that wants an acknowledgement": lambda _: post(to_agent="b", ack=True),
    "a token": lambda _: IssueToken(agent_id="a", token_sha256="ab" * 32),
    "a wake": lambda _: RequestWake(agent_id="b", from_agent="a"),
}


@pytest.mark.parametrize("what", FIRST_USES)
def test_the_first_use_of_work_receipts_and_tokens_raises_the_number(storage: Path, time: FakeTime, what: str) -> None:
    with recording(storage, time, hub=HubState(hub_id="h", version="1.1.0")) as recorder:
        recorder.execute(OpenSession(agent_id="b"))
        recorder.execute(FIRST_USES[what](recorder))
    *_, raised, _used = events_in(storage)
    assert raised.data == RulesRaised(number=WORK_RULES, version="1.1.0")


def test_the_first_sub_agent_raises_the_number(storage: Path, time: FakeTime) -> None:
    with recording(storage, time) as recorder:
        recorder.execute(OpenSession(agent_id="a"))
        recorder.execute(OpenSession(agent_id="a.b", parent="a"))
    *_, raised, _opened = events_in(storage)
    assert raised.data == RulesRaised(number=FAMILY_RULES, version="")


@pytest.mark.parametrize(
    "decide",
    [
        lambda task_id: FailTask(task_id=task_id, agent_id="a"),
        lambda task_id: CancelTask(task_id=task_id, agent_id="a"),
        lambda task_id: AssignTask(task_id=task_id, agent_id="a", assignee="b"),
    ],
    ids=["failed", "cancelled", "assigned"],
)
def test_what_becomes_of_a_task_in_other_words_than_done_raises_the_number(
    storage: Path, time: FakeTime, decide: Callable[[int], Command]
) -> None:
    with recording(storage, time) as recorder:
        task_id = recorder.execute(post(kind="task")).event_id
        assert task_id is not None
        recorder.execute(decide(task_id))
    assert [event.type for event in events_in(storage)][-2] == "rules.raised"


def test_what_the_first_protocol_knew_leaves_the_number_as_it_is(storage: Path, time: FakeTime) -> None:
    with recording(storage, time) as recorder:
        recorder.execute(OpenSession(agent_id="a"))
        recorder.execute(post("a", to_agent="b"))
        task_id = recorder.execute(post("a", to_agent="b", kind="task_request")).event_id
        recorder.execute(AcquireClaim(owner_agent_id="b", task_message_id=task_id))
        recorder.execute(AcquireLock(agent_id="b", file_path="a.py"))
        recorder.execute(post("b", to_agent="a", kind="task_result", reply_to=task_id))
        assert task_id is not None
        recorder.execute(CompleteTask(task_id=task_id))
    assert "rules.raised" not in {event.type for event in events_in(storage)}


def test_what_is_due_stays_due_until_a_hub_comes_that_knows_the_rules(storage: Path, time: FakeTime) -> None:
    with recording(storage, time) as recorder:
        recorder.execute(post(kind="task"))
        recorder.execute(TakeNextTask(agent_id="a", ttl_sec=10))
        recorder.execute(post("a", to_agent="human", kind="task_request", default="no", deadline_sec=10))
    time.pass_sec(TTL_SEC + 1)
    with recording(storage, time, rules=WORK_RULES - 1) as older:
        head = older.last_event_id
        for _ in range(3):
            older.transact([])
            assert not older.is_due()  # else it would try again at once, and for ever
            time.pass_sec(2)
        assert older.last_event_id == head
    with recording(storage, time) as recorder:
        recorder.transact([])
        assert {event.type for event in events_in(storage, head)} == {"task.lapsed", "task.completed"}


def append_raw(storage: Path, event_type: str, data: bytes) -> None:
    """Append an event as a later version of Arc might."""
    with closing(open_storage(storage)) as connection:
        log = file_log(connection, storage, LogClock(MachineTime()))
        log.begin()
        head, now, metadata = log.head(), log.now(), encode_metadata(Metadata())
        digest = chain(head.digest, head.event_id + 1, now, event_type, "moon/1", "a", data, metadata)
        log.append_stored(StoredEvent(head.event_id + 1, now, event_type, "moon/1", "a", data, metadata, digest))
        log.commit()


def change_tables(storage: Path, by: int) -> None:
    """Have the tables be of another version."""
    with closing(open_storage(storage)) as connection:
        connection.execute("UPDATE checkpoints SET version = version + ?", (by,))


def test_a_hub_does_not_start_on_tables_of_a_later_version_and_says_which(storage: Path) -> None:
    with recording(storage):
        pass
    raise_rules(storage, 99)
    append_raw(storage, "moon.landed", b"\x80")
    change_tables(storage, 1)
    with reading(storage) as connection:
        before = read_checkpoints(connection)
    with pytest.raises(StorageError, match=r"follows rules 99, .* run Arc 9\.0\.0 or later"), recording(storage):
        pass
    with reading(storage) as connection:
        assert read_checkpoints(connection) == before


def test_a_hub_writes_nothing_more_once_another_version_has_made_the_tables_its_own_way(storage: Path) -> None:
    with recording(storage) as recorder:
        recorder.execute(post())
        change_tables(storage, 1)
        append_raw(storage, HubStarted.type, encode_data(HubStarted(hub_id="h2", version="9.0.0")))
        head = events_in(storage)[-1].event_id
        for _ in range(2):
            with pytest.raises(StorageError, match=r"another version of Arc .* start it with that version"):
                recorder.execute(post())
        assert events_in(storage)[-1].event_id == head


def test_a_copy_follows_its_log_up_to_an_event_that_only_later_versions_know(storage: Path, time: FakeTime) -> None:
    log = MemoryLog()
    with recording(storage, time, remote=log.join(time)) as recorder:
        recorder.execute(post())
        last = log.events[-1]
        unknown = (last.event_id + 1, last.recorded_at, "moon.landed", "moon/1", "a", b"\x80", b"\x80")
        log.events.append(StoredEvent(*unknown, chain(last.digest, *unknown)))
        for _ in range(2):
            with pytest.raises(StorageError, match=r"cannot follow its log any further: .*moon\.landed"):
                recorder.execute(post())
        assert recorder.last_event_id == last.event_id
