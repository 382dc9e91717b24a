"""The hub does what a plain fold of the rules says, after every step of every history."""

from pathlib import Path

import apsw
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from arclog.deciders.claims import AcquireClaim
from arclog.deciders.locks import AcquireLock
from arclog.deciders.sessions import OpenSession
from arclog.errors import ArcError
from projections import channels, claims, inbox, locks, message_pages, sessions, tasks, threads
from projections.intervals import live
from projections.message_pages import MessageQuery
from tests.property.engines import EngineFor, on_each_engine
from tests.property.histories import AGENTS, Pass, Player, Read, Step, fresh_storage, histories
from tests.property.model import Model
from tests.property.model_state import Lease
from tests.support.fake_time import FakeTime
from tests.support.recorders import reading, recording

OFTEN = settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@on_each_engine
@OFTEN
@given(histories())
def test_a_hub_does_what_the_model_says(tmp_path: Path, engine_for: EngineFor, history: list[Step]) -> None:
    check_against_the_model(tmp_path, engine_for, history)


@on_each_engine
@pytest.mark.soak
@settings(OFTEN, max_examples=1000, derandomize=False)
@given(histories(120))
def test_a_hub_does_what_the_model_says_in_many_histories(
    tmp_path: Path, engine_for: EngineFor, history: list[Step]
) -> None:
    check_against_the_model(tmp_path, engine_for, history)


def check_against_the_model(folder: Path, engine_for: EngineFor, history: list[Step]) -> None:
    time, model = FakeTime(), Model()
    began_at = time.wall()
    with (
        fresh_storage(folder) as storage,
        recording(storage, time, remote=engine_for(time)) as recorder,
        reading(storage) as connection,
    ):
        player = Player(recorder, time)
        for step in history:
            model.now = time.wall() - began_at
            if isinstance(step, Pass | Read):
                player.step(step)
                if isinstance(step, Read):
                    model.read(step.agent_id)
                continue
            command = player.fill_in(step)
            expected = model.run(command)
            result = player.execute(command).result
            if isinstance(result, ArcError):
                assert type(result) is expected
            elif isinstance(command, AcquireClaim | AcquireLock):
                assert result.acquired is expected
            else:
                assert expected in {None, True}
            if isinstance(command, OpenSession) and expected is None:
                assert not isinstance(result, ArcError)
                model.opened(command.agent_id, msgspec.json.decode(result.result)["session_id"])
            assert recorder.last_event_id == model.head
            compare_state(connection, model, began_at)


def compare_state(connection: apsw.Connection, model: Model, began_at: int) -> None:
    at = live(began_at + model.now)
    assert {session.agent_id: session.display_name for session in sessions.list_sessions(connection, at)} == {
        agent: session.name for agent, session in model.sessions.items()
    }
    assert {
        claim.claim_key: (claim.owner_agent_id, claim.fencing_token) for claim in claims.list_claims(connection, at)
    } == {key: (lease.owner, lease.token) for key, lease in model.claims.items()}
    assert {claim.claim_key for claim in claims.list_claims(connection, at, active_only=True)} == active(
        model.claims, model.now
    )
    assert {lock.file_path: (lock.agent_id, lock.fencing_token) for lock in locks.list_locks(connection, at)} == {
        path: (lease.owner, lease.token) for path, lease in model.locks.items()
    }
    assert {lock.file_path for lock in locks.list_locks(connection, at, active_only=True)} == active(
        model.locks, model.now
    )
    assert [(task.task_id, task.parent_task_id, task.status) for task in tasks.list_tasks(connection, at)] == [
        (task_id, task.parent, "done" if task.done else "open") for task_id, task in sorted(model.tasks.items())
    ]
    assert {channel.name for channel in channels.each_channel(connection, at)} == model.channels
    summaries = [msgspec.structs.astuple(thread) for thread in threads.list_threads(connection, at)]
    assert [(*row[:4], *row[5:]) for row in summaries] == model.threads(), "but for the time of the latest message"
    for channel in sorted(model.channels):
        page = message_pages.read_messages(connection, MessageQuery(channel=channel, limit=500), at)
        assert page.ids == [said.event_id for said in model.said if said.to is None and said.channel == channel]
    for agent in AGENTS:
        own = {path: lease for path, lease in model.locks.items() if lease.owner == agent}
        assert {lock.file_path for lock in locks.list_locks(connection, at, agent)} == set(own)
        assert {lock.file_path for lock in locks.list_locks(connection, at, agent, active_only=True)} == active(
            own, model.now
        )
        visible = [said for said in model.said if said.to in {None, agent}]
        page = message_pages.read_messages(connection, MessageQuery(agent_id=agent, limit=500), at)
        assert page.ids == [said.event_id for said in visible]
        page = message_pages.read_messages(connection, MessageQuery(agent_id=agent, exclude_self=True, limit=500), at)
        assert page.ids == [said.event_id for said in visible if said.by != agent]
        assert inbox.read_inbox(connection, agent, at, limit=500).ids == [
            said.event_id for said in model.said if said.to == agent
        ]


def active(leases: dict[str, Lease], now: int) -> set[str]:
    return {name for name, lease in leases.items() if lease.is_active(now)}
