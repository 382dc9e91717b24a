"""Every answer has a bound in bytes and goes on by its cursor, and long ones hold nobody up."""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from arclog.limits import ANSWER_BYTES, MAX_ANSWER_BYTES
from tests.support.hub_process import HubProcess
from tests.support.served_hub import ServedHub, served_hub
from tests.support.waiting import wait_until

LONG = {"note": "x" * 60_000}
COUNT = 40


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHub]:
    """A hub with more of everything than one answer holds."""
    with served_hub(tmp_path_factory.mktemp("hub")) as served:
        for number in range(COUNT):
            agent = f"agent-{number:02}"
            served.post("/v1/sessions", {"agent_id": agent, "metadata": LONG})
            served.post("/v1/channels", {"name": f"room-{number:02}", "metadata": LONG})
            claim = {"owner_agent_id": agent, "claim_key": f"c-{number:02}", "thread_id": "t", "metadata": LONG}
            served.post("/v1/claims", claim)
            lock = {"agent_id": "ada", "file_path": f"{number:02}.py", "metadata": LONG | {"thread_id": "t"}}
            served.post("/v1/locks", lock)
            served.say("m" * 60_000, thread_id="t", kind="task")
            served.say("d" * 60_000, to_agent="bob")
        yield served


def size(hub: ServedHub, path: str) -> int:
    """The bytes of an answer's body."""
    return int(hub.call("HEAD", path).headers["content-length"])


def follow(hub: ServedHub, path: str, cursor: str, field: str) -> list[dict[str, Any]]:
    """All rows of a read, answer by answer."""
    rows: list[dict[str, Any]] = []
    asked = path
    while True:
        assert size(hub, asked) < ANSWER_BYTES + 1_000
        answer = hub.get(asked)
        rows += answer.result
        if not answer.body.get("more"):
            return rows
        asked = f"{path}{'&' if '?' in path else '?'}{cursor}={quote(str(rows[-1][field]), safe='')}"


@pytest.mark.parametrize(
    ("path", "cursor", "field", "count"),
    [
        ("/v1/agents", "after", "agent_id", COUNT),
        ("/v1/channels", "after", "name", COUNT + 2),
        ("/v1/claims", "after", "claim_key", COUNT),
        ("/v1/claims?thread_id=t", "after", "claim_key", COUNT),
        ("/v1/locks", "after", "file_path", COUNT),
        ("/v1/locks?thread_id=t&active_only=1", "after", "file_path", COUNT),
        ("/v1/locks?agent_id=ada", "after", "file_path", COUNT),
        ("/v1/messages?channel=general", "since_id", "id", COUNT),
        ("/v1/events?agent_id=bob", "since_id", "id", 2 * COUNT),
        ("/v1/inbox/bob", "since_id", "id", COUNT),
        ("/v1/log?type=lock.acquired", "after", "event_id", COUNT),
    ],
)
def test_an_answer_is_bounded_and_goes_on_by_its_cursor(
    hub: ServedHub, path: str, cursor: str, field: str, count: int
) -> None:
    rows = follow(hub, path, cursor, field)
    assert len(rows) == len({row[field] for row in rows}) == count
    wide = hub.get(f"{path}{'&' if '?' in path else '?'}max_bytes={MAX_ANSWER_BYTES}&limit=500")
    assert (wide.result, wide.body.get("more")) == (rows, None)


@pytest.mark.parametrize("path", ["/v1/messages?channel=general", "/v1/inbox/bob", "/v1/log?type=message.posted"])
def test_the_end_of_a_feed_is_bounded_too(hub: ServedHub, path: str) -> None:
    field = "event_id" if "log" in path else "id"
    whole = hub.get(f"{path}{'&' if '?' in path else '?'}max_bytes={MAX_ANSWER_BYTES}&limit=500").result
    tail = hub.get(f"{path}{'&' if '?' in path else '?'}tail=1&limit=500")
    assert tail.body["more"] is True
    assert [row[field] for row in tail.result] == [row[field] for row in whole[-len(tail.result) :]]


def test_a_thread_is_bounded_and_names_the_parts_that_go_on(hub: ServedHub) -> None:
    assert size(hub, "/v1/threads/t") < ANSWER_BYTES + 150_000
    answer = hub.get("/v1/threads/t")
    assert answer.body["more"] is True
    assert set(answer.result["cut"]) == {"claims", "locks", "messages"}
    said = [message["id"] for message in answer.result["messages"]]
    while "messages" in hub.get(f"/v1/threads/t?since_id={said[-1]}").result.get("cut", ()):
        said += [m["id"] for m in hub.get(f"/v1/threads/t?since_id={said[-1]}").result["messages"]]
    said += [m["id"] for m in hub.get(f"/v1/threads/t?since_id={said[-1]}").result["messages"]]
    assert len(said) == len(set(said)) == COUNT
    claims = [claim["claim_key"] for claim in answer.result["claims"]]
    rest = hub.get(f"/v1/claims?thread_id=t&after={claims[-1]}&max_bytes={MAX_ANSWER_BYTES}").result
    assert len(claims) + len(rest) == COUNT


def test_a_thread_that_fits_is_whole(hub: ServedHub) -> None:
    answer = hub.get(f"/v1/threads/t?max_bytes={MAX_ANSWER_BYTES}")
    assert ("more" in answer.body, "cut" in answer.result) == (False, False)
    assert [len(answer.result[part]) for part in ("messages", "tasks", "claims", "locks")] == [COUNT] * 4


def test_where_an_agent_stands_is_bounded(hub: ServedHub) -> None:
    assert size(hub, "/v1/bootstrap?agent_id=agent-00") < ANSWER_BYTES + 70_000
    answer = hub.get("/v1/bootstrap?agent_id=agent-00")
    assert (answer.body["more"], answer.result["session"]["agent_id"]) == (True, "agent-00")
    last = answer.result["live_agents"][-1]["agent_id"]
    rest = hub.get(f"/v1/agents?after={last}&max_bytes={MAX_ANSWER_BYTES}").result
    assert len(answer.result["live_agents"]) + len(rest) == COUNT


def test_what_one_event_changed_goes_on_after_an_entity(hub: ServedHub) -> None:
    event_id = hub.get("/v1/log?type=claim.acquired&limit=1").result[0]["event_id"]
    whole = [change["entity"] for change in hub.get(f"/v1/log/{event_id}").result["changes"]]
    assert len(whole) > 1
    first = hub.get(f"/v1/log/{event_id}?max_bytes=1")
    assert ([change["entity"] for change in first.result["changes"]], first.body["more"]) == (whole[:1], True)
    rest = hub.get(f"/v1/log/{event_id}?after={quote(whole[0], safe='')}").result["changes"]
    assert [change["entity"] for change in rest] == whole[1:]
    assert hub.get(f"/v1/log/{event_id}?after=lock/other").status == 400


def test_a_waiter_gets_no_more_than_a_page_of_a_batch(tmp_path: Path) -> None:
    got: list[Any] = []
    line = json.dumps({"from_agent": "ada", "body": "b" * 60_000}).encode() + b"\n"
    with (
        served_hub(tmp_path) as hub,
        closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)) as connection,
    ):
        path = f"/v1/messages?channel=general&timeout=20&limit=500&since_id={hub.say('last')}"
        waiting = threading.Thread(target=lambda: got.append(hub.get(path)))
        waiting.start()
        wait_until(lambda: len(hub.hub._waiters) > 0, what="the poll to wait")
        connection.request("POST", "/v1/messages:batch", line * 40)
        connection.getresponse().read()
        waiting.join(20)
        assert 0 < len(got[0].result) < 40
        assert len(hub.get(f"{path}&max_bytes={MAX_ANSWER_BYTES}").result) == 40


@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5"])
def test_a_bound_that_is_none_is_refused(hub: ServedHub, value: str) -> None:
    assert hub.get(f"/v1/locks?max_bytes={value}").status == 400


def peak_of(pid: int) -> int:
    """The most memory that a process had, in bytes, since it was last asked."""
    status = Path(f"/proc/{pid}/status").read_text()
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def test_a_read_of_many_large_events_takes_no_more_memory_than_its_answer(
    start_hub: Callable[..., HubProcess],
) -> None:
    hub = start_hub()
    attachment = {"type": "text", "content": "x" * 250_000}
    for _ in range(30):
        hub.post("/v1/messages", {"from_agent": "a", "body": "x", "attachments": [attachment] * 16})
    assert hub.process is not None
    peak_of(hub.process.pid)
    before = peak_of(hub.process.pid)
    for path in ("/v1/log?limit=500", "/v1/log?tail=1&limit=500", "/v1/messages?channel=general&limit=500"):
        assert hub.get(path).body["more"] is True
    assert peak_of(hub.process.pid) - before < 90_000_000  # 30 of 4 MB would be 120 as JSON alone


READERS = """
import http.client, sys, threading
PATHS = ("/v1/messages?channel=general&limit=500", "/v1/log?limit=500", "/v1/threads/t", "/v1/log?tail=1&limit=500")
def read_on(path):
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
    while True:
        connection.request("GET", path)
        assert len(connection.getresponse().read()) > 100_000
for number in range(20):
    threading.Thread(target=read_on, args=(PATHS[number % 4],), daemon=True).start()
print("reading", flush=True)
sys.stdin.read()
"""


def test_readers_of_long_pages_hold_no_other_caller_up(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub()
    line = json.dumps({"from_agent": "ada", "body": "b" * 1_000, "thread_id": "t"}).encode() + b"\n"
    with closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)) as connection:
        for _ in range(3):
            connection.request("POST", "/v1/messages:batch", line * 1_000)
            connection.getresponse().read()
        took: list[float] = []
        with subprocess.Popen(
            [sys.executable, "-c", READERS, str(hub.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as readers:
            assert readers.stdout is not None
            assert readers.stdout.readline() == b"reading\n"
            for _ in range(300):
                began_at = time.perf_counter()
                connection.request("GET", "/v1/shutdown")
                connection.getresponse().read()
                took.append(time.perf_counter() - began_at)
            readers.kill()
    assert sorted(took)[len(took) // 2] < 0.02
