"""What a call costs the hub in processor time, which other work on the machine changes far less than a rate.

Beside another checkout (`make bench ONLY=cpu ARGS="--beside ../other"`), both hubs are asked in turns: so it shows what
the commits between them cost.
"""

import itertools
import os
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.bench import MODULES, Bench, Line, python_of
from tests.benchmarks.figures import ARC, NOISE, OTHER, Figure, Missing, Row, at_most, figure
from tests.benchmarks.load import Request, load
from tests.benchmarks.machine import find_cpu_sec, find_loop_sec
from tests.benchmarks.posts import GROUP, KEYS, POST
from tests.benchmarks.wire import latest_id
from tests.support.hub_process import CHECKOUT, HubProcess

AGENTS: Final = 10
BATCHES: Final = (1, GROUP)
ALONE: Final = (
    ("post", "a post", 1),
    ("post", "a post", GROUP),
    ("lock", "a lock renewed", GROUP),
    ("pair", "a lock taken or given back", GROUP),
    ("claim", "a claim renewed", GROUP),
)
"""What is measured of a part of the hub alone: its name in the program, how it is called, and how many at once."""


def calls(bench: Bench) -> Iterator[Row]:
    """A post, a claim, a lock, one taken and given back, and a poll that finds nothing, over 1 and 16 connections."""
    costs: dict[tuple[str, int, str], list[tuple[float, float]]] = defaultdict(list)
    with bench.home() as home, bench.our_hubs() as hubs:
        for hub in hubs.values():
            load(hub.url, Request.post("/v1/messages", [POST], home), GROUP, 1)  # to warm up
        for order in bench.turns(*hubs):
            for name in order:
                for (what, request), connections in itertools.product(_requests(hubs[name], home), BATCHES):
                    cost = _cost(hubs[name], request, connections, bench.effort.load_sec)
                    costs[what, connections, name].append(cost)
    for what, connections in dict.fromkeys((what, connections) for what, connections, _name in costs):
        named, over = f"cpu-{what.replace(' ', '-')}-{connections}", _plural(connections, "connection")
        whole = [figure(name, "µs", [cost[0] for cost in costs[what, connections, name]]) for name in hubs]
        yield _row(named, f"hub's CPU a {what}, {over}", whole)
        loop = [figure(name, "µs", [cost[1] for cost in costs[what, connections, name]]) for name in hubs]
        yield _row(f"{named}-loop", f"of it on the event loop's thread, without search: a {what}, {over}", loop)


def recorder(bench: Bench) -> Iterator[Row]:
    """The recorder alone: calls in batches, without HTTP, a loop or a disk that flushes."""
    yield from _alone(bench, "recorder", "recorder's CPU", "call{} a batch")


def without_sockets(bench: Bench) -> Iterator[Row]:
    """All of the hub but the sockets and a disk that flushes: from the bytes of a request to those of its answer."""
    yield from _alone(bench, "http", "hub's CPU without sockets and flushes,", "connection{}")


def _alone(bench: Bench, part: str, cost_of: str, batches: str) -> Iterator[Row]:
    checkouts = {ARC: CHECKOUT} | ({} if bench.beside is None else {OTHER: bench.beside})
    rounds: dict[str, list[list[float]]] = defaultdict(list)
    for order in bench.turns(*checkouts):
        for name in order:
            rounds[name].append(_run_alone(checkouts[name], f"{part}_cpu.py"))
    for place, (what, said, batch) in enumerate(ALONE):
        figures = [figure(name, "µs", [found[place] for found in rounds[name]]) for name in checkouts]
        name = f"cpu-{part}-{batch}" if what == "post" else f"cpu-{part}-{what}-{batch}"
        yield _row(name, f"{cost_of} {said}, {batch} {batches.format('' if batch == 1 else 's')}", figures)


def _requests(hub: HubProcess, home: Path) -> Sequence[tuple[str, Request]]:
    agents = [f"bench-{number}" for number in range(AGENTS)]
    claims: list[dict[str, Any]] = [
        {"claim_key": f"key-{number}", "owner_agent_id": agents[number % AGENTS]} for number in range(KEYS)
    ]
    locks: list[dict[str, Any]] = [
        {"file_path": f"src/part-{number}.py", "agent_id": agents[number % AGENTS]} for number in range(KEYS)
    ]
    taken = [("/v1/locks", lock) for lock in (locks[0], *locks)]  # wrk asks for the first of all without sending it
    given = [("/v1/locks/release", lock) for lock in locks]
    poll = f"/v1/messages?agent_id={agents[0]}&channel=general&since_id={latest_id(hub.port)}"
    return (
        ("poll", Request("GET", poll)),  # first, while nothing has come after it
        ("post", Request.post("/v1/messages", [POST], home)),
        ("claim", Request.post("/v1/claims", claims, home)),
        ("lock", Request.post("/v1/locks", locks, home)),
        ("lock taken or given back", Request.posts([*taken, *given], home / "pairs.txt")),
    )


def _cost(hub: HubProcess, request: Request, connections: int, sec: int) -> tuple[float, float]:
    """The hub's processor time for one call under load, and that of its loop alone, in microseconds.

    What the hub does beside the call is included.
    """
    assert hub.process is not None
    before = _used(hub.process.pid)
    done = load(hub.url, request, connections, sec)
    after = _used(hub.process.pid)
    assert done.failed == 0, f"{done.failed} calls failed"
    whole, loop = ((end - begin) * 1e6 / done.requests for begin, end in zip(before, after, strict=True))
    return whole, loop


def _used(pid: int) -> tuple[float, float]:
    whole, loop = find_cpu_sec(pid), find_loop_sec(pid)
    if whole is None or loop is None:
        raise Missing("this system does not tell what a process uses finely enough")
    return whole, loop


def _run_alone(checkout: Path, program: str) -> list[float]:
    """What each line of `ALONE` costs in a program, in microseconds a call."""
    place = CHECKOUT / "/".join(MODULES.split(".")) / program
    done = subprocess.run(
        [python_of(checkout), "-P", str(place), *(f"{what}:{batch}" for what, _said, batch in ALONE)],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = done.stderr.strip().rpartition("\n")[2]
        raise Missing(f"the hub of {checkout} is driven in another way ({last})")
    return [float(word) for word in done.stdout.split()]


def _row(name: str, what: str, figures: list[Figure]) -> Row:
    if len(figures) == 1:
        return Row(name, what, tuple(figures))
    ours, other = figures
    ratio = statistics.median(ours.rounds) / statistics.median(other.rounds)
    targets = (at_most(NOISE, figure("", "×", [ratio]), f"≤ {NOISE} × of the other checkout"),)
    return Row(name, what, (ours, other), targets)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


LINES: Final = (Line("cpu-calls", calls), Line("cpu-recorder", recorder), Line("cpu-http", without_sockets))
