"""Round trips over the file relay: from writing a request to reading its response."""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.benchmarks.bench import MODULES, Bench, Line
from tests.benchmarks.figures import ARC, ARC_011, Row, at_most, figure, quantile
from tests.support.hub_process import CHECKOUT, HubProcess

PROGRAM: Final = Path(__file__).parent / "programs" / "relay_calls.py"
CALLS: Final = 60
CALLS_011: Final = 8
"""Arc 0.1.1 takes a quarter of a second for each."""
AGENTS: Final = 50
CALLS_EACH: Final = 5
LOOK_SEC: Final = 0.001
GIVE_UP_SEC: Final = 30.0


def round_trip(bench: Bench) -> Iterator[Row]:
    """One agent after the other call, with each side's own client."""
    times: dict[str, list[float]] = defaultdict(list)
    with bench.hubs() as hubs:
        for order in bench.turns(*hubs):
            for name in order:
                calls = CALLS_011 if name == ARC_011 else CALLS
                times[name].append(quantile(_call(bench, name, hubs[name], calls), 0.5))
    figures = {name: figure(name, "ms", rounds) for name, rounds in times.items()}
    yield Row(
        "relay",
        "relay round trip, p50, where the kernel tells of files",
        tuple(figures.values()),
        (at_most(8, figures[ARC], "p50 ≤ 8 ms"),),
        bench.missing,
    )


def scanning(bench: Bench) -> Iterator[Row]:
    """The same over a mount where nothing tells of files, so that the relay has to look."""
    with bench.hub(module=f"{MODULES}.scanning_hub") as hub:
        rounds = [quantile(_call(bench, ARC, hub, CALLS), 0.5) for _ in bench.turns()]
    found = figure(ARC, "ms", rounds)
    yield Row(
        "relay-scanning",
        "relay round trip, p50, where only looking finds files",
        (found,),
        (at_most(60, found, "p50 ≤ 60 ms"),),
    )


def crowd(bench: Bench) -> Iterator[Row]:
    """50 agents that call at the same time, with a client of the benchmark's that looks every millisecond."""
    with bench.hub() as hub:
        _crowd(hub.spool_dir, 1)  # their folders are there from now on
        rounds = [_crowd(hub.spool_dir, CALLS_EACH) for _ in bench.turns()]
    p99 = figure(f"{ARC}, p99", "ms", [quantile(times, 0.99) for times in rounds])
    yield Row(
        "relay-crowd",
        f"relay, {AGENTS} agents at once, p99",
        (p99, figure(f"{ARC}, p50", "ms", [quantile(times, 0.5) for times in rounds])),
        (at_most(100, p99, "p99 ≤ 100 ms"),),
    )


def _call(bench: Bench, name: str, hub: HubProcess, calls: int) -> list[float]:
    """Milliseconds of each call of a client in a process of its own."""
    if name == ARC_011:
        python, path = str(bench.arc_011), ""
    else:
        python, path = sys.executable, str(CHECKOUT)
    done = subprocess.run(
        [python, str(PROGRAM), str(hub.spool_dir), str(calls)],
        env=os.environ | {"PYTHONPATH": path},
        cwd=hub.home,
        capture_output=True,
        text=True,
        check=True,
    )
    times: list[float] = json.loads(done.stdout)
    return times


def _crowd(spool: Path, calls: int) -> list[float]:
    """Milliseconds from each request to its response, of agents that each call so often, all at once."""
    times: list[float] = []
    for _ in range(calls):
        waiting: dict[Path, float] = {}
        for number in range(AGENTS):
            waiting[_request(spool, f"bench-{number}")] = time.perf_counter()
        began = time.perf_counter()
        while waiting and time.perf_counter() - began < GIVE_UP_SEC:
            answered = [path for path in waiting if path.exists()]
            now = time.perf_counter()
            times += [(now - waiting.pop(path)) * 1000 for path in answered]
            time.sleep(LOOK_SEC)
        assert not waiting, f"{len(waiting)} requests were not answered within {GIVE_UP_SEC} s"
    return times


def _request(spool: Path, agent: str) -> Path:
    """Write a request, and return where its response will be."""
    request_id = os.urandom(8).hex()
    folder = spool / "requests" / agent
    folder.mkdir(parents=True, exist_ok=True)
    request = {"request_id": request_id, "agent_id": agent, "method": "POST", "path": "/v1/messages"}
    request["body"] = {"from_agent": agent, "body": "hello from a sandbox"}  # type: ignore[assignment]
    unfinished = folder / f"{request_id}.tmp"
    unfinished.write_text(json.dumps(request))
    unfinished.rename(unfinished.with_suffix(".json"))
    return spool / "responses" / agent / f"{request_id}.json"


LINES: Final = (Line("relay", round_trip), Line("relay-scanning", scanning), Line("relay-crowd", crowd))
