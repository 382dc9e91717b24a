"""A hub that is killed comes back with everything it acknowledged, and does nothing twice."""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from arc import ArcClient
from tests.support.hub_process import HubProcess

HTTP_WRITERS = 6
RELAY_WRITERS = 2
GIVE_UP_SEC = 60.0


class Writer(threading.Thread):
    """Says one thing after the other, each until it is acknowledged."""

    def __init__(self, name: str, stopping: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.stopping = stopping
        self.acknowledged: list[tuple[int, str]] = []
        self.failure: str | None = None

    def run(self) -> None:
        try:
            number = 0
            while not self.stopping.is_set():
                body = f"{self.name} says {number}"
                self.acknowledged.append((self.say(body), body))
                number += 1
        except Exception as error:  # noqa: BLE001 - told to the test, whatever it is
            self.failure = repr(error)

    def say(self, body: str) -> int:
        raise AssertionError("each kind of writer has its own way")


class HttpWriter(Writer):
    """Repeats a call under its key until there is an answer."""

    def __init__(self, name: str, stopping: threading.Event, port: int) -> None:
        super().__init__(name, stopping)
        self.port = port

    def say(self, body: str) -> int:
        key, give_up_at = uuid4().hex, time.monotonic() + GIVE_UP_SEC
        while time.monotonic() < give_up_at:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                message = json.dumps({"from_agent": self.name, "body": body})
                connection.request("POST", "/v1/messages", message, {"Idempotency-Key": key})
                response = connection.getresponse()
                answer = json.loads(response.read())
                if response.status == 201:
                    return int(answer["result"]["id"])
                assert response.status == 503, answer
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)  # the hub is down: a pause between two attempts, nothing is waited for
            finally:
                connection.close()
        raise AssertionError(f"no answer within {GIVE_UP_SEC} s")


class RelayWriter(Writer):
    """Leaves a request in the spool and waits for the answer, whether the hub is up or not."""

    def __init__(self, name: str, stopping: threading.Event, spool_dir: Path) -> None:
        super().__init__(name, stopping)
        self.client = ArcClient.over_relay(name, spool_dir=str(spool_dir), timeout=GIVE_UP_SEC)

    def say(self, body: str) -> int:
        return int(self.client.post("general", body)["id"])


def kill_rounds(start_hub: Callable[..., HubProcess], rounds: int, seed: int, count: int = 1) -> None:
    """Kill one of some hubs under their writers, again and again, and compare the log with what these were told."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    hubs = [start_hub() for _ in range(count)]
    hub, stopping = hubs[0], threading.Event()
    writers: list[Writer] = [HttpWriter(f"http-{n}", stopping, hubs[n % count].port) for n in range(HTTP_WRITERS)]
    writers += [RelayWriter(f"relay-{n}", stopping, hub.spool_dir) for n in range(RELAY_WRITERS)]
    for writer in writers:
        writer.start()
    for _round in range(rounds):
        time.sleep(chance.uniform(0.02, 0.3))  # the moment of the crash is random, and the seed is in the test's name
        killed = chance.choice(hubs)
        killed.kill()
        killed.start()
    stopping.set()
    for writer in writers:
        writer.join(GIVE_UP_SEC)
        assert not writer.is_alive()
        assert writer.failure is None

    said: list[tuple[int, str, str]] = []
    since = 0
    while page := hub.get(f"/v1/messages?channel=general&limit=500&since_id={since}").result:
        said += [(m["id"], m["from_agent"], m["body"]) for m in page]
        since = page[-1]["id"]
    by_id = {message_id: body for message_id, _agent, body in said}
    lost = [told for writer in writers for told in writer.acknowledged if by_id.get(told[0]) != told[1]]
    twice = [body for body, times in Counter(body for _id, _agent, body in said).items() if times > 1]
    assert lost == []
    assert twice == []
    for writer in writers:
        in_log = [body for _id, agent, body in said if agent == writer.name]
        assert in_log == [f"{writer.name} says {n}" for n in range(len(in_log))]
        assert len(writer.acknowledged) > 0


@pytest.mark.parametrize("seed", [1])
def test_twenty_kills_under_eight_writers_lose_nothing_and_do_nothing_twice(
    start_hub: Callable[..., HubProcess], seed: int
) -> None:
    kill_rounds(start_hub, rounds=20, seed=seed)


@pytest.mark.soak
@pytest.mark.parametrize(("seed", "hubs"), [(seed, (1, 2, 4)[seed % 3]) for seed in range(10)])
def test_two_hundred_kills_of_one_of_some_hubs_under_eight_writers_lose_nothing_and_do_nothing_twice(
    start_hub: Callable[..., HubProcess], seed: int, hubs: int
) -> None:
    kill_rounds(start_hub, rounds=200, seed=seed, count=hubs)


def test_what_was_acknowledged_before_a_kill_replays_to_the_same_tables(
    start_hub: Callable[..., HubProcess],
) -> None:
    hub = start_hub()
    hub.post("/v1/sessions", {"agent_id": "alice"})
    request = hub.post(
        "/v1/messages", {"from_agent": "alice", "body": "do it", "kind": "task", "thread_id": "t"}
    ).result
    hub.post("/v1/locks", {"agent_id": "alice", "file_path": "src/a.py"})
    hub.post(f"/v1/tasks/{request['id']}/complete", {})
    before = [hub.get(path).body for path in ("/v1/threads/t", "/v1/tasks", "/v1/locks", "/v1/messages?thread_id=t")]
    hub.kill()
    hub.start()
    after = [hub.get(path).body for path in ("/v1/threads/t", "/v1/tasks", "/v1/locks", "/v1/messages?thread_id=t")]
    assert after == before
