"""What must be true of tasks after every history: the properties of all events, and what is ready is what rules say."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given

from projections import readiness
from projections.intervals import live
from projections.readiness import Worker
from projections.tasks import list_tasks
from tests.property.engines import EngineFor, on_each_engine
from tests.property.histories import AGENTS, Step, work_histories
from tests.property.test_histories import (
    OFTEN,
    SOAK,
    check_as_of,
    check_one_event_for_each_call,
    check_replay,
    check_retries,
    played_on,
)
from tests.support.recorders import events_in, reading


@on_each_engine
@OFTEN
@given(work_histories())
def test_what_is_true_of_every_history_is_true_of_work(
    tmp_path: Path, engine_for: EngineFor, history: list[Step]
) -> None:
    check_one_event_for_each_call(tmp_path, engine_for, history)
    check_replay(tmp_path, engine_for, history)
    check_as_of(tmp_path, engine_for, history[:20])
    check_retries(tmp_path, engine_for, history)


@on_each_engine
@OFTEN
@given(work_histories(60))
def test_what_is_ready_is_what_the_rules_say(tmp_path: Path, engine_for: EngineFor, history: list[Step]) -> None:
    check_readiness(tmp_path, engine_for, history)


@on_each_engine
@pytest.mark.soak
@SOAK
@given(work_histories(120))
def test_what_is_ready_is_what_the_rules_say_in_many_histories(
    tmp_path: Path, engine_for: EngineFor, history: list[Step]
) -> None:
    check_readiness(tmp_path, engine_for, history)


def check_readiness(folder: Path, engine_for: EngineFor, history: list[Step]) -> None:
    with played_on(folder, engine_for, history) as (storage, _played), reading(storage) as connection:
        at = live(events_in(storage)[-1].recorded_at)
        tasks = {task["task_id"]: task for task in msgspec.json.decode(msgspec.json.encode(list_tasks(connection, at)))}
        questions = {task_id for task_id, task in tasks.items() if task["title"] == "which?"}
        for agent_id in AGENTS:
            for capabilities in ((), ("code", "test")):
                worker = Worker(agent_id, capabilities)
                expected = [
                    task
                    for task_id, task in tasks.items()
                    if task_id not in questions and is_ready(tasks, task, agent_id, capabilities)
                ]
                expected.sort(key=lambda task: (task["priority"], task["task_id"]))
                ready = [task.task_id for task in readiness.each_ready(connection, at, worker)]
                assert ready == [task["task_id"] for task in expected]
                first = readiness.find_next(connection, worker, at)
                assert (None if first is None else first.task_id) == (ready[0] if ready else None)


def is_ready(
    tasks: dict[int, dict[str, Any]], task: dict[str, Any], agent_id: str, capabilities: tuple[str, ...]
) -> bool:
    """The rules, by looking at everything."""
    chain = [task]
    while chain[-1]["parent_task_id"] is not None:
        chain.append(tasks[chain[-1]["parent_task_id"]])
    children = [other for other in tasks.values() if other["parent_task_id"] == task["task_id"]]
    return (
        task["state"] == "open"
        and task["assignee"] in {None, agent_id}
        and not (task["not_before"] or "").startswith("2999")
        and set(task["needs"]) <= set(capabilities)
        and not any(child["status"] == "open" for child in children)
        and all(tasks[one]["state"] == "done" for above in chain for one in above["depends_on"])
        and not any(above["state"] == "cancelled" for above in chain[1:])
    )
