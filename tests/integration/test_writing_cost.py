"""What a batch costs on the log that is the storage's own file: so many statements, one flush, and no other thread."""

from collections.abc import Callable
from cProfile import Profile
from pathlib import Path
from statistics import median

import apsw
import pytest

from arclog.deciders.locks import AcquireLock
from projections.hub.command_handlers import Command
from projections.hub.recorder import Recorder
from tests.support.faulty_disk import faulty_disk
from tests.support.recorders import execute_all, post, recording


def statements_of(recorder: Recorder, commands: list[Command]) -> int:
    """How many statements a batch takes."""
    seen: list[object] = []
    connection = recorder._side.connection
    connection.trace_v2(apsw.SQLITE_TRACE_STMT, seen.append)
    execute_all(recorder, commands)
    connection.trace_v2(0)
    return len(seen)


@pytest.mark.parametrize(
    ("commands", "most"),
    [
        (lambda: [post()], 5),
        (lambda: [post(body=str(number)) for number in range(16)], 35),
        (lambda: [AcquireLock(agent_id="a", file_path="p")], 7),
    ],
    ids=["post", "16 posts", "lock"],
)
def test_a_batch_takes_no_more_statements_than_its_rows_need(
    storage: Path, commands: Callable[[], list[Command]], most: int
) -> None:
    with recording(storage) as recorder:
        execute_all(recorder, [post(), AcquireLock(agent_id="b", file_path="q")])  # what is remembered from then on
        assert statements_of(recorder, commands()) <= most


@pytest.mark.parametrize(("posts", "most"), [(1, 270), (16, 145)], ids=["alone", "of 16"])
def test_a_post_calls_few_functions(storage: Path, posts: int, most: int) -> None:
    """Time cannot be tested, but what is called can be counted; a new feature adds to every post if it is not careful.

    When this was written, a post alone called 230 functions, and one of sixteen 125, those of Python itself included.
    """
    batch: list[Command] = [post(body=str(number)) for number in range(posts)]
    with recording(storage) as recorder:
        for _ in range(20):
            execute_all(recorder, batch)
        calls = []
        for _ in range(9):  # now and then the files of the storage are looked at besides
            profile = Profile()
            profile.runcall(execute_all, recorder, batch)
            calls.append(sum(entry.callcount for entry in profile.getstats()) / posts)
        assert median(calls) <= most


def test_a_batch_after_one_of_another_hub_takes_three_statements_more(storage: Path) -> None:
    with recording(storage) as recorder, recording(storage) as other:
        recorder.execute(post())
        for _ in range(2):
            other.execute(post())
            assert statements_of(recorder, [post()]) <= 8


def test_a_batch_is_one_flush(storage: Path) -> None:
    with faulty_disk() as disk, recording(storage) as recorder:
        recorder.execute(post())
        disk.fail("sync", 10**9)  # never, but from now on flushes are counted
        execute_all(recorder, [post() for _ in range(50)])
        assert disk.calls == 1
