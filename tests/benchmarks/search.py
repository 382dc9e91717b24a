"""Search and the timeline on the largest storage: what a question takes, and what the index does."""

import time
from collections.abc import Iterator
from typing import Final

from tests.benchmarks.bench import FEW, Bench, Line
from tests.benchmarks.figures import ARC, Figure, Row, at_most, figure, quantile
from tests.benchmarks.wire import Connection

QUESTIONS: Final = ("build green", "artifact", "review auth", '"is green"', "tests nowhere-to-be-found", "pars")
FILLED_WITHIN_SEC: Final = 300.0
ASKED: Final = 10
"""How often each question is asked in a round."""


def search(bench: Bench) -> Iterator[Row]:
    """Questions at the largest storage, after one that waits until the index is filled."""
    with (
        bench.copy_of(bench.largest) as storage,
        bench.hub(storage) as hub,
        Connection(hub.port) as connection,
    ):
        connection.sock.settimeout(FILLED_WITHIN_SEC)
        began = time.perf_counter()
        connection.ask("GET", _path(QUESTIONS[0]))
        filled = figure(ARC, "s", [time.perf_counter() - began])
        index = storage.with_name(f"{storage.name}-search")
        size = figure(f"{ARC}, the index", "MB", [index.stat().st_size / 2**20])
        questions = [_path(question) for question in QUESTIONS for _ in range(ASKED)]
        rounds = [[connection.time_ms("GET", one) for one in questions] for _ in bench.turns(most=FEW)]
    p50, p95 = _quantiles(rounds, 0.5, ARC), _quantiles(rounds, 0.95, f"{ARC}, p95")
    yield Row(
        "search",
        f"search in {bench.largest:,} events, newest first, p50",
        (p50, p95),
        (at_most(20, p95, "p95 ≤ 20 ms"),),
    )
    yield Row("search-fill", f"filling the index of {bench.largest:,} events", (filled, size))


def timeline(bench: Bench) -> Iterator[Row]:
    """The history of the largest storage, counted by spans of time."""
    with bench.hub(bench.storage(bench.largest)) as hub, Connection(hub.port) as connection:
        times = [connection.time_ms("GET", "/v1/log/timeline") for _ in bench.turns(most=FEW)]
    yield Row("timeline", f"the timeline of {bench.largest:,} events", (figure(ARC, "ms", times),))


def _path(question: str) -> str:
    return f"/v1/search?q={question.replace(' ', '+').replace(chr(34), '%22')}"


def _quantiles(rounds: list[list[float]], share: float, of: str) -> Figure:
    return figure(of, "ms", [quantile(times, share) for times in rounds])


LINES: Final = (Line("search", search), Line("timeline", timeline))
