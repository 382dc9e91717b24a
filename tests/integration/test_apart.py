"""Projecting apart: two processes make the same tables as one, and neither outlives the other."""

import errno
import io
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from arclog.codec import FactRow, encode_data
from arclog.deciders.claims import AcquireClaim, ReleaseClaim
from arclog.deciders.locks import AcquireLock
from arclog.deciders.messages import PostMessage
from arclog.events import MessagePosted
from arclog.sqlite.connection import open_connection
from arclog.sqlite.log import read_facts
from projections.all_projectors import PROJECTORS
from projections.hub.command_handlers import Command
from projections.projector import Bindings, Projector
from projections.rebuilding.apart import (
    AHEAD,
    CHUNK_BYTES,
    Answer,
    Begin,
    Chunk,
    End,
    Find,
    Reached,
    Rows,
    SecondProcessEnded,
    project_apart,
    receive,
    send,
    serve,
)
from projections.rebuilding.projecting import project_chunks
from projections.rebuilding.rebuild import bring_up_to_date
from projections.rebuilding.rebuild_writer import Bounds, OpenTables, Tables
from tests.support.recorders import contents, execute_all, reading, recording
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
TIGHT = Bounds(rows=3, counts=3, versions=3)
"""So little that much must be asked for again."""

Project = Callable[[Tables, Iterator[list[FactRow]], Sequence[Projector], Bounds], Iterator[int]]


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """A storage in which much is going on at the same time."""
    path = tmp_path / "arc.sqlite3"
    keys = [f"k{number}" for number in range(12)]
    story: list[Command] = []
    for _ in range(3):
        story += [AcquireClaim(owner_agent_id="a", claim_key=key, thread_id=f"t{key}") for key in keys]
        story += [AcquireLock(agent_id="b", file_path=key) for key in keys]
        story += [PostMessage(from_agent="a", body="do ☂", kind="task", thread_id=key) for key in keys]
        story += [ReleaseClaim(agent_id="a", claim_key=key) for key in keys]
    with recording(path) as recorder:
        execute_all(recorder, story)
    return path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that were started."""
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr("subprocess.Popen", Noted)
    return started


def small_chunks(connection: apsw.Connection) -> Iterator[list[FactRow]]:
    """A log, a few events at a time."""
    after = 0
    while chunk := read_facts(connection, after, 20):
        yield chunk
        after = chunk[-1][0]


def tables_by(
    project: Project, storage: Path, bounds: Bounds, projectors: Sequence[Projector] = PROJECTORS
) -> list[Any]:
    """Which events were reached, and all rows that come of a log."""
    with reading(storage) as source, closing(apsw.Connection(":memory:")) as target:
        for projector in projectors:
            target.execute(projector.schema)
        reached = list(project(OpenTables(target), small_chunks(source), projectors, bounds))
        tables = [table for projector in projectors for table in projector.tables]
        return [reached, *(target.execute(f'SELECT * FROM "{table}" ORDER BY 1, 2').fetchall() for table in tables)]  # noqa: S608


@contextmanager
def empty_tables() -> Iterator[apsw.Connection]:
    """A database with all tables, and nothing in them."""
    with closing(apsw.Connection(":memory:")) as connection:
        for projector in PROJECTORS:
            connection.execute(projector.schema)
        yield connection


@pytest.mark.parametrize("bounds", [Bounds(), TIGHT], ids=["much is remembered", "little is remembered"])
def test_two_processes_make_the_tables_that_one_makes(storage: Path, bounds: Bounds) -> None:
    alone = tables_by(project_chunks, storage, bounds)
    assert len(alone[0]) > AHEAD
    assert tables_by(project_apart, storage, bounds) == alone


def test_only_the_projections_that_are_asked_for_are_made(storage: Path) -> None:
    few = [projector for projector in PROJECTORS if projector.name in {"locks", "threads"}]
    assert tables_by(project_apart, storage, TIGHT, few) == tables_by(project_chunks, storage, TIGHT, few)


def test_a_rebuild_of_many_events_takes_two_processes_and_of_few_one(
    storage: Path, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.rebuilding.rebuild.count_cores", lambda: 2)
    with closing(open_connection(storage)) as connection:
        before = contents(connection)
        for fewest in (10**9, 100):
            monkeypatch.setattr("projections.rebuilding.rebuild.APART_FROM", fewest)
            connection.execute("UPDATE checkpoints SET version = 0")
            bring_up_to_date(connection)
            assert contents(connection) == before
            assert len(started) == (fewest == 100)


def test_a_rebuild_that_fails_ends_the_second_process(
    storage: Path, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_reached: int, _last: int) -> None:
        raise RuntimeError("nobody wants to know")

    monkeypatch.setattr("projections.rebuilding.rebuild.count_cores", lambda: 2)
    monkeypatch.setattr("projections.rebuilding.rebuild.APART_FROM", 0)
    with closing(open_connection(storage)) as connection:
        connection.execute("UPDATE checkpoints SET version = 0")
        with pytest.raises(RuntimeError) as failed:
            bring_up_to_date(connection, fail)
        assert [process.poll() is not None for process in started] == [True], failed


def test_one_core_makes_its_tables_alone(
    storage: Path, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.rebuilding.rebuild.count_cores", lambda: 1)
    monkeypatch.setattr("projections.rebuilding.rebuild.APART_FROM", 0)
    with closing(open_connection(storage)) as connection:
        connection.execute("UPDATE checkpoints SET version = 0")
        bring_up_to_date(connection)
    assert started == []


@pytest.mark.parametrize(
    "row",
    [
        pytest.param((10**6, 0, "no.such_type", b""), id="of no known type"),
        pytest.param((10**6, 0, "message.posted", b"no MessagePack"), id="of other bytes"),
        pytest.param((10**6, 1.5, "message.posted", b""), id="at no time"),
        pytest.param((10**6, 0, "message.posted", None), id="without bytes"),
    ],
)
def test_the_second_process_ends_at_an_event_that_cannot_be_read(
    storage: Path, started: list[subprocess.Popen[bytes]], row: Any
) -> None:
    def damaged(connection: apsw.Connection) -> Iterator[list[FactRow]]:
        yield from small_chunks(connection)
        yield [row]
        yield from small_chunks(connection)

    with reading(storage) as source, empty_tables() as target, pytest.raises(SecondProcessEnded):
        list(project_apart(OpenTables(target), damaged(source), PROJECTORS))
    assert [process.poll() is not None for process in started] == [True]


@pytest.mark.parametrize("when", ["at once", "when rows were written"])
def test_what_a_second_process_does_not_bring_to_its_end_is_made_anew_by_one(
    storage: Path, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    insert = OpenTables.insert

    def insert_and_kill(tables: OpenTables, sql: str, rows: Sequence[Bindings]) -> None:
        insert(tables, sql, rows)
        if len(started) == 1:
            started[0].kill()

    monkeypatch.setattr("projections.rebuilding.rebuild.count_cores", lambda: 2)
    monkeypatch.setattr("projections.rebuilding.rebuild.APART_FROM", 0)
    if when == "at once":
        monkeypatch.setattr("projections.rebuilding.apart._START", "raise ImportError")
    else:
        monkeypatch.setattr("projections.rebuilding.apart.ROOMY", TIGHT)
        monkeypatch.setattr(OpenTables, "insert", insert_and_kill)
    with closing(open_connection(storage)) as connection:
        before = contents(connection)
        connection.execute("UPDATE checkpoints SET version = 0")
        bring_up_to_date(connection)
        assert contents(connection) == before
    assert len(started) == 1


def test_an_event_that_cannot_be_read_is_told_by_the_process_that_is_left(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.rebuilding.rebuild.count_cores", lambda: 2)
    monkeypatch.setattr("projections.rebuilding.rebuild.APART_FROM", 0)
    with closing(open_connection(storage)) as connection:
        connection.execute("DROP TRIGGER events_are_never_changed")
        connection.execute("UPDATE events SET type = 'no.such_type' WHERE event_id = 9")
        connection.execute("UPDATE checkpoints SET version = 0")
        with pytest.raises(msgspec.DecodeError, match=r"no.such_type"):
            bring_up_to_date(connection)


@pytest.mark.parametrize("error", [BlockingIOError(errno.EAGAIN, "no more processes"), FileNotFoundError()])
def test_where_no_process_can_be_had_the_second_has_ended(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr("subprocess.Popen", refuse)
    with empty_tables() as target, pytest.raises(SecondProcessEnded):
        list(project_apart(OpenTables(target), [], PROJECTORS))


def test_a_pipe_that_cannot_be_made_wider_will_do(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("fcntl.fcntl", refuse)
    assert tables_by(project_apart, storage, TIGHT) == tables_by(project_chunks, storage, TIGHT)


def test_few_chunks_are_under_way(storage: Path) -> None:
    taken = itertools.count()
    with reading(storage) as source, empty_tables() as target:
        chunks = (chunk for chunk in small_chunks(source) if next(taken) >= 0)
        steps = project_apart(OpenTables(target), chunks, PROJECTORS, TIGHT)
        done = 0
        for done, _ in enumerate(steps, 1):
            assert next(copy(taken)) <= done + AHEAD
    assert done == next(taken) > AHEAD + 1


def test_a_chunk_of_large_events_is_sent_in_pieces(storage: Path) -> None:
    data = encode_data(MessagePosted(from_agent="a", channel="general", body="x" * (CHUNK_BYTES * 2 // 3)))
    large = [(event_id, 0, "message.posted", data) for event_id in (5, 6)]
    small = [(7, 0, "message.posted", encode_data(MessagePosted(from_agent="a", channel="general", body="y")))]
    with empty_tables() as target:
        assert list(project_apart(OpenTables(target), iter([large + small]), PROJECTORS)) == [5, 7]
        assert target.execute("SELECT group_concat(event_id) FROM messages").get == "5,6,7"


def test_who_gives_up_ends_the_second_process(storage: Path, started: list[subprocess.Popen[bytes]]) -> None:
    with reading(storage) as source, empty_tables() as target:
        for _ in project_apart(OpenTables(target), small_chunks(source), PROJECTORS, TIGHT):
            break
    assert [process.poll() is not None for process in started] == [True]


FIRST = """
import subprocess, sys, time
from contextlib import closing, contextmanager
from copy import copy
import apsw
from arclog.sqlite.log import read_facts
from projections.rebuilding.apart import project_apart
from projections.rebuilding.rebuild_writer import Bounds, OpenTables
from projections.all_projectors import PROJECTORS

started = subprocess.Popen
def start(*arguments, **options):
    process = started(*arguments, **options)
    print(process.pid, flush=True)
    return process
subprocess.Popen = start

class Slow(OpenTables):
    def insert(self, sql, rows):
        print("a row", flush=True)
        time.sleep(600)

with closing(apsw.Connection(sys.argv[1])) as source:
    list(project_apart(Slow(source), [read_facts(source, 0, 1000)] * 1000, PROJECTORS, Bounds(1, 1, 1)))
"""


def test_the_second_process_ends_when_the_first_is_killed(storage: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", FIRST, storage], stdout=subprocess.PIPE, cwd=ROOT) as first:
        assert first.stdout is not None
        second = int(first.stdout.readline())
        assert first.stdout.readline() == b"a row\n"
        first.kill()
    wait_until(lambda: not is_running(second), what="the end of the second process")


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


# The second process, in this one -------------------------------------------------------------------------------------


def answers_in(told: bytes) -> list[Answer]:
    """All that the second process said."""
    pipe, answers = io.BytesIO(told), list[Answer]()
    while pipe.tell() < len(told):
        answers.append(msgspec.msgpack.decode(receive(pipe), type=Answer))
    return answers


def frames(*messages: Any) -> io.BytesIO:
    pipe = io.BytesIO()
    for message in messages:
        send(pipe, message)
    pipe.seek(0)
    return pipe


def test_the_second_process_says_where_it_is_and_tells_all_rows_before_the_end(storage: Path) -> None:
    with reading(storage) as source:
        chunks = [Chunk(chunk) for chunk in small_chunks(source)]
        tables = contents(source)
        rows = len(tables["locks"]) + len(tables["lock_holders"])
    telling = io.BytesIO()
    serve(frames(Begin(("locks",), Bounds()), *chunks, End()), telling)
    answers = answers_in(telling.getvalue())
    assert [a.event_id for a in answers if isinstance(a, Reached)] == [chunk.rows[-1][0] for chunk in chunks]
    assert sum(len(a.rows) for a in answers if isinstance(a, Rows)) == rows > 24
    assert answers[-1] == End()


@pytest.mark.parametrize("bounds", [Bounds(), TIGHT], ids=["between two chunks", "while it waits for an answer"])
def test_the_second_process_says_no_end_when_the_first_was_cut_off(storage: Path, bounds: Bounds) -> None:
    with reading(storage) as source:
        chunks = [Chunk(chunk) for chunk in small_chunks(source)]
    telling = io.BytesIO()
    with pytest.raises(EOFError):
        serve(frames(Begin(("locks",), bounds), *chunks), telling)
    answers = answers_in(telling.getvalue())
    assert End() not in answers
    assert any(isinstance(answer, Find) for answer in answers) == (bounds == TIGHT)


@pytest.mark.parametrize("kept", [3, 9])
def test_a_message_that_was_cut_off_is_none(kept: int) -> None:
    with pytest.raises(EOFError):
        receive(io.BytesIO(frames(Reached(70_000)).getvalue()[:kept]))
