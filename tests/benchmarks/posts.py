"""Durable posts a second, and what asking for claims and locks costs beside them."""

import contextlib
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import apsw
from msgspec.structs import replace

from tests.benchmarks.bench import EMPTY, FEW, Bench, Line
from tests.benchmarks.figures import ARC, ARC_011, Curve, Figure, Row, at_least, at_most, figure, is_zero, quantile
from tests.benchmarks.load import Load, Request, load
from tests.benchmarks.wire import Connection, latest_id
from tests.support.hub_process import HubProcess

BARE: Final = "bare SQLite"
BARE_SEC: Final = 0.5
GROUP: Final = 16
KEYS: Final = 1_000
BATCH: Final = 1_000
PAGE: Final = bytes(4_096)
RING_BYTES: Final = 16 * 2**20
"""As large as the WAL is when it begins again."""
BODY: Final = "The build is green again, see the artifact."
POST: Final = {"from_agent": "bench-0", "channel": "general", "body": BODY}

Loads = dict[str, list[Load]]


def posts_16(bench: Bench) -> Iterator[Row]:
    """16 keep-alive connections, beside an empty endpoint and bare SQLite."""
    loads: Loads = defaultdict(list)
    bare: list[float] = []
    with bench.home() as home, bench.hubs() as hubs, bench.empty_endpoint() as empty:
        post = Request.post("/v1/messages", [POST], home)
        urls = {name: hub.url for name, hub in hubs.items()} | {EMPTY: empty}
        for url in urls.values():
            load(url, post, GROUP, 1)  # to warm up
        for order in bench.turns(*urls):
            for name in order:
                loads[name].append(_posts(hubs.get(name), urls[name], post, GROUP, bench.effort.load_sec))
            bare.append(_bare_inserts(home / "bare.sqlite3", GROUP))
    rates = _rates(loads)
    theirs = rates.get(ARC_011)
    ours = rates[ARC]
    ratio = ours / theirs if theirs else None
    yield Row(
        "posts-16",
        "durable posts a second, 16 connections",
        (*rates.values(), figure(f"{BARE}, {GROUP} rows a commit", "/s", bare)),
        (
            at_least(12, ratio, "≥ 12 × 0.1.1"),
            at_least(75, _percent(ours / rates[EMPTY]), "≥ 75 % of an empty endpoint"),
        ),
        (*_latencies(loads), *bench.missing),
    )


def posts_1(bench: Bench) -> Iterator[Row]:
    """One connection, beside bare SQLite with a commit for each row, and a loop that only writes and flushes."""
    loads: Loads = defaultdict(list)
    bare: list[float] = []
    flushes: list[list[float]] = []
    with bench.home() as home, bench.hubs() as hubs:
        post = Request.post("/v1/messages", [POST], home)
        for order in bench.turns(*hubs):
            for name in order:
                loads[name].append(_posts(hubs[name], hubs[name].url, post, 1, bench.effort.load_sec))
            bare.append(_bare_inserts(home / "bare.sqlite3", 1))
            flushes.append(_time_flushes(home / "bare", bench.effort.load_sec))
    rates = _rates(loads)
    theirs = rates.get(ARC_011)
    tail = figure("p99 / p50", "×", [one.p99 / one.p50 for one in loads[ARC]])
    bare_p50, bare_p99 = (
        figure("a write and its flush", "ms", [quantile(times, share) for times in flushes]) for share in (0.5, 0.99)
    )
    tail_of_disk = figure("p99", "ms", [one.p99 / 1000 for one in loads[ARC]]) / bare_p99
    yield Row(
        "posts-1",
        "the same, 1 connection",
        (*rates.values(), figure(f"{BARE}, 1 row a commit", "/s", bare)),
        (
            at_least(3, rates[ARC] / theirs if theirs else None, "≥ 3 × 0.1.1"),
            at_most(3, tail, "p99 < 3 × its p50"),
            at_most(1.5, tail_of_disk, "p99 ≤ 1.5 × a bare write and flush"),
        ),
        (
            *_latencies(loads),
            f"A write of 4 KiB and its flush (fdatasync): p50 {bare_p50.median:.2f} ms, p99 {bare_p99.median:.2f} ms",
            *bench.missing,
        ),
    )


def posts_256(bench: Bench) -> Iterator[Row]:
    """256 connections, in turns with 16."""
    few = f"{ARC}, 16 connections"
    loads: Loads = defaultdict(list)
    with bench.home() as home, bench.hubs() as hubs:
        post = Request.post("/v1/messages", [POST], home)
        runs = {name: (hub, 256) for name, hub in hubs.items()}
        runs |= {few: (hubs[ARC], 16)}
        for order in bench.turns(*runs, most=FEW):
            for name in order:
                hub, connections = runs[name]
                loads[name].append(_posts(hub, hub.url, post, connections, bench.effort.load_sec))
    rates = _rates(loads)
    yield Row(
        "posts-256",
        "the same, 256 connections",
        tuple(rates.values()),
        (
            # The share that noise can take from equal rates is left to it.
            at_least(95, _percent(rates[ARC] / rates[few]), "not lower than at 16 (≥ 95 %)"),
            is_zero(sum(one.timed_out for one in loads[ARC]), "no time-out"),
            is_zero(sum(one.refused + one.broken for one in loads[ARC]), "no refused connection"),
        ),
        (*_latencies(loads), *bench.missing),
    )


def leases(bench: Bench) -> Iterator[Row]:
    """Claims and locks over 1,000 keys, in turns with posts."""
    claims = [{"owner_agent_id": f"bench-{n % 10}", "claim_key": f"work-{n}", "ttl_sec": 300} for n in range(KEYS)]
    locks = [{"agent_id": f"bench-{n % 10}", "file_path": f"src/file_{n}.py", "ttl_sec": 300} for n in range(KEYS)]
    loads: dict[tuple[str, str], list[Load]] = defaultdict(list)
    with bench.home() as home, bench.our_hubs() as hubs:
        requests = {
            "posts": Request.post("/v1/messages", [POST], home),
            "claims": Request.post("/v1/claims", claims, home),
            "locks": Request.post("/v1/locks", locks, home),
        }
        for order in bench.turns(*requests, most=FEW):
            for name in order:
                for whose, hub in hubs.items():
                    done = _posts(hub, hub.url, requests[name], GROUP, bench.effort.load_sec)
                    loads[name, whose].append(done)
    rates = {asked: figure(asked[1], "/s", [one.rate for one in found]) for asked, found in loads.items()}
    note = "Each key is taken by one of ten agents, which then renews it: every call is an event."
    for name in ("claims", "locks"):
        share = _percent(rates[name, ARC] / rates["posts", ARC])
        yield Row(
            f"{name}-16",
            f"{name[:-1]} acquire, 16 connections, {KEYS:,} keys",
            (*(rates[name, whose] for whose in hubs), replace(rates["posts", ARC], of=f"{ARC}, posts")),
            (at_least(75, share, "≥ 75 % of our own post rate"),),
            (note,),
        )


def batch(bench: Bench) -> Iterator[Row]:
    """Many messages in one request, by one client, one request after the other."""
    lines = json.dumps(POST).encode() + b"\n"
    rates: dict[str, list[float]] = defaultdict(list)
    with bench.our_hubs() as hubs:
        for order in bench.turns(*hubs):
            for name in order:
                rates[name].append(_batches(hubs[name], lines * BATCH, bench.effort.load_sec))
    figures = {name: figure(name, "/s", rounds) for name, rounds in rates.items()}
    yield Row(
        "batch",
        f"durable messages a second in batches of {BATCH:,}, 1 connection",
        tuple(figures.values()),
        (at_least(20_000, figures[ARC], "≥ 20,000/s"),),
    )


def _batches(hub: HubProcess, lines: bytes, sec: float) -> float:
    """Messages a second of a client that sends the same lines, a batch of them, again and again."""
    with Connection(hub.port) as connection:
        before, began, requests = connection.latest_id(), time.perf_counter(), 0
        while time.perf_counter() - began < sec:
            connection.send("POST", "/v1/messages:batch", lines)
            connection.receive()
            requests += 1
        rate = requests * BATCH / (time.perf_counter() - began)
        assert connection.latest_id() - before >= requests * BATCH
    return rate


def posts_by_size(bench: Bench) -> Iterator[Row]:
    """Posts a second on storages that already hold many events."""
    points: list[tuple[int, float]] = []
    for size in bench.effort.sizes:
        with bench.home() as home, bench.copy_of(size) as storage, bench.hub(storage) as hub:
            request = Request.post("/v1/messages", [POST], home)
            points.append((size, _posts(hub, hub.url, request, GROUP, bench.effort.load_sec).rate))
    bench.curves.append(Curve("posts", "posts a second, 16 connections", "/s", tuple(points)))
    small, large = points[0][1], points[-1][1]
    yield Row(
        "posts-by-size",
        f"posts on a storage of {bench.largest:,} events, 16 connections",
        (figure(ARC, "/s", [large]), figure(f"{ARC}, {bench.effort.sizes[0]:,} events", "/s", [small])),
    )


def _posts(hub: HubProcess | None, url: str, request: Request, connections: int, sec: int) -> Load:
    """Put load on a server; a hub must then have a message, or an event, for each answer."""
    if hub is None or request.path != "/v1/messages":
        return load(url, request, connections, sec)
    before = latest_id(hub.port)
    done = load(url, request, connections, sec)
    kept = latest_id(hub.port) - before
    assert kept >= done.requests - done.failed, f"{done.requests} posts were acknowledged and {kept} kept"
    return done


def _bare_inserts(path: Path, rows: int) -> float:
    """Durable rows a second of SQLite alone, with so many rows in a transaction."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS events (event_id INTEGER PRIMARY KEY, body TEXT)")
        began, done = time.perf_counter(), 0
        while (passed := time.perf_counter() - began) < BARE_SEC:
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(rows):
                connection.execute("INSERT INTO events (body) VALUES (?)", (BODY,))
            connection.execute("COMMIT")
            done += rows
    return done / passed


def _time_flushes(path: Path, sec: float) -> list[float]:
    """How long a write of a page and its flush take, in milliseconds; around in a file, as SQLite writes its WAL."""
    times: list[float] = []
    with path.open("wb", buffering=0) as file:
        file.write(bytes(RING_BYTES))
        os.fsync(file.fileno())
        until = time.perf_counter() + sec
        while (began := time.perf_counter()) < until:
            os.pwrite(file.fileno(), PAGE, len(times) * len(PAGE) % RING_BYTES)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return times


def _rates(loads: Loads) -> dict[str, Figure]:
    return {name: figure(name, "/s", [one.rate for one in found]) for name, found in loads.items()}


def _percent(ratio: Figure) -> Figure:
    return Figure(ratio.of, "%", tuple(100 * value for value in ratio.rounds))


def _latencies(loads: Loads) -> Iterator[str]:
    """What is said of each server beside its rate."""
    for name, found in loads.items():
        p50, p99 = (sorted(getattr(one, q) for one in found)[len(found) // 2] / 1000 for q in ("p50", "p99"))
        bad = ", ".join(
            f"{total} {what}"
            for what, total in (
                ("timed out", sum(one.timed_out for one in found)),
                ("refused", sum(one.refused for one in found)),
                ("broken", sum(one.broken for one in found)),
                ("failed", sum(one.failed for one in found)),
            )
            if total
        )
        yield f"{name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms" + (f"; {bad}" if bad else "")


LINES: Final = (
    Line("posts-16", posts_16),
    Line("posts-1", posts_1),
    Line("posts-256", posts_256),
    Line("batch", batch),
    Line("leases", leases),
    Line("posts-by-size", posts_by_size),
)
