"""Group commit changes nothing but the time it takes, and a commit that fails leaves nothing behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, repeat
from pathlib import Path
from unittest.mock import patch

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arclog.codec import StoredEvent
from arclog.deciders.hub import InitiateShutdown
from arclog.errors import StorageError
from arclog.sqlite.reads import read
from projections.hub.clockwork import Clockwork
from projections.hub.command_handlers import Command
from projections.hub.recorder import Recorder
from projections.rebuilding.differences import find_differences
from projections.rebuilding.rebuild import replay_into
from tests.property.histories import Pass, Player, Step, fresh_storage, histories
from tests.support.fake_time import FakeTime
from tests.support.memory_engine import MemoryLog
from tests.support.recorders import execute_all, reading, recording

OFTEN = settings(
    max_examples=50,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(autouse=True, scope="module")
def _no_chance() -> Iterator[None]:
    """The same events have the same bytes."""
    with patch("arclog.sqlite.log.make_salts", lambda: repeat(bytes(16))):
        yield


@OFTEN
@given(histories())
def test_calls_in_one_transaction_leave_the_log_that_they_leave_one_by_one(tmp_path: Path, history: list[Step]) -> None:
    script, expected = play_one_by_one(tmp_path, history)
    with fresh_storage(tmp_path) as storage:
        time = FakeTime()
        with counted_sessions(), recording(storage, time) as recorder:
            for step in script:
                if isinstance(step, Pass):
                    time.pass_sec(step.seconds)
                else:
                    execute_all(recorder, step)
        assert log_of(storage) == expected
        check_tables(storage)


@OFTEN
@given(histories(), st.sets(st.integers(0, 30)))
def test_what_a_failed_commit_undid_can_be_done_again_as_if_it_had_never_been(
    tmp_path: Path, history: list[Step], failing: set[int]
) -> None:
    script, expected = play_one_by_one(tmp_path, history)
    with fresh_storage(tmp_path) as storage:
        time = FakeTime()
        with counted_sessions() as ids, recording(storage, time) as recorder:
            for number, step in enumerate(script):
                if isinstance(step, Pass):
                    time.pass_sec(step.seconds)
                    continue
                if number in failing:
                    with ids.again(), failing_commits(recorder):
                        answers = execute_all(recorder, step)
                    assert all(isinstance(answer, StorageError) for answer in answers)
                execute_all(recorder, step)
        assert log_of(storage) == expected
        check_tables(storage)


@OFTEN
@given(histories(), st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_hubs_that_share_a_remote_log_leave_the_log_and_the_tables_that_one_hub_leaves(
    tmp_path: Path, history: list[Step], at_second: set[int], unanswered: set[int]
) -> None:
    # Whether a shutdown counts down is known to its own hub alone.
    history = [step for step in history if not isinstance(step, InitiateShutdown)]
    script, expected = play_one_by_one(tmp_path, history)
    log = MemoryLog()
    with fresh_storage(tmp_path) as first, fresh_storage(tmp_path) as second:
        time = FakeTime()
        with (
            counted_sessions(),
            recording(first, time, remote=log.join(time)) as one,
            recording(second, time, remote=log.join(time)) as two,
        ):
            for number, step in enumerate(script):
                if isinstance(step, Pass):
                    time.pass_sec(step.seconds)
                    continue
                log.loses_answer = "kept" if number in unanswered else None
                execute_all(two if number in at_second else one, step)
            log.loses_answer = None
            for hub in (one, two):
                hub.transact([])
        assert log.events[: len(expected)] == expected
        for storage in (first, second):
            assert log_of(storage) == log.events
            check_tables(storage)


class Ids:
    """Session ids that are counted, so that two runs of one history give the same."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(self) -> str:
        return f"session-{next(self._numbers)}"

    @contextmanager
    def again(self) -> Iterator[None]:
        """Give the ids that are given meanwhile once more afterwards."""
        first = next(self._numbers)
        self._numbers = count(first)
        yield
        self._numbers = count(first)


@contextmanager
def counted_sessions() -> Iterator[Ids]:
    ids = Ids()
    # A hub vouches at the start of a transaction, and which call has one of its own is what is varied here.
    with patch("projections.hub.command_handlers.uuid4", ids), patch.object(Clockwork, "notice"):
        yield ids


@contextmanager
def failing_commits(recorder: Recorder) -> Iterator[None]:
    connection = recorder._side.connection
    connection.set_commit_hook(lambda: True)
    yield
    assert recorder._side.connection is connection
    connection.set_commit_hook(None)


Script = list["Pass | list[Command]"]


def play_one_by_one(folder: Path, history: list[Step]) -> tuple[Script, list[StoredEvent]]:
    """The log that a history leaves, and its commands, those that came at one time together."""
    script: Script = []
    with fresh_storage(folder) as storage:
        time = FakeTime()
        with counted_sessions(), recording(storage, time) as recorder:
            player = Player(recorder, time)
            for step in history:
                played = player.step(step)
                if isinstance(step, Pass):
                    script.append(step)
                elif played is not None:
                    if not script or isinstance(script[-1], Pass):
                        script.append([])
                    together = script[-1]
                    assert isinstance(together, list)
                    together.append(played.command)
        return script, log_of(storage)


def log_of(storage: Path) -> list[StoredEvent]:
    with reading(storage) as connection:
        return list(read(connection, limit=1_000_000))


def check_tables(storage: Path) -> None:
    with reading(storage) as connection:
        replayed = apsw.Connection(":memory:")
        replay_into(connection, replayed, log_of(storage)[-1].event_id)
        assert list(find_differences(connection, replayed)) == []
