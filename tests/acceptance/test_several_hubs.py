"""Several hubs on one file: one truth, and everyone hears of it."""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.hub_process import CHECKOUT, HubProcess
from tests.support.waiting import wait_until

HUBS = 4
WRITERS = 16


@pytest.fixture
def hubs(tmp_path: Path) -> Iterator[list[HubProcess]]:
    """Four hubs on one storage."""
    started: list[HubProcess] = []
    try:
        for _ in range(HUBS):
            hub = HubProcess.at(tmp_path)
            started.append(hub)
            hub.start()
        yield started
    finally:
        for hub in started:
            hub.stop()


def contend(hubs: list[HubProcess], keys: int) -> list[tuple[str, str, int, bool]]:
    """Every writer asks for every key at the hub that is its turn; gives (key, agent, status, acquired)."""
    answers: list[tuple[str, str, int, bool]] = []
    barrier = threading.Barrier(WRITERS)

    def ask(number: int) -> None:
        agent = f"agent-{number}"
        with closing(http.client.HTTPConnection("127.0.0.1", hubs[number % len(hubs)].port, timeout=60)) as connection:
            barrier.wait()
            for place in range(keys):
                key = f"key-{place}"
                body = json.dumps({"owner_agent_id": agent, "claim_key": key})
                connection.request("POST", "/v1/claims", body)
                response = connection.getresponse()
                answer = json.loads(response.read())
                answers.append((key, agent, response.status, bool(answer.get("acquired"))))

    threads = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def assert_one_winner_each(answers: list[tuple[str, str, int, bool]], keys: int) -> None:
    """Every call was answered, and every key went to exactly one agent."""
    assert len(answers) == keys * WRITERS
    assert {status for _key, _agent, status, _acquired in answers} == {200, 201}
    winners = Counter(key for key, _agent, _status, acquired in answers if acquired)
    assert winners == {f"key-{place}": 1 for place in range(keys)}


def test_of_sixteen_writers_at_four_hubs_exactly_one_gets_each_claim(hubs: list[HubProcess]) -> None:
    keys = 150
    assert_one_winner_each(contend(hubs, keys), keys)


@pytest.mark.soak
def test_of_sixteen_writers_at_four_hubs_exactly_one_gets_each_of_a_thousand_claims(hubs: list[HubProcess]) -> None:
    keys = 1000
    assert_one_winner_each(contend(hubs, keys), keys)


def test_who_waits_at_one_hub_hears_what_is_posted_at_another(hubs: list[HubProcess]) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", hubs[1].port, timeout=20)) as connection:
        connection.request("GET", "/v1/stream?agent_id=bob")
        stream = connection.getresponse()
        assert stream.readline() == b":\n"  # the stream has begun, and waits
        posted_at = time.monotonic()
        hubs[0].post("/v1/messages", {"from_agent": "alice", "body": "over there"})
        said = next(line for line in stream if line.startswith(b"data: "))
        assert json.loads(said.removeprefix(b"data: "))["body"] == "over there"
        assert time.monotonic() - posted_at < 8.0  # before the next heartbeat


def test_a_folder_may_name_any_of_its_hubs_and_nothing_is_remarked(hubs: list[HubProcess]) -> None:
    for hub in hubs[:2]:
        command = [sys.executable, "-P", str(CHECKOUT / "arc" / "__main__.py"), "agents", "--base-url", hub.url]
        told = subprocess.run(command, cwd=hub.home, capture_output=True, text=True, timeout=60, check=True)
        assert told.stderr == ""


def test_all_hubs_of_a_storage_have_one_instance_id(hubs: list[HubProcess]) -> None:
    assert len({hub.get("/v1/hub-info").result["instance_id"] for hub in hubs}) == 1


def test_a_hub_that_starts_leaves_the_sessions_of_others_alone(hubs: list[HubProcess]) -> None:
    hubs[0].post("/v1/sessions", {"agent_id": "alice"})
    hubs[3].stop()
    hubs[3].start()
    agents = hubs[3].get("/v1/agents").result
    assert [agent["agent_id"] for agent in agents] == ["alice"]


def test_stopping_one_hub_leaves_the_others_at_work(hubs: list[HubProcess]) -> None:
    assert hubs[2].stop() == 0
    assert hubs[0].post("/v1/messages", {"from_agent": "alice", "body": "still here"}).status == 201
    wait_until(
        lambda: len(hubs[1].get("/v1/messages?channel=general").result) == 1, what="the message at the other hub"
    )


def test_hub_info_says_whether_the_filesystem_is_safe_for_several_hubs(hubs: list[HubProcess]) -> None:
    info = hubs[0].get("/v1/hub-info").result
    assert (info["unsafe_filesystem"], info["wal_mode"]) == (None, True)


def test_arc_stop_with_a_port_ends_exactly_the_hub_that_listens_there(hubs: list[HubProcess]) -> None:
    first = hubs[0]
    command = [sys.executable, "-P", str(CHECKOUT / "arc" / "__main__.py"), "stop", "--port", str(first.port)]
    done = subprocess.run(
        [*command, "--storage", str(first.storage)], cwd=first.home, capture_output=True, timeout=60, check=False
    )
    assert json.loads(done.stdout)["url"] == first.url
    assert first.process is not None
    assert first.process.wait(30) == 0
    assert [hub.get("/v1/channels").status for hub in hubs[1:]] == [200, 200, 200]
