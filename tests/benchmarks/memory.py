"""What a hub holds in memory, and what a storage takes on the disk."""

import contextlib
from collections.abc import Iterator
from typing import Final

import apsw
from msgspec import convert

from arclog.deciders.messages import PostMessage
from projections.hub.calls import Call
from tests.benchmarks.bench import FEW, Bench, Line
from tests.benchmarks.figures import ARC, ARC_011, Curve, Figure, Row, at_most, figure
from tests.benchmarks.load import Request, load
from tests.benchmarks.machine import memory_mb
from tests.benchmarks.posts import GROUP, POST
from tests.benchmarks.reads import BOUNDED, on_storage
from tests.benchmarks.wire import Connection, latest_id
from tests.support.hub_process import HubProcess
from tests.support.recorders import recording

MILLION: Final = 1_000_000
KEYED: Final = 20_000
"""Messages under an idempotency key each."""


def idle_memory(bench: Bench) -> Iterator[Row]:
    """Resident memory: a fresh hub, and one that has done every read once on each size of storage."""
    fresh: list[float] = []
    theirs: list[Figure] = []
    for _ in bench.turns(most=FEW):
        with bench.hub() as hub:
            fresh.append(_hub_mb(hub))
    if bench.has_arc_011:
        with bench.hub_011() as hub:
            theirs = [figure(ARC_011, "MB", [_hub_mb(hub)])]
    points = []
    for size in bench.effort.sizes:
        with bench.hub(bench.storage(size)) as hub, Connection(hub.port) as connection:
            for path in BOUNDED.values():
                connection.ask("GET", on_storage(path, size))
            points.append((size, _hub_mb(hub)))
    bench.curves.append(Curve("memory", "memory of the hub", "MB", tuple(points)))
    idle, large = figure(ARC, "MB", fresh), figure(ARC, "MB", [points[-1][1]])
    yield Row("memory-idle", "hub memory, idle", (*theirs, idle), (at_most(60, idle, "≤ 60 MB"),), bench.missing)
    yield Row(
        "memory-large",
        f"hub memory with {bench.largest:,} events on disk, after every read",
        (large,),
        (at_most(80, large, "≤ 80 MB"),),
    )


def disk(bench: Bench) -> Iterator[Row]:
    """The files of some short messages, for a million of them."""
    figures: dict[str, Figure] = {}
    counts: list[str] = []
    with bench.hubs() as hubs:
        for name, hub in hubs.items():
            before = _stopped_size(hub)
            messages = _post_many(bench, hub.start())
            figures[name] = figure(name, "MB", [_megabytes(_stopped_size(hub) - before, messages)])
            counts.append(f"{messages:,} of {name}")
    keyed = figure(f"{ARC}, an idempotency key each", "MB", [_with_keys(bench)])
    theirs = figures.get(ARC_011)
    note = f"Scaled up from {' and '.join(counts)}; the log and all tables together."
    yield Row(
        "disk",
        "disk for a million short messages",
        (*figures.values(), keyed),
        (at_most(1.6, figures[ARC] / theirs if theirs else None, "≤ 1.6 × of 0.1.1's file"),),
        (note, *bench.missing),
    )
    points = tuple((size, bench.storage(size).stat().st_size / 1e6) for size in bench.effort.sizes)
    bench.curves.append(Curve("disk", "disk for a mixed history", "MB", points))


def _hub_mb(hub: HubProcess) -> float:
    assert hub.process is not None
    return memory_mb(hub.process.pid)


def _post_many(bench: Bench, hub: HubProcess) -> int:
    """Post for a while; how many messages that were."""
    before = latest_id(hub.port)
    load(hub.url, Request.post("/v1/messages", [POST], hub.home), GROUP, 2 * bench.effort.load_sec)
    return latest_id(hub.port) - before


def _with_keys(bench: Bench) -> float:
    message = convert(POST, PostMessage)
    with bench.home() as home:
        storage = home / "arc.sqlite3"
        with recording(storage):
            pass
        before = storage.stat().st_size
        with recording(storage) as recorder:
            for batch in range(0, KEYED, 1_000):
                keys = (f"{number:032x}" for number in range(batch, batch + 1_000))
                recorder.transact([Call(message, _ignore, "http", key, bytes(32)) for key in keys])
        return _megabytes(storage.stat().st_size - before, KEYED)


def _stopped_size(hub: HubProcess) -> int:
    """Stop a hub; the bytes of its storage when nothing is left in the WAL."""
    hub.stop()
    with contextlib.closing(apsw.Connection(str(hub.storage))) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return hub.storage.stat().st_size


def _megabytes(size: int, messages: int) -> float:
    return size / messages * MILLION / 1e6


def _ignore(_result: object) -> None:
    """Nobody asked to be told."""


LINES: Final = (Line("memory", idle_memory), Line("disk", disk))
