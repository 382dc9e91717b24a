"""How soon those who wait hear of a post: one poller, a stream, another hub on the same file, a thousand pollers."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from tests.benchmarks.bench import Bench, Line
from tests.benchmarks.figures import ARC, ARC_011, OTHER, Figure, Row, at_most, figure, is_zero, quantile
from tests.benchmarks.machine import find_cpu_sec, memory_mb
from tests.benchmarks.wire import Arrivals, Connection, Stream, gather
from tests.support.hub_process import HubProcess

POSTS: Final = 100
"""Posts in a round, to one waiting agent."""
POSTS_011: Final = 8
"""The same for Arc 0.1.1, which looks every quarter of a second."""
CROWD: Final = 1_000
CROWD_011: Final = 50
"""Pollers that Arc 0.1.1 is measured with: at 200 it refuses connections."""
IDLE_POLLERS: Final = 100
IDLE_SEC: Final = 8
SETTLE_SEC: Final = 0.01
PHASE_011_SEC: Final = 0.25
"""Over how long the moment of a post is spread, so that it falls anywhere between two looks of Arc 0.1.1."""
GIVE_UP_SEC: Final = 15.0

Times = dict[str, list[list[float]]]


def poller(bench: Bench) -> Iterator[Row]:
    """From sending a post until an agent that waits in a long poll has it."""
    times: Times = defaultdict(list)
    with bench.hubs() as hubs:
        for order in bench.turns(*hubs):
            for name in order:
                port = hubs[name].port
                times[name].append(_to_poller(port, port, *_manner(name)))
    yield _wake_row("poller", "post → waiting poller", times, 2, 10, bench)


def stream(bench: Bench) -> Iterator[Row]:
    """The same for an agent that reads a stream of server-sent events."""
    times: Times = defaultdict(list)
    with bench.hubs() as hubs:
        for order in bench.turns(*hubs):
            for name in order:
                times[name].append(_to_stream(hubs[name].port, *_manner(name)))
    yield _wake_row("stream", "post → reader of a stream (SSE)", times, 2, 10, bench)


def other_hub(bench: Bench) -> Iterator[Row]:
    """The same for a poller that waits at another hub on the same storage."""
    times: Times = defaultdict(list)
    with bench.hub() as one, bench.hub(one.storage) as other:
        for _ in bench.turns():
            times[ARC].append(_to_poller(one.port, other.port, POSTS, 0.02))
    p50 = _quantiles(times[ARC], 0.5, ARC)
    yield Row(
        "other-hub",
        "post → poller on another hub on the same file, p50",
        (p50, _quantiles(times[ARC], 0.99, f"{ARC}, p99")),
        (at_most(30, p50, "p50 ≤ 30 ms"),),
    )


def crowd(bench: Bench) -> Iterator[Row]:
    """One post, and a thousand agents that wait for it."""
    with bench.hub() as hub:
        arrivals = [_to_crowd(hub, CROWD) for _ in bench.turns()]
        assert hub.process is not None
        memory = figure(f"{ARC}, memory", "MB", [memory_mb(hub.process.pid)])
    figures = [_last(ARC, arrivals), memory]
    if bench.has_arc_011:
        with bench.hub_011() as hub:
            found = _to_crowd(hub, CROWD_011)
        served = f"{CROWD_011 - found.missed} of {CROWD_011} pollers served"
        figures.append(_last(f"{ARC_011}, {served}", [found]))
    yield Row(
        "crowd",
        f"one post → {CROWD:,} waiting pollers, until the last has it",
        tuple(figures),
        (
            is_zero(sum(one.missed for one in arrivals), "all served"),
            at_most(300, figures[0], "last ≤ 300 ms"),
            at_most(150, memory, "hub under 150 MB"),
        ),
        bench.missing,
    )


def idle(bench: Bench) -> Iterator[Row]:
    """What a hub costs while a hundred agents wait and nothing happens."""
    with bench.hubs() as hubs, ExitStack() as stack:
        for hub in hubs.values():
            for connection in _wait_many(hub.port, IDLE_POLLERS):
                stack.enter_context(connection)
        time.sleep(1)
        shares = _idle_shares(hubs)
    if not shares:
        yield Row("idle", "idle hub, 100 waiting pollers", notes=("skipped: needs /proc, as on Linux",))
        return
    yield Row(
        "idle",
        f"idle hub, {IDLE_POLLERS} waiting pollers: share of a core over {IDLE_SEC} s",
        tuple(shares.values()),
        (at_most(1, shares[ARC], "< 1 % of a core"),),
        bench.missing,
    )


def _manner(name: str) -> tuple[int, float]:
    """How many posts a round, and over how long the moment of each is spread."""
    return (POSTS_011, PHASE_011_SEC) if name == ARC_011 else (POSTS, 0.01)


def _to_poller(post_port: int, poll_port: int, posts: int, spread_sec: float) -> list[float]:
    times = []
    with Connection(post_port) as poster, Connection(poll_port) as waiting:
        cursor = waiting.latest_id("bench-waiting")
        for number in range(posts):
            waiting.send("GET", f"/v1/events?agent_id=bench-waiting&since_id={cursor}&timeout=30")
            time.sleep(SETTLE_SEC + _spread(number) * spread_sec)
            began = time.perf_counter()
            poster.post()
            waiting.receive()
            times.append((time.perf_counter() - began) * 1000)
            poster.receive()
            cursor = poster.latest_id()
    return times


def _to_stream(port: int, posts: int, spread_sec: float) -> list[float]:
    times = []
    with Connection(port) as poster, Stream(port, "bench-reader", poster.latest_id("bench-reader")) as reader:
        time.sleep(0.2)
        for number in range(posts):
            time.sleep(SETTLE_SEC + _spread(number) * spread_sec)
            began = time.perf_counter()
            poster.post()
            reader.receive()
            times.append((time.perf_counter() - began) * 1000)
            poster.receive()
    return times


def _spread(number: int) -> float:
    """Numbers that fill the range from 0 to 1 evenly, however many there are."""
    return number * 0.618_034 % 1


def _wait_many(port: int, count: int) -> list[Connection]:
    """Agents that wait in a long poll, each on a connection of its own."""
    with Connection(port) as one:
        cursor = one.latest_id()
    connections = [Connection(port) for _ in range(count)]
    for number, connection in enumerate(connections):
        connection.send("GET", f"/v1/events?agent_id=bench-crowd-{number}&since_id={cursor}&timeout=60")
    return connections


def _to_crowd(hub: HubProcess, count: int) -> Arrivals:
    connections = _wait_many(hub.port, count)
    try:
        time.sleep(1.5)  # until they all wait: nothing outside the hub shows it
        with Connection(hub.port) as poster:
            began = time.perf_counter()
            poster.post()
            return gather(connections, began, GIVE_UP_SEC)
    finally:
        for connection in connections:
            connection.sock.close()


def _idle_shares(hubs: dict[str, HubProcess]) -> dict[str, Figure]:
    """The share of a core that each hub uses, by name; all are looked at over the same time."""
    pids = {name: hub.process.pid for name, hub in hubs.items() if hub.process is not None}
    before = {name: find_cpu_sec(pid) for name, pid in pids.items()}
    began = time.perf_counter()
    time.sleep(IDLE_SEC)
    passed = time.perf_counter() - began
    shares = {}
    for name, pid in pids.items():
        first, last = before[name], find_cpu_sec(pid)
        if first is not None and last is not None:
            shares[name] = figure(name, "%", [100 * (last - first) / passed])
    return shares


def _wake_row(name: str, what: str, times: Times, p50_ms: float, p99_ms: float, bench: Bench) -> Row:
    p50, p99 = _quantiles(times[ARC], 0.5, ARC), _quantiles(times[ARC], 0.99, f"{ARC}, p99")
    figures = [p50, p99]
    for whose in (OTHER, ARC_011):
        if whose in times:
            figures = [_quantiles(times[whose], 0.5, whose), _quantiles(times[whose], 0.99, f"{whose}, p99"), *figures]
    targets = (at_most(p50_ms, p50, f"p50 ≤ {p50_ms} ms"), at_most(p99_ms, p99, f"p99 ≤ {p99_ms} ms"))
    return Row(name, f"{what}, p50", tuple(figures), targets, bench.missing)


def _quantiles(rounds: list[list[float]], share: float, of: str) -> Figure:
    return figure(of, "ms", [quantile(times, share) for times in rounds])


def _last(of: str, arrivals: list[Arrivals]) -> Figure:
    return figure(of, "ms", [max(one.after_ms, default=float("inf")) for one in arrivals])


LINES: Final = (
    Line("poller", poller),
    Line("stream", stream),
    Line("other-hub", other_hub),
    Line("crowd", crowd),
    Line("idle", idle),
)
