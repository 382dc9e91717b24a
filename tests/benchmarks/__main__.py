"""The run: chooses what is measured, measures it in order, and writes what came out."""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from arc import __version__
from tests.benchmarks import (
    cpu,
    leases,
    machines,
    memory,
    posts,
    process,
    projections,
    reads,
    relay,
    search,
    tasks,
    waiting,
)
from tests.benchmarks.bench import QUICK, Bench, Effort, Line
from tests.benchmarks.figures import Missing, Row, with_other
from tests.benchmarks.machine import describe
from tests.benchmarks.peers import lines as peers
from tests.benchmarks.report import Run, print_row, print_summary, write_json, write_page
from tests.support.hub_process import CHECKOUT

TOPICS: Final[Mapping[str, Sequence[Line]]] = {
    "posts": posts.LINES,
    "peers": peers.LINES,
    "cpu": cpu.LINES,
    "waiting": waiting.LINES,
    "leases": leases.LINES,
    "relay": relay.LINES,
    "reads": reads.LINES,
    "search": search.LINES,
    "tasks": tasks.LINES,
    "projections": projections.LINES,
    "process": process.LINES,
    "memory": memory.LINES,
    "machines": machines.LINES,
}
JSON: Final = CHECKOUT / "build" / "bench.json"
PAGE: Final = CHECKOUT / "docs" / "reference" / "performance.md"


def main(arguments: Sequence[str]) -> int:
    """Measure; 0 whatever the times, 1 when something could not be measured for a fault of ours."""
    options = _parse(arguments)
    lines = _choose(options.only)
    effort = QUICK if options.quick else Effort()
    if options.sizes:
        effort = replace(effort, sizes=options.sizes)
    if options.rounds:
        effort = replace(effort, rounds=options.rounds)
    JSON.parent.mkdir(exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder or JSON.parent) as folder:
        machine = describe(Path(folder))
        bench = Bench(Path(folder), effort, options.beside)
        print(f"{machine.processor}, {machine.cores} cores, {machine.filesystem}, flush {machine.flush_ms:.2f} ms")
        print(f"a process is stopped {machine.stops:.0f} times a second, for up to {machine.longest_stop_ms:.1f} ms")
        rows, failures = _measure_all(lines, bench)
    run = Run(
        date=datetime.now(UTC).date().isoformat(),
        version=__version__,
        rounds=effort.rounds,
        load_sec=effort.load_sec,
        elapsed_sec=time.monotonic() - began,
        machine=machine,
        rows=rows,
        curves=bench.curves,
    )
    print_summary(rows)
    write_json(run, JSON)
    if effort == Effort() and not options.only and options.beside is None and not failures:
        write_page(run, PAGE)
    print(f"{run.elapsed_sec / 60:.1f} minutes; all of it is in {JSON.relative_to(CHECKOUT)}")
    return 1 if failures else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=sys.modules["tests.benchmarks"].__doc__)
    parser.add_argument("--only", default="", help=f"topics ({', '.join(TOPICS)}) or lines, with commas between")
    parser.add_argument("--quick", action="store_true", help="one short round, on small storages")
    parser.add_argument(
        "--sizes", type=_sizes, help="events of the storages, at least two, growing, with commas between"
    )
    parser.add_argument("--rounds", type=int, help="how often each thing is measured")
    parser.add_argument(
        "--beside", type=Path, metavar="CHECKOUT", help="another checkout of Arc, installed, to compare with"
    )
    parser.add_argument("--folder", type=Path, help="where storages are made (build/)")
    return parser.parse_args(arguments)


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(int(size) for size in text.split(","))
    if len(sizes) < 2 or sorted(set(sizes)) != list(sizes):
        raise argparse.ArgumentTypeError(f"must be two or more growing numbers, not {text}")
    return sizes


def _choose(only: str) -> list[Line]:
    names = [name for name in only.replace(",", " ").split() if name]
    known = {line.name for lines in TOPICS.values() for line in lines}
    unknown = [name for name in names if name not in TOPICS and name not in known]
    if unknown:
        sys.exit(f"there is no {', '.join(unknown)}; topics: {', '.join(TOPICS)}; lines: {', '.join(sorted(known))}")
    return [
        line for topic, lines in TOPICS.items() for line in lines if not names or topic in names or line.name in names
    ]


def _measure_all(lines: Sequence[Line], bench: Bench) -> tuple[list[Row], int]:
    """The rows of all lines, and how many lines failed."""
    rows: list[Row] = []
    failures = 0
    for line in lines:
        began = time.monotonic()
        print(f"\n{line.name}", flush=True)
        found: list[Row] = []
        try:
            found.extend(line.measure(bench))
        except Missing as reason:
            found.append(Row(line.name, line.name, notes=(f"skipped: {reason}",)))
        except Exception as error:  # noqa: BLE001 - the other lines are worth their minutes all the same
            failures += 1
            found.append(Row(line.name, line.name, notes=(f"failed: {error!r}",)))
        found = [with_other(row) for row in found]
        for row in found:
            print_row(row)
        print(f"    ({time.monotonic() - began:.0f} s)", flush=True)
        rows += found
    return rows, failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
