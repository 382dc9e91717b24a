"""Claims and locks: how soon one that waits has its turn, what a crowd that waits costs the others, many patterns."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from arclog.clock import LogClock
from arclog.deciders.fields import Limits
from arclog.deciders.hub import HubState
from arclog.deciders.locks import AcquireLock
from arclog.machine_time import MachineTime
from arclog.progress import no_progress
from projections.hub.calls import Call
from projections.hub.recorder import Recorder
from tests.benchmarks.bench import FEW, Bench, Line
from tests.benchmarks.figures import ARC, Figure, Row, at_most, figure, is_zero, quantile
from tests.benchmarks.wire import Connection

TURNS: Final = 50
"""Turns in a round, of one that waits."""
CROWD: Final = 1_000
SERVED: Final = 60
"""How many of a crowd are served while others are answered."""
SETTLE_SEC: Final = 0.02
FILE: Final = "src/a.py"
PATTERNS: Final = 100_000
IN_A_FOLDER: Final = 10_000
FEW_PATTERNS: Final = 100
PRESENCE_TTL: Final = 120_000_000
DAY_SEC: Final = 86_400
BATCH: Final = 500
ASKED: Final = 300
"""Requests that are measured in a round."""


# Waiting ------------------------------------------------------------------------------------------------------------


def wake_up(bench: Bench) -> Iterator[Row]:
    """From sending a release until one that waits for it has the lock."""
    with bench.hub() as one, bench.hub(one.storage) as other:
        for name, port, most in (("the same hub", one.port, 5), ("another hub on the same file", other.port, 40)):
            times = [_take_turns(one.port, port) for _ in bench.turns()]
            p50 = figure(f"{ARC}, p50", "ms", [quantile(one_round, 0.5) for one_round in times])
            p99 = figure(f"{ARC}, p99", "ms", [quantile(one_round, 0.99) for one_round in times])
            slug = "turn" if port == one.port else "turn-other-hub"
            yield Row(slug, f"release → the next one has the lock, at {name}", (p50, p99), (_limit(most, p50, "p50"),))


def crowd(bench: Bench) -> Iterator[Row]:
    """A thousand agents wait for one file and are served in turn; meanwhile others are answered."""
    times: list[list[float]] = []
    wrong = 0
    with bench.hub() as hub:
        for number, _ in enumerate(bench.turns(most=FEW)):
            # A file and agents of its own, since those who are gone keep their places in the queue for a while.
            found, out_of_order = _serve_crowd(hub.port, f"src/crowd-{number}.py")
            times.append(found)
            wrong += out_of_order
    p99 = figure(f"{ARC}, p99", "ms", [quantile(one, 0.99) for one in times])
    p50 = figure(f"{ARC}, p50", "ms", [quantile(one, 0.5) for one in times])
    targets = (is_zero(wrong, "served in order"), _limit(20, p99, "p99"))
    yield Row("lock-crowd", f"others' calls while {CROWD:,} wait for one file and are served", (p50, p99), targets)


def _take_turns(port: int, at: int) -> list[float]:
    """Two agents hand a file to each other: how long until the one that waits has it, in milliseconds each."""
    times: list[float] = []
    with Connection(port) as here, Connection(at) as there:
        here.send("POST", "/v1/locks", {"agent_id": "a", "file_path": FILE})
        here.receive()
        for _ in range(TURNS):
            there.send("POST", "/v1/locks", {"agent_id": "b", "file_path": FILE, "wait_sec": 30})
            _until_waiting(here, 1)
            time.sleep(SETTLE_SEC)
            began = time.perf_counter()
            here.send("POST", "/v1/locks/release", {"agent_id": "a", "file_path": FILE})
            there.receive()
            times.append((time.perf_counter() - began) * 1e3)
            here.receive()
            there.send("POST", "/v1/locks/release", {"agent_id": "b", "file_path": FILE})
            there.receive()
            here.send("POST", "/v1/locks", {"agent_id": "a", "file_path": FILE, "wait_sec": 5})
            here.receive()
        here.send("POST", "/v1/locks/release", {"agent_id": "a", "file_path": FILE})
        here.receive()
    return times


def _serve_crowd(port: int, file: str) -> tuple[list[float], int]:
    """How long others' posts take meanwhile, in milliseconds each, and how many of the crowd were out of order."""
    with ExitStack() as stack:
        first, other = (stack.enter_context(Connection(port)) for _ in range(2))
        first.send("POST", "/v1/locks", {"agent_id": f"{file}-0", "file_path": file})
        first.receive()
        crowd = [stack.enter_context(Connection(port)) for _ in range(CROWD)]
        for number, one in enumerate(crowd, 1):
            one.send("POST", "/v1/locks", {"agent_id": f"{file}-{number}", "file_path": file, "wait_sec": 60})
        _until_waiting(first, CROWD, file)
        times: list[float] = []
        done = threading.Event()

        def talk() -> None:
            while not done.is_set():
                began = time.perf_counter()
                other.send("POST", "/v1/messages", {"from_agent": "o", "channel": "general", "body": "hi"})
                other.receive()
                times.append((time.perf_counter() - began) * 1e3)
                time.sleep(0.002)

        talker = threading.Thread(target=talk)
        talker.start()
        wrong = 0
        holder = first
        for number in range(1, SERVED + 1):
            holder.send("POST", "/v1/locks/release", {"agent_id": f"{file}-{number - 1}", "file_path": file})
            holder.receive()
            holder = crowd[number - 1]
            holder.sock.settimeout(10)
            wrong += json.loads(holder.receive())["result"]["agent_id"] != f"{file}-{number}"
        done.set()
        talker.join()
    return times, wrong


def _until_waiting(connection: Connection, count: int, file: str = FILE) -> None:
    while True:
        connection.send("GET", f"/v1/locks/queue?file_path={file}")
        if len(json.loads(connection.receive())["result"]) >= count:
            return
        time.sleep(0.002)


# Many patterns ------------------------------------------------------------------------------------------------------


def patterns(bench: Bench) -> Iterator[Row]:
    """A recorder beside 100,000 patterns that are held: what another lock, and a question, then take."""
    for name, what, pattern, asked in _SETS:
        few, many = (_measure(bench, pattern, asked, count) for count in (FEW_PATTERNS, PATTERNS))
        at_few = figure(f"{ARC}, beside {FEW_PATTERNS}", "ms", [quantile(found, 0.5) for found in few[0]])
        at_many = figure(f"{ARC}, beside {PATTERNS:,}", "ms", [quantile(found, 0.5) for found in many[0]])
        question = figure(f"{ARC}, a question, p99", "ms", [quantile(found, 0.99) for found in many[1]])
        targets = (at_most(2, at_many / at_few, "≤ 2 × of beside 100"), _limit(20, question, "question p99"))
        yield Row(f"patterns-{name}", f"acquire beside {what}, p50", (at_many, at_few, question), targets)
    alone, questions = _measure(
        bench, lambda n: f"src/PREFIX{n}*_{n}", lambda n: f"src/PREFIX{n}x_{n + 1}", IN_A_FOLDER
    )
    p99 = figure(f"{ARC}, p99", "ms", [quantile(one, 0.99) for one in alone])
    question = figure(f"{ARC}, a question, p99", "ms", [quantile(one, 0.99) for one in questions])
    what = f"acquire beside {IN_A_FOLDER:,} patterns PREFIX*_i in one folder"
    yield Row("patterns-folder", what, (p99, question), (_limit(50, p99, "p99"),))


_SETS: Final[Sequence[tuple[str, str, Callable[[int], str], Callable[[int], str]]]] = (
    ("heads", "patterns with literal heads", lambda n: f"part-{n}/**/*.py", lambda n: f"other-{n}/**/*.py"),
    ("names", "patterns **/NAME", lambda n: f"**/name-{n}.sql", lambda n: f"**/else-{n}.sql"),
)


def _in_a_folder(number: int) -> str:
    return f"src/PREFIX{number}*_{number}"


def _measure(
    bench: Bench, pattern: Callable[[int], str], asked: Callable[[int], str], count: int
) -> tuple[list[list[float]], list[list[float]]]:
    """How long it takes to acquire, and to ask for conflicts, in milliseconds each, a list a round."""
    with bench.home() as home:
        recorder = _fill(home, pattern, count)
        try:
            acquired, questions = [], []
            for number, _ in enumerate(bench.turns(most=FEW)):
                numbers = range(number * ASKED, (number + 1) * ASKED)
                acquired.append([_time(recorder, _lock("asker", [asked(n)])) for n in numbers])
                questions.append([_time(recorder, _question(asked(n))) for n in numbers])
            return acquired, questions
        finally:
            recorder.stop()


def _fill(home: Path, pattern: Callable[[int], str], count: int) -> Recorder:
    recorder = Recorder(home / "arc.sqlite3", LogClock(MachineTime()), Limits(), PRESENCE_TTL, HubState(hub_id="bench"))
    recorder.start(no_progress)
    paths = [pattern(number) for number in range(count)]
    requests = [_lock(f"holder-{at % 50}", paths[at : at + 100]) for at in range(0, count, 100)]
    refused: list[object] = []

    def done(result: Any) -> None:
        if not getattr(result, "acquired", False):
            refused.append(result)

    for at in range(0, len(requests), BATCH):
        recorder.transact([Call(one, done) for one in requests[at : at + BATCH]]).tell()
    assert not refused, refused[:1]
    return recorder


def _lock(agent: str, paths: list[str]) -> AcquireLock:
    return AcquireLock(agent_id=agent, paths=paths, mode="shared", ttl_sec=DAY_SEC)


def _question(path: str) -> Any:
    from arclog.deciders.locks import FindConflicts

    return FindConflicts(agent_id="stranger", paths=[path], mode="shared")


def _time(recorder: Recorder, command: Any) -> float:
    began = time.perf_counter()
    recorder.execute(command)
    return (time.perf_counter() - began) * 1e3


def _limit(most: float, found: Figure, which: str) -> Any:
    return at_most(most, found, f"{which} ≤ {most:g} ms")


LINES: Final = (Line("turn", wake_up), Line("lock-crowd", crowd), Line("patterns", patterns))
