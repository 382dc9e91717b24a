"""Hubs on several machines: a primary with a synchronous standby keeps the log, beside hubs on one file."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.benchmarks.bench import FEW, Bench, Line
from tests.benchmarks.figures import Figure, Missing, Row, at_least, at_most, figure, quantile
from tests.benchmarks.load import Load, Request, load
from tests.benchmarks.posts import POST
from tests.support.hub_process import HubProcess
from tests.support.machines import machines
from tests.support.postgresql import needs_postgresql, new_log, serving

FILE: Final = "one file"
SERVER: Final = "PostgreSQL and a standby"
WAITS: Final = 100


def one_hub(bench: Bench) -> Iterator[Row]:
    """One hub with 64 connections: its log in its file, and on a server."""
    with bench.home() as home, pair() as url, bench.hub() as alone, machines(home, url, 1) as hubs:
        rates, loads = _compare(bench, home, {FILE: [alone], SERVER: hubs}, 64)
    yield Row(
        "machines-1",
        "durable posts a second, 1 hub, 64 connections",
        tuple(figure(name, "/s", found) for name, found in rates.items()),
        (at_least(0.45, _ratio(rates), "≥ 0.45 × the file"),),
        _latencies(loads),
    )


def four_hubs(bench: Bench) -> Iterator[Row]:
    """Four hubs with 16 connections each: on one file, and each with a copy of the log on a server."""
    with bench.home() as home, pair() as url, ExitStack() as stack:
        (home / "file").mkdir()
        on_file = [stack.enter_context(_hub_at(home / "file")) for _ in range(4)]
        on_server = stack.enter_context(machines(home, url, 4))
        rates, loads = _compare(bench, home, {FILE: on_file, SERVER: on_server}, 16)
    shares = [min(one.rate for one in turn) / max(one.rate for one in turn) for turn in loads[SERVER]]
    tails = [max(one.p99 for one in turn) / max(one.p50 for one in turn) for turn in loads[SERVER]]
    ratio = _ratio(rates)
    yield Row(
        "machines-4",
        "the same, 4 hubs, 16 connections each",
        tuple(figure(name, "/s", found) for name, found in rates.items()),
        (
            at_least(0.35, ratio, "≥ 0.35 × four hubs on one file"),
            at_least(0.65, ratio, "then ≥ 0.65 ×"),
            at_least(0.9, figure("slowest / fastest", "×", shares), "slowest hub ≥ 0.9 × the fastest"),
            at_most(4, figure("p99 / p50", "×", tails), "p99 ≤ 4 × p50"),
        ),
        _latencies(loads),
    )


def waiter(bench: Bench) -> Iterator[Row]:
    """From a post at one hub to whoever waits at another."""
    with bench.home() as home, pair() as url, machines(home, url, 2) as (one, two):
        times = [[_time_wake(one, two) for _ in range(WAITS)] for _ in bench.turns(SERVER, most=FEW)]
    p50 = figure("p50", "ms", [quantile(found, 0.5) for found in times])
    p99 = figure("p99", "ms", [quantile(found, 0.99) for found in times])
    yield Row(
        "machines-wake",
        "post → poller on a hub of another machine",
        (p50, p99),
        (at_most(10, p50, "p50 ≤ 10 ms"), at_most(100, p99, "p99 ≤ 100 ms")),
    )


LINES: Final = (Line("machines-1", one_hub), Line("machines-4", four_hubs), Line("machines-wake", waiter))


@contextmanager
def pair() -> Iterator[str]:
    """A log on a primary each of whose commits waits for its standby."""
    try:
        programs = needs_postgresql()
    except pytest.skip.Exception as reason:
        raise Missing(str(reason)) from None
    with serving(programs) as primary:
        standby = primary.copy()
        try:
            primary.wait_for(standby)
            yield new_log(primary)
        finally:
            standby.stop()


@contextmanager
def _hub_at(home: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(home)
    try:
        yield hub.start()
    finally:
        hub.stop()


def _compare(
    bench: Bench, home: Path, groups: dict[str, Sequence[HubProcess]], connections: int
) -> tuple[dict[str, list[float]], dict[str, list[list[Load]]]]:
    """Put the same load on each group of hubs, in turns: the rates of each, and what each of its hubs did."""
    post = Request.post("/v1/messages", [POST], home)
    rates: dict[str, list[float]] = defaultdict(list)
    loads: dict[str, list[list[Load]]] = defaultdict(list)
    for hubs in groups.values():
        load_all(hubs, post, connections, 1)  # to warm up
    for order in bench.turns(*groups):
        for name in order:
            turn = load_all(groups[name], post, connections, bench.effort.load_sec)
            assert not any(one.faults for one in turn), turn
            rates[name].append(sum(one.rate for one in turn))
            loads[name].append(turn)
    return rates, loads


def load_all(hubs: Sequence[HubProcess], request: Request, connections: int, sec: int) -> list[Load]:
    """Put the same load on all hubs at once; what became of it at each."""
    with ThreadPoolExecutor(len(hubs)) as threads:
        return list(threads.map(lambda hub: load(hub.url, request, connections, sec), hubs))


def _ratio(rates: dict[str, list[float]]) -> Figure:
    return figure(SERVER, "/s", rates[SERVER]) / figure(FILE, "/s", rates[FILE])


def _latencies(loads: dict[str, list[list[Load]]]) -> tuple[str, ...]:
    said = []
    for name, turns in loads.items():
        p50 = quantile([one.p50 / 1000 for turn in turns for one in turn], 0.5)
        p99 = quantile([one.p99 / 1000 for turn in turns for one in turn], 0.5)
        said.append(f"{name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    return tuple(said)


def _time_wake(one: HubProcess, two: HubProcess) -> float:
    """How many milliseconds a post at one hub takes to a poller at another, from its sending."""
    head = two.get("/v1/health").result["head"]
    arrived: list[float] = []

    def wait() -> None:
        two.get(f"/v1/messages?channel=general&since_id={head}&timeout=10")
        arrived.append(time.perf_counter())

    waits = threading.Thread(target=wait)
    waits.start()
    time.sleep(0.02)  # it waits by then; if not, the time is only shorter
    sent = time.perf_counter()
    one.post("/v1/messages", POST)
    waits.join()
    return (arrived[0] - sent) * 1000
