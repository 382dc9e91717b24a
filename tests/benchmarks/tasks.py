"""Tasks: how long it takes to be given the next one, on a small and on the largest storage."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from tests.benchmarks.bench import FEW, Bench, Line
from tests.benchmarks.figures import ARC, Row, at_most, figure, quantile
from tests.benchmarks.wire import Connection

SMALL: Final = 10_000
READY: Final = 1_000
"""Tasks that are opened first, so that there is always one."""
TAKEN: Final = 100
"""Tasks that are taken in a round."""
OPENED_AT_ONCE: Final = 100


def take(bench: Bench) -> Iterator[Row]:
    """One worker that takes one task after the other, each flushed, on two storages in turns."""
    small = SMALL if SMALL in bench.effort.sizes else bench.effort.sizes[1]
    rounds: dict[int, list[list[float]]] = defaultdict(list)
    with ExitStack() as stack:
        connections: dict[int, Connection] = {}
        for size in (small, bench.largest):
            hub = stack.enter_context(bench.hub(stack.enter_context(bench.copy_of(size))))
            connections[size] = stack.enter_context(Connection(hub.port))
            _open_tasks(connections[size])
        for _ in bench.turns(most=FEW):
            for size, connection in connections.items():
                asked = {"agent_id": "bench-worker"}
                rounds[size].append([connection.time_ms("POST", "/v1/tasks/next", asked) for _ in range(TAKEN)])
    before, after = (
        figure(f"{ARC}, {size:,} events, p50", "ms", [quantile(times, 0.5) for times in rounds[size]])
        for size in (small, bench.largest)
    )
    p99 = figure(
        f"{ARC}, {bench.largest:,} events, p99", "ms", [quantile(times, 0.99) for times in rounds[bench.largest]]
    )
    yield Row(
        "next",
        "the next task, its lease flushed",
        (before, after, p99),
        (at_most(2, after / before, f"p50 ≤ 2 × of {small:,} events"), at_most(20, p99, "p99 ≤ 20 ms")),
    )


def _open_tasks(connection: Connection) -> None:
    for first in range(0, READY, OPENED_AT_ONCE):
        tasks = [{"body": f"bench task {number}"} for number in range(first, first + OPENED_AT_ONCE)]
        connection.ask("POST", "/v1/tasks", {"agent_id": "bench-0", "tasks": tasks})


LINES: Final = (Line("next", take),)
