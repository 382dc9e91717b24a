"""What any way from the relay to the hub must do: over HTTP, and inside the hub's own process."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from api.app import create_app
from api.http.inprocess import call
from arc import ArcClient, ArcError
from arc.spool import FileRelayClient
from relay.remote import HttpSend
from relay.send import Send
from tests.support.relay_thread import serving
from tests.support.served_hub import ServedHub, served_hub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ServedHub]:
    with served_hub(tmp_path) as served:
        yield served


@pytest.fixture(params=["in process", "over HTTP"])
def send(request: pytest.FixtureRequest, hub: ServedHub) -> Send:
    if request.param == "over HTTP":
        return HttpSend(hub.url)
    app = create_app(hub.hub)

    async def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        calling = call(app, method, path, body, headers.items(), "relay")
        answer = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(calling, hub.loop))
        return answer.status, answer.body

    return send


@pytest.fixture
def spool(tmp_path: Path, send: Send) -> Iterator[Path]:
    with serving(tmp_path / "spool", send):
        yield tmp_path / "spool"


def test_agents_do_over_files_what_they_do_over_http(spool: Path, hub: ServedHub) -> None:
    with ArcClient.over_relay("alice", spool_dir=spool) as alice, ArcClient("bob", hub.url) as bob:
        alice.register()
        bob.register()
        posted = alice.post("general", "hello", thread_id="t1")
        assert [row["id"] for row in bob.poll(timeout=5)] == [posted["id"]]
        bob.dm("alice", "hi")
        assert [row["body"] for row in alice.poll(timeout=5)] == ["hi"]
        assert alice.lock("src/a.py")["agent_id"] == "alice"
        assert bob.lock("src/a.py")["agent_id"] == "alice"
        alice.unlock("src/a.py")
        assert bob.lock("src/a.py")["agent_id"] == "bob"


def test_the_same_id_does_a_write_once(spool: Path, hub: ServedHub) -> None:
    client = FileRelayClient(agent_id="alice", spool_dir=spool)
    body = {"from_agent": "alice", "body": "once"}
    first = client.call("POST", "/v1/messages", body, request_id="r1")
    for place in ("requests/alice/r1.work", "responses/alice/r1.json"):
        (spool / place).unlink()
    assert client.call("POST", "/v1/messages", body, request_id="r1")["body"] == first["body"]
    (spool / "responses/alice/r1.json").unlink()
    (spool / "requests/alice/r1.work").unlink()
    other = client.call("POST", "/v1/messages", {**body, "body": "twice"}, request_id="r1")
    assert (other["status"], other["body"]["code"]) == (422, "idempotency_key_reused")
    assert len(hub.get("/v1/messages?channel=general").result) == 1


def test_the_hubs_refusals_come_back_as_they_are(spool: Path) -> None:
    with ArcClient.over_relay("alice", spool_dir=spool) as alice, pytest.raises(ArcError) as refused:
        alice.post("no-such-channel", "x")
    assert refused.value.status == 400


def test_a_long_poll_waits_and_is_woken(spool: Path, hub: ServedHub) -> None:
    client = FileRelayClient(agent_id="alice", spool_dir=spool)
    began_at = time.monotonic()
    empty = client.call("GET", "/v1/events?agent_id=alice&timeout=0.3")
    assert empty["body"]["result"] == []
    assert time.monotonic() - began_at >= 0.3
    hub.loop.call_soon_threadsafe(lambda: hub.loop.run_in_executor(None, hub.say, "wake up"))
    rows = client.call("GET", "/v1/events?agent_id=alice&timeout=20")["body"]["result"]
    assert [row["body"] for row in rows] == ["wake up"]


def test_an_agent_closes_its_own_session_and_no_other(spool: Path, hub: ServedHub) -> None:
    with ArcClient.over_relay("alice", spool_dir=spool) as alice, ArcClient("bob", hub.url) as bob:
        alice.register()
        bob.register()
        client = FileRelayClient(agent_id="alice", spool_dir=spool)
        assert client.call("DELETE", f"/v1/sessions/{bob.session_id}")["status"] == 403
        assert client.call("DELETE", f"/v1/sessions/{alice.session_id}")["status"] == 200
        assert client.call("DELETE", f"/v1/sessions/{alice.session_id}")["status"] == 404
        assert [row["agent_id"] for row in hub.get("/v1/agents").result] == ["bob"]


def test_what_is_not_for_agents_stays_out_of_reach(spool: Path, hub: ServedHub) -> None:
    client = FileRelayClient(agent_id="alice", spool_dir=spool)
    for method, path in (("POST", "/v1/shutdown"), ("POST", "/v1/network"), ("GET", "/"), ("GET", "/v1/inbox/bob")):
        assert client.call(method, path, {} if method == "POST" else None)["status"] == 403
    assert client.call("GET", "/v1/stream?agent_id=alice")["status"] == 400
    assert client.call("GET", "/v1/shutdown")["body"]["result"] is None
