"""The command as a whole process: who an agent is, starting a hub, finding one that runs."""

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from tests.benchmarks.bench import FEW, Bench, Line, python_of
from tests.benchmarks.figures import ARC, ARC_011, OTHER, Curve, Row, at_most, figure
from tests.support.hub_process import CHECKOUT
from tests.support.ports import find_free_port

WHOAMI_EACH: Final = 5
"""Processes in a round; the median counts."""
ENSURE_EACH: Final = 3


class Program(Struct, frozen=True):
    """How an `arc` is run."""

    program: tuple[str, ...]
    environment: Mapping[str, str]


def _program(python: str, path: str) -> Program:
    return Program((python, "-P", "-m", "arc"), os.environ | {"PYTHONPATH": path})


OURS: Final = _program(sys.executable, str(CHECKOUT))


def programs(bench: Bench) -> dict[str, Program]:
    """Our `arc`, that of the other checkout if one is named, and that of 0.1.1 where it can be had."""
    found = {ARC: OURS}
    if bench.beside is not None:
        found[OTHER] = _program(python_of(bench.beside), str(bench.beside))
    if not bench.has_arc_011:
        return found
    # An empty path keeps the package of this checkout out of its way.
    return {ARC_011: _program(str(bench.arc_011), ""), **found}


def run_arc(arc: Program, folder: Path, *arguments: str) -> float:
    """Run a command to its good end in `folder`; how many seconds it took."""
    began = time.perf_counter()
    subprocess.run([*arc.program, *arguments], cwd=folder, env=arc.environment, capture_output=True, check=True)
    return time.perf_counter() - began


def whoami(bench: Bench) -> Iterator[Row]:
    """`arc whoami`, each against its own hub."""
    rounds: dict[str, list[float]] = defaultdict(list)
    arcs = programs(bench)
    with bench.home() as home, bench.hubs() as hubs:
        for order in bench.turns(*hubs):
            for name in order:
                command = ("whoami", "--agent", "bench-0", "--base-url", hubs[name].url)
                rounds[name].append(_median_ms([run_arc(arcs[name], home, *command) for _ in range(WHOAMI_EACH)]))
    figures = {name: figure(name, "ms", found) for name, found in rounds.items()}
    theirs = figures.get(ARC_011)
    yield Row(
        "whoami",
        "arc whoami as a whole process",
        tuple(figures.values()),
        (at_most(0.9, figures[ARC] / theirs if theirs else None, "≤ 0.9 × 0.1.1"),),
        bench.missing,
    )


def ensure(bench: Bench) -> Iterator[Row]:
    """`arc ensure` where no hub runs, until it has answered; then where one does."""
    cold: dict[str, list[float]] = defaultdict(list)
    warm: dict[str, list[float]] = defaultdict(list)
    arcs = programs(bench)
    for order in bench.turns(*arcs):
        for name in order:
            with bench.home() as home:
                port = ("--port", str(find_free_port()))
                cold[name].append(1000 * run_arc(arcs[name], home, "ensure", *port))
                try:
                    found = [run_arc(arcs[name], home, "ensure", *port) for _ in range(ENSURE_EACH)]
                    warm[name].append(_median_ms(found))
                finally:
                    run_arc(arcs[name], home, "stop", *port)
    first = {name: figure(name, "ms", rounds) for name, rounds in cold.items()}
    again = {name: figure(name, "ms", rounds) for name, rounds in warm.items()}
    theirs = again.get(ARC_011)
    yield Row(
        "ensure-cold",
        "arc ensure, cold, until the hub has answered",
        tuple(first.values()),
        (at_most(800, first[ARC], "≤ 0.8 s"),),
        bench.missing,
    )
    yield Row(
        "ensure-running",
        "arc ensure when the hub runs already",
        tuple(again.values()),
        (at_most(1, again[ARC] / theirs if theirs else None, "≤ 1 × 0.1.1"),),
        bench.missing,
    )


def start(bench: Bench) -> Iterator[Row]:
    """From starting the process to its first answer, on an empty storage and on larger ones in turns."""
    rounds: dict[int, list[float]] = defaultdict(list)
    for _ in bench.turns(most=FEW):
        for size in (0, *bench.effort.sizes):
            began = time.perf_counter()
            with bench.hub(bench.storage(size) if size else None):
                rounds[size].append((time.perf_counter() - began) * 1000)
    points = tuple((size, figure(ARC, "ms", rounds[size]).median) for size in bench.effort.sizes)
    bench.curves.append(Curve("start", "start to first answer", "ms", points))
    empty = figure(f"{ARC}, empty", "ms", rounds[0])
    full = figure(f"{ARC}, {bench.largest:,} events", "ms", rounds[bench.largest])
    yield Row(
        "start",
        f"start of a hub on {bench.largest:,} events, to the first answer",
        (empty, full),
        (at_most(1.2, full / empty, "≤ 1.2 × of an empty storage"),),
    )


def _median_ms(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) // 2] * 1000


LINES: Final = (Line("whoami", whoami), Line("ensure", ensure), Line("start", start))
