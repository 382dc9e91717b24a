"""The lines of the table: one sender, and sixteen."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Final

from tests.benchmarks.bench import Bench, Line
from tests.benchmarks.figures import ARC, Missing, Row, at_least, figure
from tests.benchmarks.peers import libraries, servers
from tests.benchmarks.peers.flushes import count_flushes
from tests.benchmarks.peers.senders import Writable
from tests.benchmarks.posts import GROUP

POSTGRES: Final = "PostgreSQL"
PEERS: Final[tuple[tuple[str, Callable[[Path], AbstractContextManager[Writable]]], ...]] = (
    (POSTGRES, servers.postgres),
    ("Redis Streams", servers.redis),
    ("NATS JetStream", servers.nats),
    ("eventsourcing", libraries.eventsourcing),
    ("synapse-channel", libraries.synapse_channel),
)
WARM_UP_SEC: Final = 0.5


def peers(bench: Bench) -> Iterator[Row]:
    """Short messages, each flushed before it is answered, by one sender and by sixteen."""
    notes: list[str] = []
    with ExitStack() as stack:
        running: list[Writable] = [servers.arc(stack.enter_context(bench.hub()))]
        for name, start in PEERS:
            try:
                running.append(stack.enter_context(start(stack.enter_context(bench.home()))))
            except Missing as reason:
                notes.append(f"without {name}: {reason}")
        for peer in running:
            peer.write_for(WARM_UP_SEC, 1)
        yield _one_line(bench, running, 1, (*(_flushes(peer) for peer in running), *notes))
        yield _one_line(bench, running, GROUP, tuple(notes))


def _one_line(bench: Bench, running: list[Writable], senders: int, notes: tuple[str, ...]) -> Row:
    able = {peer.name: peer for peer in running if senders <= peer.most_senders}
    rates: dict[str, list[float]] = defaultdict(list)
    for order in bench.turns(*able):
        for name in order:
            began = time.perf_counter()
            written = able[name].write_for(bench.effort.load_sec / 2, senders)
            rates[name].append(written / (time.perf_counter() - began))
    figures = {name: figure(name, "/s", rates[name]) for name in able}
    ratio = figures[ARC] / figures[POSTGRES] if POSTGRES in figures else None
    targets = (at_least(0.8, ratio, "≥ 0.8 × PostgreSQL"),) if senders == 1 else ()
    what = "one sender" if senders == 1 else f"{senders} senders"
    return Row(
        f"peers-{senders}", f"short messages a second, each flushed, {what}", tuple(figures.values()), targets, notes
    )


def _flushes(peer: Writable) -> str:
    found = count_flushes(peer)
    return f"{peer.name}: " + ("flushes not counted" if found is None else f"{found:.2f} flushes a write")


LINES: Final = (Line("peers", peers),)
