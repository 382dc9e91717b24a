"""What must be true after every history, whatever was asked for and however much time passed."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings

from arclog.deciders.messages import PostMessage
from arclog.digest import GENESIS
from arclog.errors import ArcError, KeyReused
from arclog.events import (
    AgentDark,
    HubVouched,
    RulesRaised,
    SessionExpired,
    TaskCompleted,
    TaskFailed,
    TaskLapsed,
    WakeFailed,
    WakeSeen,
)
from arclog.events.channels import ANONYMOUS
from arclog.notices import count_ids
from arclog.proof.keys import verify_keys
from arclog.sender import sender_of
from arclog.sqlite.reads import read
from arclog.sqlite.schema import EVENTS
from projections import (
    channels,
    claims,
    cursors,
    inbox,
    locks,
    message_pages,
    questions,
    readiness,
    receipts,
    sessions,
    tasks,
    threads,
    tokens,
    wakes,
)
from projections.all_projectors import HANDLERS, project
from projections.checkpoints import are_in_step, read_checkpoints
from projections.hub.outcomes import Outcome
from projections.intervals import AsOf, as_of, live
from projections.live_writer import LiveWriter
from projections.message_pages import MessageQuery
from projections.readiness import Worker
from projections.rebuilding.differences import find_differences
from projections.rebuilding.rebuild import bring_up_to_date, replay_into
from tests.property.engines import EngineFor, on_each_engine
from tests.property.histories import (
    AGENTS,
    CHANNELS,
    KEYS,
    PATHS,
    THREADS,
    Played,
    Player,
    Step,
    fresh_storage,
    histories,
)
from tests.support.chains import find_break
from tests.support.fake_time import FakeTime
from tests.support.recorders import events_in, reading, recording

OFTEN = settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
SOAK = settings(OFTEN, max_examples=1000, derandomize=False)


OF_THE_HUB = (
    *(SessionExpired, HubVouched, TaskLapsed, TaskFailed, TaskCompleted, RulesRaised),
    *(WakeSeen, WakeFailed, AgentDark),
)
"""What the hub does by itself."""


@contextmanager
def played_on(folder: Path, engine_for: EngineFor, history: list[Step]) -> Iterator[tuple[Path, list[Played]]]:
    """A storage of its own on which the history was played, and how that went."""
    with fresh_storage(folder) as storage:
        time = FakeTime()
        with recording(storage, time, remote=engine_for(time)) as recorder:
            played = Player(recorder, time).play(history)
        yield storage, played


# One accepted call, one event ----------------------------------------------------------------------------------------


@on_each_engine
@OFTEN
@given(histories())
def test_one_event_for_each_accepted_call_and_none_for_a_refused_one(
    tmp_path: Path, engine_for: EngineFor, history: list[Step]
) -> None:
    check_one_event_for_each_call(tmp_path, engine_for, history)


@on_each_engine
@pytest.mark.soak
@SOAK
@given(histories(80))
def test_one_event_for_each_call_in_many_histories(tmp_path: Path, engine_for: EngineFor, history: list[Step]) -> None:
    check_one_event_for_each_call(tmp_path, engine_for, history)


def check_one_event_for_each_call(folder: Path, engine_for: EngineFor, history: list[Step]) -> None:
    with played_on(folder, engine_for, history) as (storage, played):
        written = {event.event_id: event for event in events_in(storage)}
        with reading(storage) as connection:
            assert find_break(GENESIS, read(connection, limit=1_000_000)) is None
    taken = accumulate(count_ids(event.data) for event in written.values())
    assert list(written) == list(taken), "each event takes an id, or one for each of its messages"
    followers = [*(call.first for call in played), max(written) + 1][1:]
    for call, following in zip(played, followers, strict=False):
        own = [written[event_id] for event_id in range(call.first, following) if event_id in written]
        calls = [event for event in own if event.metadata.transport == "http"]
        if isinstance(call.result, ArcError):
            assert calls == []
        elif call.result.event_id is not None and call.result.event_id >= call.first:
            assert [event.event_id for event in calls] == [call.result.event_id]
        else:
            assert calls == []
        by_the_hub = [event.data for event in own if event.metadata.transport == "hub"]
        assert all(isinstance(data, OF_THE_HUB) for data in by_the_hub)


# Replay = live -------------------------------------------------------------------------------------------------------


@on_each_engine
@OFTEN
@given(histories())
def test_a_replay_of_the_log_is_what_is_live_row_by_row(
    tmp_path: Path, engine_for: EngineFor, history: list[Step]
) -> None:
    check_replay(tmp_path, engine_for, history)


@on_each_engine
@pytest.mark.soak
@SOAK
@given(histories(80))
def test_a_replay_is_what_is_live_in_many_histories(tmp_path: Path, engine_for: EngineFor, history: list[Step]) -> None:
    check_replay(tmp_path, engine_for, history)


def check_replay(folder: Path, engine_for: EngineFor, history: list[Step]) -> None:
    with played_on(folder, engine_for, history) as (storage, _played), reading(storage) as connection:
        replayed = apsw.Connection(":memory:")
        head = events_in(storage)[-1].event_id
        replay_into(connection, replayed, head)
        assert list(find_differences(connection, replayed)) == []
        assert are_in_step(read_checkpoints(connection))


# As of N = a hub that only had the first N events --------------------------------------------------------------------


@on_each_engine
@settings(OFTEN, max_examples=30)
@given(histories())
def test_every_read_as_of_n_is_that_of_a_hub_which_only_had_the_first_n_events(
    tmp_path: Path, engine_for: EngineFor, history: list[Step]
) -> None:
    check_as_of(tmp_path, engine_for, history)


@on_each_engine
@pytest.mark.soak
@settings(SOAK, max_examples=200)
@given(histories(80))
def test_as_of_is_the_past_in_many_histories(tmp_path: Path, engine_for: EngineFor, history: list[Step]) -> None:
    check_as_of(tmp_path, engine_for, history)


def check_as_of(folder: Path, engine_for: EngineFor, history: list[Step]) -> None:
    early = apsw.Connection(":memory:")
    early.execute(EVENTS["schema"])
    bring_up_to_date(early)
    writer = LiveWriter(early)
    with played_on(folder, engine_for, history) as (storage, _played), reading(storage) as full:
        events = list(read(full, limit=1_000_000))
        for event in events:
            early.execute(
                EVENTS["append"],
                (
                    event.event_id,
                    event.recorded_at,
                    event.type,
                    event.stream,
                    event.actor,
                    event.data,
                    event.metadata,
                    event.digest,
                ),
            )
            project(HANDLERS, writer, event.decode())
            then = read_everything(early, live(event.recorded_at))
            since = read_everything(full, as_of(event.event_id, len(events), event.recorded_at))
            for name, value in then.items():
                assert since[name] == value, f"{name} as of event {event.event_id}, {event.type}"


def read_everything(connection: apsw.Connection, at: AsOf) -> dict[str, Any]:
    """The answers of every read that there is, by a name for each."""
    found: dict[str, Any] = {
        "sessions": sessions.list_sessions(connection, at),
        "sessions that can test": sessions.list_sessions(connection, at, "test"),
        "channels": list(channels.each_channel(connection, at)),
        "last broadcast": message_pages.find_latest_broadcast(connection, at),
        "threads": threads.list_threads(connection, at),
        "claims": claims.list_claims(connection, at),
        "active claims": claims.list_claims(connection, at, active_only=True),
        "locks": locks.list_locks(connection, at),
        "active locks": locks.list_locks(connection, at, active_only=True),
        "tasks": tasks.list_tasks(connection, at),
        "ready tasks": list(readiness.each_ready(connection, at, Worker("a", frozenset({"code"})))),
        "explained tasks": list(readiness.each_explained(connection, at, Worker("a"))),
        "questions": list(questions.each_question(connection, at)),
        "open questions": list(questions.each_question(connection, at, state="open")),
        "what is not acknowledged": receipts.list_wanted(connection, at, 100),
        "what one is to acknowledge": receipts.list_wanted(connection, at, 100, to_agent="b"),
        "what one wants acknowledged": receipts.list_wanted(connection, at, 100, from_agent="a"),
        "what is overdue": receipts.list_overdue(connection, at, 100),
        "wakes": wakes.list_wakes(connection, at, 100),
        "tokens": tokens.list_tokens(connection, at),
        "open tasks": tasks.list_tasks(connection, at, status="open"),
        "done tasks": tasks.list_tasks(connection, at, status="done"),
    }
    for agent in AGENTS:
        found |= {
            f"cursor of {agent}": cursors.find_position(connection, agent, "poll", at),
            f"session of {agent}": sessions.find_session(connection, agent, at),
            f"inbox of {agent}": inbox.read_inbox(connection, agent, at, since_id=2, limit=3),
            f"end of the inbox of {agent}": inbox.read_inbox(connection, agent, at, limit=2, tail=True),
            f"last in the inbox of {agent}": inbox.find_latest(connection, agent, at),
            f"locks of {agent}": locks.list_locks(connection, at, agent),
            f"active locks of {agent}": locks.list_locks(connection, at, agent, active_only=True),
        }
    for channel in CHANNELS:
        found[f"channel {channel}"] = channels.find_channel(connection, channel, at)
        found[f"tasks in {channel}"] = tasks.list_tasks(connection, at, channel=channel)
    for thread in THREADS:
        found |= {
            f"thread {thread}": threads.get_thread(connection, thread, at),
            f"channel of {thread}": threads.find_thread_channel(connection, thread, at),
            f"messages of {thread}": message_pages.read_thread_messages(connection, thread, at, 3, 4),
            f"claims of {thread}": claims.list_claims(connection, at, thread),
            f"active claims of {thread}": claims.list_claims(connection, at, thread, active_only=True),
            f"claims in {thread}": list(claims.each_in_thread(connection, thread, at)),
            f"locks in {thread}": list(locks.each_in_thread(connection, thread, at)),
            f"tasks of {thread}": tasks.list_tasks(connection, at, thread_id=thread),
        }
    found |= {f"claim {key}": claims.find_claim(connection, key, at) for key in KEYS}
    found |= {f"lock {path}": locks.list_of_key(connection, path, at) for path in PATHS}
    for task in tasks.list_tasks(connection, at):
        found[f"task {task.task_id}"] = tasks.find_task(connection, task.task_id, at)
        found[f"children of {task.task_id}"] = tasks.list_tasks(connection, at, parent_id=task.task_id)
    found |= {str(query): message_pages.read_messages(connection, query, at) for query in QUERIES}
    return found


QUERIES = [
    MessageQuery(channel="general"),
    MessageQuery(channel="general", since_id=3, limit=2),
    MessageQuery(channel="room", tail=True, limit=2),
    MessageQuery(thread_id="t1"),
    MessageQuery(thread_id="t1", channel="general", limit=2),
    MessageQuery(thread_id="t2", tail=True, limit=2),
    MessageQuery(agent_id="a"),
    MessageQuery(agent_id="a", exclude_self=True, since_id=4, limit=3),
    MessageQuery(agent_id="a", tail=True, limit=3),
    MessageQuery(agent_id="b", exclude_self=True, tail=True, limit=2),
    MessageQuery(agent_id="b", channel="direct", exclude_self=True),
    MessageQuery(agent_id="b", channel="general", limit=3),
    MessageQuery(agent_id="c", channels=("room", "direct")),
    MessageQuery(agent_id="c", channels=("general", "room"), exclude_self=True, since_id=5, limit=2),
    MessageQuery(agent_id="a", thread_id="t1"),
    MessageQuery(agent_id="a", thread_id="t2", channel="general", exclude_self=True, limit=2),
]


# Retries -------------------------------------------------------------------------------------------------------------


@on_each_engine
@OFTEN
@given(histories())
def test_the_same_request_under_the_same_key_is_done_once_and_answered_alike(
    tmp_path: Path, engine_for: EngineFor, history: list[Step]
) -> None:
    check_retries(tmp_path, engine_for, history)


@on_each_engine
@pytest.mark.soak
@SOAK
@given(histories(80))
def test_retries_are_safe_in_many_histories(tmp_path: Path, engine_for: EngineFor, history: list[Step]) -> None:
    check_retries(tmp_path, engine_for, history)


def check_retries(folder: Path, engine_for: EngineFor, history: list[Step]) -> None:
    time = FakeTime()
    recorded: list[tuple[str, Played]] = []
    with fresh_storage(folder) as storage, recording(storage, time, remote=engine_for(time)) as recorder:
        player = Player(recorder, time)
        for number, step in enumerate(history):
            key = f"key-{number}"
            first = player.step(step, key, b"request")
            if first is None:
                continue
            head = recorder.last_event_id
            again = player.execute(first.command, key, b"request")
            if isinstance(first.result, Outcome):
                assert again.result == first.result
                assert recorder.last_event_id == head
                if first.result.event_id is not None and first.result.event_id >= first.first:
                    recorded.append((key, first))
            else:
                assert type(again.result) is type(first.result)
                assert str(again.result) == str(first.result)
        time.pass_sec(10_000)
        for key, first in recorded:
            assert player.execute(first.command, key, b"request").result == first.result
            if sender_of(first.command) == ANONYMOUS:
                continue  # nobody's key belongs to its request
            reused = player.execute(first.command, key, b"another request").result
            assert isinstance(reused, KeyReused)
            assert isinstance(first.result, Outcome)
            assert reused.event_id == first.result.event_id
        kept = [event.metadata.key for event in events_in(storage) if event.metadata.key is not None]
        assert len(kept) == len(set(kept)) == len(recorded)
        with reading(storage) as connection:
            assert list(verify_keys(connection, recorder.last_event_id)) == []


@on_each_engine
@OFTEN
@given(histories())
def test_a_refused_call_does_not_burn_its_key(tmp_path: Path, engine_for: EngineFor, history: list[Step]) -> None:
    time = FakeTime()
    with fresh_storage(tmp_path) as storage, recording(storage, time, remote=engine_for(time)) as recorder:
        player = Player(recorder, time)
        for number, step in enumerate(history):
            key = f"key-{number}"
            played = player.step(step, key, b"request")
            if played is not None and isinstance(played.result, ArcError):
                sender = sender_of(played.command)
                if sender in AGENTS:
                    other = player.execute(PostMessage(from_agent=sender, body="hi"), key, b"another request")
                    assert isinstance(other.result, Outcome)
