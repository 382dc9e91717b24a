"""The outcome of a run: for the terminal, for machines, and as a page with plots."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from tests.benchmarks.figures import Curve, Figure, Row, Target
from tests.benchmarks.machine import Machine
from tests.benchmarks.plots import plot

PLOTS: Final = {
    "posts": "Posts a second, 16 connections",
    "reads": "Time of a read, ms",
    "start": "Start of a hub to its first answer, ms",
    "memory": "Memory of a hub after every read, MB",
    "rebuild": "Rebuilding all tables, and verifying the log, seconds",
    "disk": "Disk for a mixed history, MB",
}


class Run(Struct, frozen=True):
    """Everything that came out.

    Attributes:
        date: the day of the run.
        version: which Arc was measured.
        rounds: how often each thing was measured.
        load_sec: how long one load lasted.
        elapsed_sec: how long the run took.
        machine: where.
        rows: the table.
        curves: the plots.
    """

    date: str
    version: str
    rounds: int
    load_sec: int
    elapsed_sec: float
    machine: Machine
    rows: list[Row]
    curves: list[Curve]


def print_row(row: Row) -> None:
    """Show a row as soon as it is there."""
    print(f"  {row.what}")
    for figure in row.figures:
        print(f"      {figure.of:<44} {in_words(figure)}")
    for target in row.targets:
        print(f"      {_mark(target):<8} {target.wanted:<35} {_reached(target)}")
    for note in row.notes:
        print(f"      {note}")


def print_summary(rows: Iterable[Row]) -> None:
    """Count what was reached, and name what was not."""
    targets = [(row, target) for row in rows for target in row.targets]
    met = sum(target.met is True for _row, target in targets)
    print(f"\n{met} of {len(targets)} targets reached")
    for row, target in targets:
        if not target.met:
            print(f"  {_mark(target):<8} {row.name}: {target.wanted}: {_reached(target)}")


def write_json(run: Run, path: Path) -> None:
    """Write the run for machines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1))


def write_page(run: Run, page: Path) -> None:
    """Write the run for people: the page, and its plots in a folder beside it of the same name."""
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    shown = []
    for name, curves in _by_plot(run.curves).items():
        (folder / f"{name}.svg").write_text(plot(PLOTS[name], curves))
        shown.append(f"![{PLOTS[name]}]({folder.name}/{name}.svg)")
    page.write_text(_TEMPLATE.format(table=_table(run.rows), plots="\n\n".join(shown), **_facts(run)))


def in_words(figure: Figure) -> str:
    """The median, and from where to where the rounds went."""
    text = f"{number(figure.median)}{_unit(figure.unit)}"
    if len(figure.rounds) == 1:
        return text
    return f"{text} ({number(figure.lowest)} to {number(figure.highest)})"


def number(value: float) -> str:
    """A number with as many digits as it deserves."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _unit(unit: str) -> str:
    return unit if unit in {"%", "/s"} else f" {unit}".rstrip()


def _mark(target: Target) -> str:
    return {True: "reached", False: "missed", None: "-"}[target.met]


def _reached(target: Target) -> str:
    if target.reached is None:
        return "not measured"
    text = f"{number(target.reached)}{_unit(target.unit)}" if target.unit else f"{target.reached:g}"
    if len(target.rounds) > 1:
        text += f" ({number(min(target.rounds))} to {number(max(target.rounds))})"
    return text


def _by_plot(curves: Sequence[Curve]) -> dict[str, list[Curve]]:
    found: dict[str, list[Curve]] = defaultdict(list)
    for curve in curves:
        found[curve.plot].append(curve)
    return {name: found[name] for name in PLOTS if name in found}


def _table(rows: Iterable[Row]) -> str:
    lines = ["| what | measured | target | reached |", "|---|---|---|---|"]
    for row in rows:
        figures = [f"{figure.of}: {in_words(figure)}" for figure in row.figures]
        measured = "<br>".join([*figures, *(f"<small>{note}</small>" for note in row.notes)])
        wanted = "<br>".join(target.wanted for target in row.targets)
        reached = "<br>".join(f"{'✓' if target.met else '✗'} {_reached(target)}" for target in row.targets)
        lines.append(f"| {row.what} | {measured} | {wanted} | {reached} |")
    return "\n".join(lines)


def _facts(run: Run) -> dict[str, str | int]:
    machine = run.machine
    return {
        "date": run.date,
        "version": run.version,
        "rounds": run.rounds,
        "load_sec": run.load_sec,
        "minutes": f"{run.elapsed_sec / 60:.1f}",
        "system": machine.system,
        "processor": machine.processor,
        "cores": machine.cores,
        "memory": f"{machine.memory_mb / 1024:.0f} GB",
        "filesystem": machine.filesystem,
        "flush_ms": number(machine.flush_ms),
        "python": machine.python,
        "sqlite": machine.sqlite,
        "load": f"{machine.load:.1f}",
        "stops": f"{machine.stops:.0f}",
        "longest_stop_ms": number(machine.longest_stop_ms),
    }


_TEMPLATE: Final = """\
# Performance

What Arc costs, beside Arc 0.1.1 and beside what the machine could do at best. `make bench` measures all of it on your
machine and rewrites this page; `arc bench` looks at your machine and disk for ten seconds.

## How it is measured

- A speed is compared within one run, in turns: with Arc 0.1.1 from the package index, with a Starlette application that
  does nothing on the hub's own stack (uvicorn, uvloop, httptools), and with bare SQLite. So a busy machine slows down
  both sides, and the targets are ratios.
- {rounds} rounds, three of what varies little, and the median counts; in parentheses from the lowest to the highest
  round. A ratio is taken round by round. A load lasts {load_sec} seconds.
- The load comes from another process: [wrk](https://github.com/wg/wrk) over keep-alive connections; where connections
  wait (long polls, streams, relay, wake-up), a program with raw sockets. Arc 0.1.1 closes a connection after each
  answer, so its clients connect again, and that counts.
- Every post is durable: the answer comes after the disk has flushed it (`synchronous=FULL`), and the benchmark checks
  that the hub kept at least as many messages as it acknowledged.
- Peers write the same short message and are told to flush before they answer: PostgreSQL (an INSERT of a prepared
  statement), Redis Streams (`appendfsync always`), NATS JetStream (`sync_interval: always`), and in a process of their
  own, without a socket, the eventsourcing library and synapse-channel's event store. One program with raw sockets asks
  all servers. strace counts the flushes of one sender's writes; what is not installed is left out by name.
- Storages of up to a million events hold a history like that of ten agents at work: messages in 200 threads and five
  channels, direct messages, tasks, claims (refused ones too) and locks.
- A target that is missed fails nothing: it is marked, and the page says so.

This run: {date}, Arc {version}, {minutes} minutes. {system}, {processor}, {cores} cores, {memory}; storages on
{filesystem}, where a flush of 4 KiB takes {flush_ms} ms; Python {python}, SQLite {sqlite};
load average {load} when it began. A process that did nothing but read the clock was stopped {stops} times a second
for more than a millisecond, the longest time for {longest_stop_ms} ms: another process had its core, or the host of a
virtual machine stopped it. Such stops are part of the slowest times below.

## Figures

{table}

## Cost against size

{plots}
"""
