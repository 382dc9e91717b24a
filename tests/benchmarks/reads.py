"""Reads: the newest messages under load, and what every read costs as the storage grows."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final

from tests.benchmarks.bench import EMPTY, FEW, Bench, Line
from tests.benchmarks.figures import ARC, ARC_011, Curve, Figure, Row, at_least, at_most, figure
from tests.benchmarks.load import Load, Request, load
from tests.benchmarks.search import FILLED_WITHIN_SEC
from tests.benchmarks.storages import AGENTS, FIRST_TASK, THREADS, thread_name
from tests.benchmarks.wire import Connection
from tests.support.hub_process import HubProcess

TAIL: Final = "/v1/messages?channel=general&tail=1&limit=50"
THREADS_PATH: Final = "/v1/threads"
CONNECTIONS: Final = 16
CALLS: Final = 12
"""Calls of each read in a round; the median counts."""
SMALL: Final = 10_000
RECENT: Final = 1_000
"""Events that an agent has missed that was away for a while."""
AGENT: Final = AGENTS[3]
THREAD: Final = thread_name(7)

BOUNDED: Final[Mapping[str, str]] = {
    "the newest of a channel": TAIL,
    "a page of a channel": "/v1/messages?channel=general&since_id={half}&limit=100",
    "the newest of a thread": f"/v1/messages?thread_id={THREAD}&tail=1&limit=50",
    "a page of a thread": f"/v1/messages?thread_id={THREAD}&since_id=200&limit=20",
    "a page of what an agent may see": f"/v1/events?agent_id={AGENT}&since_id={{half}}&limit=100",
    "the same without its own": f"/v1/events?agent_id={AGENT}&since_id={{half}}&limit=100&exclude_self=1",
    "the same of one channel": f"/v1/events?agent_id={AGENT}&channel=review&since_id={{half}}&limit=100",
    "nothing new for an agent": f"/v1/events?agent_id={AGENT}&since_id={{head}}",
    "the newest of an inbox": f"/v1/inbox/{AGENT}?tail=1&limit=50",
    "a page of an inbox": f"/v1/inbox/{AGENT}?since_id={{half}}&limit=20",
    "agents": "/v1/agents",
    "bootstrap": f"/v1/bootstrap?agent_id={AGENT}",
    "channels": "/v1/channels",
    "threads": THREADS_PATH,
    "active claims": "/v1/claims?active_only=1",
    "active locks": "/v1/locks?active_only=1",
    "active locks of an agent": f"/v1/locks?agent_id={AGENT}&active_only=1",
    "all locks": "/v1/locks",
    "open tasks": "/v1/tasks?status=open",
    "questions to a person": "/v1/questions",
    "what needs a person": "/v1/attention",
    "digest of the last thousand events": f"/v1/digest?agent_id={AGENT}&since={{recent}}",
    "who waits for a lock": "/v1/locks/queue?file_path=src/part-7.py",
    "tasks that are ready for an agent": f"/v1/tasks?ready=1&agent_id={AGENT}",
    "why open tasks are not ready": "/v1/tasks?explain=1",
    "a task": f"/v1/tasks/{FIRST_TASK}",
    "parts of a task": f"/v1/tasks?parent_id={FIRST_TASK}",
    "what is not acknowledged": "/v1/receipts",
    "what one wants acknowledged": f"/v1/receipts?from_agent={AGENT}",
    "what is overdue": "/v1/receipts?overdue=1",
    "words that were said": "/v1/search?q=build+green",
    "a word that nobody said": "/v1/search?q=nowhere-to-be-found",
    "what an agent is to acknowledge": f"/v1/inbox/{AGENT}?unacked=1",
    "digest since the middle of the log": f"/v1/digest?agent_id={AGENT}&since={{half}}",
    "hub-info": "/v1/hub-info",
}
"""Reads whose answers do not grow with the log."""
GROWING: Final[Mapping[str, str]] = {
    "a whole thread": f"/v1/threads/{THREAD}",
    "all claims of a thread": f"/v1/claims?thread_id={THREAD}",
    "all tasks of a thread": f"/v1/tasks?thread_id={THREAD}",
}
"""Reads whose answers hold all that ever was."""
PAST: Final[Mapping[str, str]] = {
    "the newest of a channel": TAIL,
    "an inbox": f"/v1/inbox/{AGENT}?tail=1&limit=50",
    "threads": THREADS_PATH,
    "agents": "/v1/agents",
    "active claims": "/v1/claims?active_only=1",
    "active locks": "/v1/locks?active_only=1",
    "open tasks": "/v1/tasks?status=open",
}


def tail(bench: Bench) -> Iterator[Row]:
    """The newest 50 messages of a channel, for 16 connections, beside an empty endpoint."""
    loads: dict[str, list[Load]] = defaultdict(list)
    with bench.hubs() as hubs, bench.empty_endpoint() as empty:
        for hub in hubs.values():
            _fill(hub, 100)
        for order in bench.turns(*hubs, EMPTY, most=FEW):
            for name in order:
                url = hubs[name].url if name in hubs else empty
                path = TAIL if name in hubs else "/v1/messages"
                loads[name].append(load(url, Request("GET", path), CONNECTIONS, bench.effort.load_sec))
    rates = {name: figure(name, "/s", [one.rate for one in found]) for name, found in loads.items()}
    theirs = rates.get(ARC_011)
    yield Row(
        "tail-16",
        "the newest 50 messages of a channel, 16 connections",
        tuple(rates.values()),
        (at_least(6, rates[ARC] / theirs if theirs else None, "≥ 6 × 0.1.1"),),
        bench.missing,
    )


def threads(bench: Bench) -> Iterator[Row]:
    """All 200 threads, on storages of growing size."""
    rounds: dict[int, list[float]] = defaultdict(list)
    with _hubs_by_size(bench, bench.effort.sizes) as connections:
        for _ in bench.turns():
            for size, connection in connections.items():
                rounds[size].append(_median_ms(connection, THREADS_PATH))
    bench.curves.append(Curve("reads", "threads", "ms", tuple((size, _middle(rounds[size])) for size in rounds)))
    largest = figure(f"{ARC}, {bench.largest:,} events", "ms", rounds[bench.largest])
    smallest = figure(f"{ARC}, {bench.effort.sizes[0]:,} events", "ms", rounds[bench.effort.sizes[0]])
    figures = [*_threads_011(bench), smallest, largest]
    yield Row(
        "threads",
        f"GET /v1/threads, {THREADS} threads",
        tuple(figures),
        (
            at_most(5, largest, f"≤ 5 ms at {bench.largest:,} events"),
            at_most(2, largest / smallest, f"flat: ≤ 2 × of {bench.effort.sizes[0]:,} events"),
        ),
        bench.missing,
    )


def others(bench: Bench) -> Iterator[Row]:
    """Every other read, on a small and on the largest storage in turns."""
    small = SMALL if SMALL in bench.effort.sizes else bench.effort.sizes[1]
    with _hubs_by_size(bench, (small, bench.largest)) as connections:
        for name, path in BOUNDED.items():
            rounds = _in_turns(bench, connections, path)
            before = figure(f"{ARC}, {small:,} events", "ms", rounds[small])
            after = figure(f"{ARC}, {bench.largest:,} events", "ms", rounds[bench.largest])
            target = at_most(2, after / before, f"≤ 2 × of {small:,} events")
            yield Row(f"read: {name}", f"`{path}`", (before, after), (target,))
        for name, path in GROWING.items():
            rounds = _in_turns(bench, connections, path)
            sizes = {size: _answer_kb(connection, path) for size, connection in connections.items()}
            figures = [figure(f"{ARC}, {size:,} events, {sizes[size]:,.0f} KB", "ms", rounds[size]) for size in rounds]
            note = "The answer holds all that ever was, so it grows with the log."
            yield Row(f"read: {name}", f"`{path}`", tuple(figures), (), (note,))


def by_size(bench: Bench) -> Iterator[Row]:
    """Some reads for the plot."""
    chosen = ("the newest of a channel", "a page of what an agent may see", "the newest of an inbox", "open tasks")
    with _hubs_by_size(bench, bench.effort.sizes) as connections:
        for name in chosen:
            rounds = _in_turns(bench, connections, BOUNDED[name])
            points = tuple((size, _middle(found)) for size, found in rounds.items())
            bench.curves.append(Curve("reads", name, "ms", points))
    yield from ()


def past(bench: Bench) -> Iterator[Row]:
    """Reads as of an event early, in the middle and late in the log, beside the same live read."""
    with _hubs_by_size(bench, (bench.largest,)) as connections:
        connection = connections[bench.largest]
        if not _knows_the_past(connection):
            yield Row("as-of", "?as_of=N beside the live read", notes=("skipped: this hub has no as_of parameter yet",))
            return
        for name, path in PAST.items():
            slowest: list[float] = []
            live: list[float] = []
            for _ in bench.turns():
                live.append(_median_ms(connection, path))
                slowest.append(max(_median_ms(connection, _as_of(path, at)) for at in _moments(bench.largest)))
            then, now = figure(f"{ARC}, as_of=N", "ms", slowest), figure(f"{ARC}, live", "ms", live)
            yield Row(
                f"as-of: {name}",
                f"`{_as_of(path, 'N')}`, the slowest N, at {bench.largest:,} events",
                (now, then),
                (at_most(3, then / now, "≤ 3 × of the live read"),),
            )


@contextmanager
def _hubs_by_size(bench: Bench, sizes: tuple[int, ...]) -> Iterator[dict[int, Connection]]:
    """Connections to hubs on storages of some sizes, all running at once, and done with what a hub does once."""
    with ExitStack() as stack:
        connections = {}
        for size in sizes:
            hub = stack.enter_context(bench.hub(bench.storage(size)))
            connections[size] = stack.enter_context(Connection(hub.port))
            connections[size].sock.settimeout(FILLED_WITHIN_SEC)
            connections[size].ask("GET", "/v1/search?q=green")  # answered when the index of words is filled
        yield connections


def _fill(hub: HubProcess, messages: int) -> None:
    with Connection(hub.port) as connection:
        for number in range(messages):
            body = f"message {number} of a short conversation in a channel"
            connection.ask("POST", "/v1/messages", {"from_agent": "bench-0", "channel": "general", "body": body})


def _threads_011(bench: Bench) -> list[Figure]:
    """Arc 0.1.1 with 200 threads and few messages."""
    if not bench.has_arc_011:
        return []
    messages = bench.effort.sizes[0]
    with bench.hub_011() as hub, Connection(hub.port) as connection:
        for number in range(messages):
            body = {"from_agent": "bench-0", "channel": "general", "thread_id": thread_name(number % THREADS)}
            connection.ask("POST", "/v1/messages", {**body, "body": "a message of a thread"})
        rounds = [_median_ms(connection, THREADS_PATH) for _ in bench.turns()]
    return [figure(f"{ARC_011}, {messages:,} messages", "ms", rounds)]


def _in_turns(bench: Bench, connections: Mapping[int, Connection], path: str) -> dict[int, list[float]]:
    rounds: dict[int, list[float]] = defaultdict(list)
    paths = {size: on_storage(path, size) for size in connections}
    for _ in bench.turns():
        for size, connection in connections.items():
            rounds[size].append(_median_ms(connection, paths[size]))
    return rounds


def on_storage(path: str, events: int) -> str:
    """One of the reads, on a storage of so many events."""
    return path.format(half=events // 2, recent=events - RECENT, head=2**40)


def _median_ms(connection: Connection, path: str) -> float:
    return _middle([connection.time_ms("GET", path) for _ in range(CALLS)])


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _answer_kb(connection: Connection, path: str) -> float:
    connection.send("GET", path)
    return len(connection.receive()) / 1024


def _moments(head: int) -> tuple[int, ...]:
    return (head // 100, head // 2, head - head // 100)


def _as_of(path: str, event_id: int | str) -> str:
    return f"{path}{'&' if '?' in path else '?'}as_of={event_id}"


def _knows_the_past(connection: Connection) -> bool:
    connection.send("GET", "/openapi.json")
    return b'"as_of"' in connection.receive()


LINES: Final = (
    Line("tail", tail),
    Line("threads", threads),
    Line("other-reads", others),
    Line("reads-by-size", by_size),
    Line("as-of", past),
)
