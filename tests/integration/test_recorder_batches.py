"""Many calls go into one transaction, where none costs the others anything and nobody hears before it is kept."""

from pathlib import Path

import pytest

from arclog.deciders.channels import CreateChannel
from arclog.deciders.hub import InitiateShutdown
from arclog.deciders.locks import AcquireLock
from arclog.errors import ArcError, InvalidInput, UnexpectedFailure
from projections.hub.calls import Call
from projections.hub.command_handlers import Command
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from tests.support.recorders import events_in, execute_all, post, reading, result_of


def test_many_calls_go_into_one_transaction_and_are_answered_in_order(recorder: Recorder, storage: Path) -> None:
    commits: list[None] = []

    def count() -> bool:
        commits.append(None)
        return False

    recorder._side.connection.set_commit_hook(count)
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
    with reading(recorder._side._path) as connection:
        ordinals = connection.execute("SELECT ordinal FROM thread_messages WHERE thread_id = 't'").fetchall()
    assert ordinals == [(1,), (2,)]
