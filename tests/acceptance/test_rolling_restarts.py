"""Hubs that are restarted in turns, as for a new version: no call of a client fails, and each is done once."""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from arc import ArcClient
from arc.errors import ArcError
from arc.http import RETRY_WAITS_SEC, HttpTransport
from arclog.events import MessagePosted
from tests.support.hub_process import HubProcess
from tests.support.recorders import events_in
from tests.support.waiting import wait_until

CLIENTS = 4
"""At each of the two hubs."""
BETWEEN = 40
"""Calls that are answered between two restarts."""
PATIENCE_SEC = (*RETRY_WAITS_SEC, *[2.0] * 10)
"""On a busy machine a start takes longer than a client waits for by itself."""


class Clients:
    """Clients that post, read and take locks without a pause, each at a hub of its own.

    Attributes:
        said: what was acknowledged, by its id.
        failed: calls that were not answered as asked.
    """

    def __init__(self, hubs: list[HubProcess]) -> None:
        self.said: dict[int, str] = {}
        self.failed: list[ArcError] = []
        self.answered = 0
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(f"c{number}", hubs[number % len(hubs)].url), daemon=True)
            for number in range(CLIENTS * len(hubs))
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, name: str, url: str) -> None:
        with ArcClient(name, transport=HttpTransport(url, timeout=60, retry_waits_sec=PATIENCE_SEC)) as client:
            number = 0
            while not self._over.is_set():
                body = f"{name} says {number}"
                try:
                    self.said[client.post("general", body)["id"]] = body
                    client.lock(f"src/{name}.py")
                    client.messages(channel="general", limit=5)
                    client.unlock(f"src/{name}.py")
                except ArcError as error:
                    self.failed.append(error)
                number += 1
                self.answered += 4

    def wait_for(self, count: int) -> None:
        """Wait for so many more answers."""
        reached = self.answered + count
        wait_until(lambda: self.failed or self.answered >= reached, what=f"{count} more answers")

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


@pytest.mark.parametrize("restarts", [4, pytest.param(100, marks=pytest.mark.soak)])
def test_while_two_hubs_are_restarted_in_turns_no_call_of_a_client_fails(
    start_hub: Callable[..., HubProcess], tmp_path: Path, restarts: int
) -> None:
    hubs = [start_hub(), start_hub()]
    clients = Clients(hubs)
    try:
        for number in range(restarts):
            clients.wait_for(BETWEEN)
            hub = hubs[number % 2]
            assert hub.stop() == 0
            hub.start()
        clients.wait_for(BETWEEN)
    finally:
        clients.end()
    print(f"\n{restarts} restarts, {clients.answered} calls, {len(clients.failed)} failed")  # noqa: T201
    assert clients.failed == []
    posted = {e.event_id: e.data.body for e in events_in(tmp_path / "arc.sqlite3") if isinstance(e.data, MessagePosted)}
    assert clients.said.items() <= posted.items()
    assert max(Counter(posted.values()).values()) == 1
