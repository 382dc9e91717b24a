"""Waiting for claims and locks over MCP: served in turn, told in words, and given back when nobody reads the answer."""

import asyncio
import http.client
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.support.mcp_hosts import ROADS, call, call_in_vain, line_host, over_http
from tests.support.served_hub import ServedHub
from tests.support.waiting import until, wait_until


def play(story: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await story

    asyncio.run(bounded())


def waiting(hub: ServedHub, noun: str) -> list[str]:
    return [place["agent_id"] for place in hub.get(f"/v1/{noun}/queue").result]


def releases(hub: ServedHub, noun: str) -> list[tuple[str, str]]:
    found = hub.get(f"/v1/log?type={noun}.released").result
    return [(one["data"].get("agent_id") or one["data"]["owner_agent_id"], one["data"].get("reason")) for one in found]


ASKS = {
    "locks": ("arc_acquire_lock", {"file_path": "src/a.py"}, "arc_release_lock", "agent_id"),
    "claims": ("arc_acquire_claim", {"claim_key": "k"}, "arc_release_claim", "owner_agent_id"),
}


@pytest.mark.parametrize("noun", ASKS)
@pytest.mark.parametrize("road", ROADS)
def test_who_waits_is_served_when_it_is_its_turn(hub: ServedHub, road: str, noun: str) -> None:
    acquire, what, give_back, holder = ASKS[noun]

    async def story() -> None:
        async with ROADS[road](hub.url, "alice") as alice, over_http(hub.url, "bob") as bob:
            assert (await call(alice, acquire, **what))["acquired"]
            refused = await call(bob, acquire, **what)
            assert "alice holds" in refused["advice"]
            assert "ask again with wait_sec" in refused["advice"]
            late = await call(bob, acquire, **what, wait_sec=0.1)
            assert "You are number 1 in the queue" in late["advice"]
            turn = asyncio.create_task(call(bob, acquire, **what, wait_sec=30))
            await until(lambda: len(hub.hub._recorder.leases.calls), "a call that waits")
            await call(alice, give_back, **what)
            got = await turn
            assert (got["acquired"], got[holder]) == (True, "bob")

    play(story())


@pytest.mark.parametrize("noun", ASKS)
@pytest.mark.parametrize("road", ROADS)
def test_one_that_is_cancelled_while_it_waits_keeps_its_place_for_a_while(hub: ServedHub, road: str, noun: str) -> None:
    acquire, what, give_back, _holder = ASKS[noun]

    async def story() -> None:
        async with ROADS[road](hub.url, "alice") as alice, over_http(hub.url, "bob") as bob:
            await call(bob, acquire, **what)
            with anyio.move_on_after(1.0):
                await alice.call_tool(acquire, {**what, "wait_sec": 30})
            await until(lambda: not len(hub.hub._recorder.leases.calls), "the end of the call")
            assert waiting(hub, noun) == ["alice"]
            await call(bob, give_back, **what)
            assert not (await call(bob, acquire, **what))["acquired"]
            assert (await call(alice, acquire, **what, wait_sec=5))["acquired"]

    play(story())


@pytest.mark.parametrize("noun", ASKS)
def test_a_grant_that_its_host_has_cancelled_meanwhile_is_given_back(hub: ServedHub, noun: str, tmp_path: Path) -> None:
    acquire, what, _give_back, _holder = ASKS[noun]
    with line_host(hub.url, "alice", tmp_path / "log") as host:
        host.open()
        body = {"agent_id": "bob", "owner_agent_id": "bob", **what}
        assert hub.post(f"/v1/{noun}", body).status == 201
        asked = {"name": acquire, "arguments": {**what, "wait_sec": 30}}
        host.tell({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": asked})
        wait_until(lambda: waiting(hub, noun))
        assert hub.post(f"/v1/{noun}/release", body).status == 200
        assert host.hear()["id"] == 7
        host.tell({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}})
        wait_until(lambda: len(releases(hub, noun[:-1])) == 2)
        assert releases(hub, noun[:-1])[-1] == ("alice", "undelivered")


def test_a_grant_whose_answer_goes_out_on_a_connection_that_is_reset_is_given_back(hub: ServedHub) -> None:
    hub.post("/v1/locks", {"agent_id": "bob", "file_path": "src/a.py"})
    asked = {"name": "arc_acquire_lock", "arguments": {"file_path": "src/a.py", "wait_sec": 30}}
    message = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": asked})
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    connection = http.client.HTTPConnection("127.0.0.1", hub.port)
    connection.request("POST", "/mcp?agent=alice", message, headers)
    wait_until(lambda: waiting(hub, "locks"))
    release = hub.post("/v1/locks/release", {"agent_id": "bob", "file_path": "src/a.py"})
    assert release.status == 200
    wait_until(lambda: hub.get("/v1/locks?active_only=1").result[0]["agent_id"] == "alice")
    connection.sock.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER of no seconds: a close resets it
    connection.sock.close()
    wait_until(lambda: releases(hub, "lock")[-1] == ("alice", "undelivered"))


def test_what_was_there_at_once_or_was_prolonged_is_not_given_back(hub: ServedHub, tmp_path: Path) -> None:
    with line_host(hub.url, "alice", tmp_path / "log") as host:
        host.open()
        for number in (7, 8):
            asked = {"name": "arc_acquire_lock", "arguments": {"file_path": "src/a.py", "wait_sec": 30}}
            host.tell({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": asked})
            assert host.hear()["id"] == number
            host.tell({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}})
        host.call("arc_whoami")
        assert hub.get("/v1/locks?active_only=1").result[0]["agent_id"] == "alice"


@pytest.mark.parametrize("road", ROADS)
def test_what_relies_on_a_lock_is_done_only_while_that_is_held(hub: ServedHub, road: str) -> None:
    async def story() -> None:
        async with ROADS[road](hub.url, "alice") as alice:
            token = (await call(alice, "arc_acquire_lock", file_path="src/a.py"))["fencing_token"]
            said = {"channel": "general", "body": "done", "require": {"lock/src/a.py": token}}
            await call(alice, "arc_post_message", **said)
            other = token + 1
            stale = await call_in_vain(alice, "arc_refresh_lock", file_path="src/a.py", fencing_token=other)
            assert f"fencing token {other}" in stale
            await call(alice, "arc_release_lock", file_path="src/a.py", fencing_token=token)
            assert f"fencing token {token}" in await call_in_vain(alice, "arc_post_message", **said)

    play(story())


def test_the_words_of_a_refusal_say_that_the_holder_has_left(hub: ServedHub) -> None:
    async def story() -> None:
        session = hub.post("/v1/sessions", {"agent_id": "carol"}).result["session_id"]
        hub.post("/v1/locks", {"agent_id": "carol", "file_path": "src/**"})
        hub.call("DELETE", f"/v1/sessions/{session}")
        async with over_http(hub.url, "alice") as alice:
            advice = (await call(alice, "arc_acquire_lock", file_path="src/a.py"))["advice"]
        assert "carol holds src/**" in advice
        assert "and has left" in advice
        assert "message carol" not in advice

    play(story())
