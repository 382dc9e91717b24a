"""Hubs that share a log, each with a storage of its own, as if on machines of their own; a load, and its proof."""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from arclog.codec import StoredEvent
from arclog.digest import GENESIS
from arclog.events import LockAcquired, LockReleased, MessagePosted
from arclog.sqlite.reads import read
from tests.support.chains import find_break
from tests.support.hub_process import HubProcess
from tests.support.recorders import reading
from tests.support.waiting import wait_until

PATHS = 5
CALL_WITHIN_SEC = 50.0


@contextmanager
def machines(folder: Path, url: str, count: int, *options: str) -> Iterator[list[HubProcess]]:
    """Hubs on one log, started, and ended in the end."""
    hubs: list[HubProcess] = []
    try:
        for number in range(count):
            home = folder / f"machine-{number}"
            home.mkdir(exist_ok=True)
            hubs.append(HubProcess.at(home, "--log", url, *options))
            hubs[-1].start()
        yield hubs
    finally:
        for hub in hubs:
            hub.stop()


@dataclass
class Load:
    """Clients that post and take locks without a pause, and ask again under their keys until they have an answer.

    Attributes:
        hubs: each client asks one of them, whatever becomes of it.
        posted: what was acknowledged, by what it says: the event.
        granted: the fencing tokens that were given out.
        answered_at: when each answer came, by the monotonic clock.
        refused: how many answers were a 5xx.
    """

    hubs: Sequence[HubProcess]
    clients: int = 4
    posted: dict[str, int] = field(default_factory=dict)
    granted: list[int] = field(default_factory=list)
    answered_at: list[float] = field(default_factory=list)
    refused: int = 0
    last_refusal: str = ""
    _ending: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _wrong: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        for number, hub in enumerate(self.hubs):
            for client in range(self.clients):
                thread = threading.Thread(target=self._run, args=[hub, f"a{number}-{client}"], daemon=True)
                thread.start()
                self._threads.append(thread)
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()

    def end(self) -> None:
        """Let every call come to its end."""
        self._ending.set()
        for thread in self._threads:
            thread.join(CALL_WITHIN_SEC)
            assert not thread.is_alive(), f"a call that never ended: {self.last_refusal}"
        assert not self._wrong, self._wrong[:3]

    def wait_for(self, count: int) -> None:
        """Wait until so many more calls were answered."""
        reached = len(self.answered_at) + count
        wait_until(lambda: self._wrong or len(self.answered_at) >= reached, within_sec=60, what=f"{count} more answers")

    def count_since(self, moment: float) -> int:
        """How many answers came after a moment of the monotonic clock."""
        return sum(at > moment for at in list(self.answered_at))

    def _run(self, hub: HubProcess, agent: str) -> None:
        number = 0
        while not self._ending.is_set():
            number += 1
            body = f"{agent} says {number}"
            answer = self._ask(hub, "/v1/messages", {"from_agent": agent, "channel": "general", "body": body}, body)
            if answer is not None:
                self.posted[body] = answer["result"]["id"]
            if number % 3 == 0:
                path = f"p{number % PATHS}"
                asked = {"agent_id": agent, "file_path": path, "ttl_sec": 60}
                answer = self._ask(hub, "/v1/locks", asked, f"{body} lock")
                if answer is not None and answer["acquired"]:
                    self.granted.append(answer["result"]["fencing_token"])
                    self._ask(hub, "/v1/locks/release", {"agent_id": agent, "file_path": path}, f"{body} release")

    def _ask(self, hub: HubProcess, path: str, body: object, key: str) -> Any:
        """The answer, however often it has to be asked for; None when the load ended before there was one."""
        give_up_at = None
        while True:
            if self._ending.is_set():
                give_up_at = give_up_at or time.monotonic() + 30
                if time.monotonic() > give_up_at:
                    return None
            try:
                answer = hub.call("POST", path, body, headers={"Idempotency-Key": key.replace(" ", "-")}, timeout=20)
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                time.sleep(0.05)
                continue
            if answer.status < 300:
                self.answered_at.append(time.monotonic())
                return answer.body
            if answer.status >= 500:
                self.refused += 1
                self.last_refusal = str(answer.body)
                time.sleep(0.05)
                continue
            self._wrong.append(f"{answer.status} {answer.body}")
            return None


def events_of(hub: HubProcess) -> list[StoredEvent]:
    """All that a hub's storage has of the log."""
    with reading(hub.storage) as connection:
        return list(read(connection, 0, limit=10_000_000))


def prove(hubs: Sequence[HubProcess], load: Load, log: Sequence[StoredEvent]) -> None:
    """Nothing acknowledged is lost or there twice, ids are dense, and all hubs have the same log and no other.

    Args:
        hubs: all hubs of the log, which run.
        load: what was acknowledged.
        log: the events as the engine has them.
    """
    assert find_break(GENESIS, log) is None
    said: dict[str, list[int]] = {}
    for stored in log:
        data = stored.decode().data
        if isinstance(data, MessagePosted):
            said.setdefault(data.body, []).append(stored.event_id)
    lost = [body for body, event_id in load.posted.items() if said.get(body) != [event_id]]
    assert not lost, f"{len(lost)} of {len(load.posted)} acknowledged lost or elsewhere: {lost[:3]}"
    twice = [body for body, ids in said.items() if len(ids) > 1 and body.startswith("a")]
    assert not twice, twice[:3]
    assert [event.event_id for event in log] == list(range(1, len(log) + 1))
    assert find_second_holder(log) is None
    granted = {event.event_id for event in log if event.type == LockAcquired.type}
    assert set(load.granted) <= granted
    for hub in hubs:
        wait_until(lambda hub=hub: hub.get("/v1/health").result["head"] >= len(log), what="the hub's copy")  # type: ignore[misc]
        assert events_of(hub)[: len(log)] == list(log)


def find_second_holder(log: Sequence[StoredEvent]) -> str | None:
    """A lock that was granted while another agent held it; None when there is none."""
    held: dict[str, tuple[str, int]] = {}
    for stored in log:
        data = stored.decode().data
        if isinstance(data, LockAcquired):
            holder = held.get(data.file_path)
            if holder is not None and holder[0] != data.agent_id and holder[1] > stored.recorded_at:
                return f"event {stored.event_id}: {data.file_path} is {holder[0]}'s"
            held[data.file_path] = (data.agent_id, data.expires_at)
        elif isinstance(data, LockReleased):
            held.pop(data.file_path, None)
    return None
