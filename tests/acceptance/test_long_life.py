"""A hub that is at work for a long time holds no more memory, files or log at its end than soon after its start."""

import http.client
import os
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from statistics import median

import pytest

from arc import ArcClient
from arc.errors import ArcError
from tests.support.hub_process import HubProcess
from tests.support.process_cost import open_handles, resident_bytes
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(0),
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux"),
]

MINUTES = float(os.environ.get("ARC_SOAK_MINUTES", "30"))
WORKERS = 6
PAUSE_SEC = 0.02
"""Between two calls of one worker: what is tried is how long, not how much."""
LARGEST_WAL = 64_000_000
MOST_AN_HOUR = 1_000_000
READERS_KEEP = 12
"""Connections that read stay open once they were needed: each has the database, its WAL and what wakes it."""
NOISE = 4_000_000
"""How far the memory of one hub swings while it does the same all the time."""


class Workers:
    """Agents that do all that agents do, and now and then break off in the middle of it."""

    def __init__(self, hub: HubProcess) -> None:
        self.calls = 0
        self._hub = hub
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,), daemon=True) for number in range(WORKERS)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _work(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311 - chance for tests, not for secrets
        life = 0
        while not self._over.is_set():
            life += 1
            name = f"w{number}-{life % 20}"
            over_relay = number == 0
            client = ArcClient.over_relay(name, self._hub.spool_dir) if over_relay else ArcClient(name, self._hub.url)
            with suppress(ArcError), client:
                client.register(replace=True)
                for _ in range(chance.randrange(50, 100)):
                    if self._over.wait(PAUSE_SEC):
                        break
                    self._do_something(client, chance)
                    self.calls += 1

    def _do_something(self, client: ArcClient, chance: random.Random) -> None:
        deeds: list[Callable[[], object]] = [
            lambda: client.post("general", f"word{chance.randrange(1000)} " * chance.randrange(1, 200)),
            lambda: client.lock(f"src/{chance.randrange(50)}.py", ttl_sec=5),
            lambda: client.claim(f"key-{chance.randrange(50)}", ttl_sec=5),
            lambda: client.poll(timeout=0),
            lambda: client.messages(channel="general", limit=50),
            lambda: client.search(f"word{chance.randrange(1000)}"),
            client.digest,
            lambda: self._do_task(client, f"task {chance.randrange(1000)}"),
            self._break_off,
        ]
        with suppress(ArcError):
            chance.choice(deeds)()

    def _do_task(self, client: ArcClient, title: str) -> None:
        """Open a task, and do whichever is the next: as many stay open as are broken off."""
        client.add_task(title)
        picked = client.next_task(ttl_sec=5)
        if picked is not None:
            client.complete_task(picked["task"]["task_id"])

    def _break_off(self) -> None:
        """Send half a request, or ask for a stream or a page and read none of it."""
        with closing(http.client.HTTPConnection("127.0.0.1", self._hub.port, timeout=20)) as connection:
            connection.request("GET", random.choice(("/v1/stream?agent_id=x", "/v1/log?limit=500", "/v1/events")))  # noqa: S311
        with socket.create_connection(("127.0.0.1", self._hub.port), 20) as connection:
            connection.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{")


def test_a_hub_holds_no_more_after_a_long_time_than_after_a_short_one(
    start_hub: Callable[..., HubProcess], tmp_path: Path
) -> None:
    hub = start_hub()
    assert hub.process is not None
    pid = hub.process.pid
    at_rest = open_handles(pid)
    memory: list[int] = []
    largest_wal = 0
    workers = Workers(hub)
    ends_at = time.monotonic() + 60 * MINUTES
    try:
        while time.monotonic() < ends_at:
            memory.append(resident_bytes(pid))
            largest_wal = max(largest_wal, (tmp_path / "arc.sqlite3-wal").stat().st_size)
            time.sleep(0.5)  # the pace of what is measured
    finally:
        workers.end()
    sixth = len(memory) // 6
    warm, last = median(memory[2 * sixth : 3 * sixth]), median(memory[-sixth:])
    an_hour = (last - warm) / (MINUTES / 120)  # half of the time lies between the two
    head = hub.get("/v1/health").result["head"]
    sys.stdout.write(
        f"\n{MINUTES:g} minutes, {workers.calls:,} calls, {head:,} events: memory {memory[0] / 1e6:.1f} MB at first, "
        f"{warm / 1e6:.1f} when warm, {last / 1e6:.1f} at the end ({an_hour / 1e6:+.1f} MB an hour), "
        f"largest WAL {largest_wal / 1e6:.1f} MB, handles {at_rest} -> {open_handles(pid)}\n"
    )
    wait_until(lambda: open_handles(pid) <= at_rest + READERS_KEEP, what="hardly more handles than at first")
    assert largest_wal <= LARGEST_WAL
    assert last - warm <= NOISE + MOST_AN_HOUR * MINUTES / 60
