"""What a batch costs on the log that is the storage's own file: so many statements, one flush, and no other thread."""

from collections.abc import Callable
from cProfile import Profile
from pathlib import Path
from statistics import median

import apsw
import pytest

from arclog.deciders.claims import AcquireClaim
from arclog.deciders.locks import AcquireLock, ReleaseLock
from projections.hub.calls import Call
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
        (lambda: [post()], 4),
        (lambda: [post(body=str(number)) for number in range(16)], 34),
        (lambda: [AcquireLock(agent_id="a", file_path="p")], 6),
    ],
    ids=["post", "16 posts", "lock"],
)
def test_a_batch_takes_no_more_statements_than_its_rows_need(
    storage: Path, commands: Callable[[], list[Command]], most: int
) -> None:
    with recording(storage) as recorder:
        execute_all(recorder, [post(), AcquireLock(agent_id="b", file_path="q")])  # what is remembered from then on
        assert statements_of(recorder, commands()) <= most


def functions_of(recorder: Recorder, *batches: list[Command]) -> float:
    """How many functions a call of some batches calls, those of Python itself included.

    Time cannot be tested, but what is called can be counted; a new feature adds to every call if it is not careful.
    """
    for _ in range(20):
        for batch in batches:
            execute_all(recorder, batch)
    counts = []
    for _ in range(9):  # now and then the files of the storage are looked at besides
        profile = Profile()
        for batch in batches:
            profile.runcall(execute_all, recorder, batch)
        counts.append(sum(entry.callcount for entry in profile.getstats()) / sum(map(len, batches)))
    return median(counts)


@pytest.mark.parametrize(("posts", "most"), [(1, 165), (16, 87)], ids=["alone", "of 16"])
def test_a_post_calls_few_functions(storage: Path, posts: int, most: int) -> None:
    """When this was written, a post alone called 140 functions, one of 16 81; more where files were looked at."""
    with recording(storage) as recorder:
        assert functions_of(recorder, [post(body=str(number)) for number in range(posts)]) <= most


def test_a_lock_calls_few_functions(storage: Path) -> None:
    """When this was written, one that was taken or given back called 127 functions, and one that was renewed 108."""
    taken: list[Command] = [AcquireLock(agent_id=f"a{one}", file_path=f"src/{one}.py") for one in range(16)]
    given: list[Command] = [ReleaseLock(agent_id=f"a{one}", file_path=f"src/{one}.py") for one in range(16)]
    with recording(storage) as recorder:
        assert functions_of(recorder, taken, given) <= 134
        assert functions_of(recorder, taken) <= 115


def test_a_claim_calls_few_functions(storage: Path) -> None:
    """When this was written, one that was renewed called 102 functions."""
    claims: list[Command] = [AcquireClaim(owner_agent_id=f"a{one}", claim_key=f"key-{one}") for one in range(16)]
    with recording(storage) as recorder:
        assert functions_of(recorder, claims) <= 109


def test_a_claim_that_is_on_no_task_has_nobody_look_at_the_tasks(storage: Path) -> None:
    with recording(storage) as recorder:
        claims: list[Command] = [AcquireClaim(owner_agent_id="a", claim_key="k")]
        on_a_task: list[Command] = [AcquireClaim(owner_agent_id="a", claim_key="of", task_message_id=9)]
        for batch in (claims, claims, on_a_task, on_a_task):
            execute_all(recorder, batch)
        assert not recorder.transact([Call(claims[0])]).has_work
        assert statements_of(recorder, claims) == statements_of(recorder, claims) <= 6
        assert recorder.transact([Call(on_a_task[0])]).has_work


def test_a_batch_after_one_of_another_hub_takes_three_statements_more(storage: Path) -> None:
    with recording(storage) as recorder, recording(storage) as other:
        recorder.execute(post())
        for _ in range(2):
            other.execute(post())
            assert statements_of(recorder, [post()]) <= 7


def test_a_batch_is_one_flush(storage: Path) -> None:
    with faulty_disk() as disk, recording(storage) as recorder:
        recorder.execute(post())
        disk.fail("sync", 10**9)  # never, but from now on flushes are counted
        execute_all(recorder, [post() for _ in range(50)])
        assert disk.calls == 1
