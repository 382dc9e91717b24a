"""Whatever becomes of a poll, its messages are read: each at least once, and one that is shown again says so."""

import asyncio
import http.client
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp_types import CallToolResult

from tests.support.hub_process import HubProcess
from tests.support.mcp_hosts import ERAS, ROADS, Era, line_host, over_http, over_stdio, text_of
from tests.support.mcp_races import Account, giving_up_proxy, poll, race
from tests.support.served_hub import ServedHub, served_hub
from tests.support.waiting import wait_until

COUNTS = [pytest.param(25, id="25"), pytest.param(1000, id="1000", marks=[pytest.mark.soak, pytest.mark.timeout(900)])]
AFTER_SEC = 0.15
"""When a host gives up: long after what was there already has come, on a busy machine too."""
WAIT = {"timeout": 30}


async def time_out(client: Client, after_sec: float) -> CallToolResult:
    """A poll that the client itself gives up."""
    result = await client.call_tool("arc_poll_messages", WAIT, read_timeout_seconds=after_sec)
    assert isinstance(result, CallToolResult)
    return result


async def cancel(client: Client, after_sec: float) -> CallToolResult:
    """A poll that the program around the client gives up."""
    with anyio.fail_after(after_sec):
        result = await client.call_tool("arc_poll_messages", WAIT)
    assert isinstance(result, CallToolResult)
    return result


async def outlast(client: Client, after_sec: float) -> CallToolResult:
    """A poll that something on the way gives up."""
    with anyio.fail_after(10):
        result = await client.call_tool("arc_poll_messages", WAIT)
    assert isinstance(result, CallToolResult)
    return result


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("give_up", [time_out, cancel])
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("road", ROADS)
def test_a_poll_that_the_client_gives_up_loses_nothing(
    hub: ServedHub, road: str, era: Era, give_up: Any, count: int
) -> None:
    async def story() -> None:
        async with ROADS[road](hub.url, "alice", era) as alice:
            await race(alice, hub, give_up, count, AFTER_SEC)

    asyncio.run(story())


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("give_up", [time_out, cancel])
@pytest.mark.parametrize("era", ERAS)
def test_the_very_first_time_that_a_host_gives_up_loses_nothing(
    hub: ServedHub, era: Era, give_up: Any, count: int
) -> None:
    async def story() -> None:
        for number in range(count):
            async with over_http(hub.url, f"host-{number}", era) as host:
                await race(host, hub, give_up, 1, 0.1, number)

    asyncio.run(story())


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("count", [5, pytest.param(1000, marks=pytest.mark.soak)], ids=str)
@pytest.mark.parametrize("era", ERAS)
def test_the_very_first_time_that_a_host_of_the_command_gives_up_loses_nothing(
    hub: ServedHub, era: Era, count: int
) -> None:
    async def story() -> None:
        for number in range(count):
            async with over_stdio(hub.url, f"host-{number}", era) as host:
                await race(host, hub, time_out, 1, 0.1, number)

    asyncio.run(story())


def test_a_host_that_was_seen_to_wait_hardly_longer_is_shown_once_more_what_it_waited_for(hub: ServedHub) -> None:
    async def story() -> None:
        account = Account(hub)
        async with over_http(hub.url, "alice", "auto") as alice:

            async def wait_for(seconds: float) -> int:
                polling = asyncio.create_task(alice.call_tool("arc_poll_messages", WAIT))
                await asyncio.sleep(seconds)
                await account.say()
                result = await polling
                assert isinstance(result, CallToolResult)
                return account.take(json.loads(text_of(result)))

            assert await poll(alice, account) == 0
            assert await wait_for(0.5) == 1  # nobody knows yet whether it waits that long
            assert await poll(alice, account) == 1
            assert await wait_for(0.1) == 1  # 0.5 s were waited for: its clock may be as late as that
            assert await poll(alice, account) == 1
            assert await wait_for(1.7) == 1
            assert await poll(alice, account) == 1
            assert await wait_for(0.1) == 1
            assert await poll(alice, account) == 0

    asyncio.run(story())


@pytest.mark.parametrize("count", COUNTS)
def test_a_proxy_that_gives_up_loses_nothing(hub: ServedHub, count: int) -> None:
    async def story() -> None:
        async with over_http(hub.url, "first"):
            pass  # the first host of a hub waits longest
        with giving_up_proxy(hub.port, 0.1) as proxy:
            async with over_http(f"http://127.0.0.1:{proxy.port}", "alice") as alice:
                await race(alice, hub, outlast, count, 0.1)

    asyncio.run(story())


def ask(request_id: int, tool: str, **arguments: object) -> dict[str, Any]:
    """A request as it goes over the wire."""
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}


def never_mind(request_id: int) -> dict[str, Any]:
    """The notice that a request was given up."""
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request_id}}


def shown_by(reply: Any) -> dict[str, Any]:
    """What a tool answered."""
    assert "isError" not in reply["result"], reply
    shown: dict[str, Any] = json.loads(reply["result"]["content"][0]["text"])
    return shown


@pytest.mark.parametrize("count", COUNTS)
def test_a_cancellation_after_the_answer_takes_it_back_over_the_streams(
    hub: ServedHub, tmp_path: Path, count: int
) -> None:
    account = Account(hub)
    with line_host(hub.url, "alice", tmp_path / "host.log") as host:
        host.open()
        host.call("arc_poll_messages", timeout=0)
        for number in range(count):
            host.tell(ask(number, "arc_poll_messages", timeout=30))
            asyncio.run(account.say())
            host.tell(never_mind(number))
        host.hear_all()  # what comes for a request that was given up is thrown away, as hosts do
        while account.take(shown_by(host.ask("tools/call", ask(0, "arc_poll_messages", timeout=0)["params"]))):
            pass
    account.check()


def test_a_cancellation_that_comes_together_with_its_request_is_heard(hub: ServedHub, tmp_path: Path) -> None:
    with line_host(hub.url, "alice", tmp_path / "host.log") as host:
        host.open()
        host.call("arc_poll_messages", timeout=0)
        hub.say("hi")
        poll, cancellation, after = (
            json.dumps(one).encode()
            for one in (
                ask(1, "arc_poll_messages", timeout=30),
                never_mind(1),
                {"jsonrpc": "2.0", "id": 2, "method": "ping"},
            )
        )
        host.send(b"\n".join((poll, cancellation, after)))
        assert host.hear()["id"] == 2
        (shown,) = host.shown("arc_poll_messages", timeout=0)["messages"]
        assert (shown["body"], "again" in shown) == ("hi", False)


@pytest.mark.parametrize("count", COUNTS)
def test_a_cancellation_by_url_ends_the_poll_or_takes_its_answer_back(hub: ServedHub, count: int) -> None:
    account = Account(hub)
    url = "/mcp?agent=alice"
    hub.post(url, ask(0, "arc_poll_messages", timeout=0))
    with closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=20)) as connection:
        for number in range(count):
            connection.request("POST", url, json.dumps(ask(number, "arc_poll_messages", timeout=30)))
            if number % 2:
                asyncio.run(account.say())
            assert hub.post(url, never_mind(number)).status == 202
            if not number % 2:
                asyncio.run(account.say())
            answer = connection.getresponse()
            answer.read()  # and thrown away
            assert answer.status in {200, 202}
    while account.take(shown_by(hub.post(url, ask(0, "arc_poll_messages", timeout=0)).body)):
        pass
    account.check()


def initialize(hub: HubProcess | ServedHub, url: str, *, session: dict[str, str]) -> None:
    """Open a session of MCP by URL; `session` takes the header that names it."""
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    answer = hub.post(url, {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
    session["Mcp-Session-Id"] = answer.headers["mcp-session-id"]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("count", [25, pytest.param(1000, marks=pytest.mark.soak)], ids=str)
def test_a_hub_that_restarts_loses_nothing_though_something_else_registers_the_agent(
    forked_hub: HubProcess, count: int
) -> None:
    hub = forked_hub
    account, session = Account(hub), dict[str, str]()
    initialize(hub, "/mcp?agent=alice", session=session)
    for number in range(count):
        asyncio.run(account.say())
        hub.kill()
        hub.start()
        if number % 2:
            hub.post("/v1/sessions", {"agent_id": "alice", "replace": True})
        asyncio.run(account.say())
        while True:
            answer = hub.post("/mcp?agent=alice", ask(number, "arc_poll_messages", timeout=0), headers=session)
            if not account.take(shown_by(answer.body)):
                break
    account.check()


def test_after_a_restart_a_poll_goes_on_where_the_host_had_read_to(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub()
    session = dict[str, str]()
    initialize(hub, "/mcp?agent=alice", session=session)

    def poll(number: int, **view: object) -> list[tuple[str, bool]]:
        answer = hub.post("/mcp?agent=alice", ask(number, "arc_poll_messages", timeout=0, **view), headers=session)
        return [(message["body"], "again" in message) for message in shown_by(answer.body)["messages"]]

    hub.post("/v1/channels", {"name": "side"})
    for number in range(4):
        hub.post("/v1/messages", {"from_agent": "bob", "channel": "side", "body": f"aside {number}"})
        assert poll(number, channel="side") == [(f"aside {number}", False)]
    for number in range(4):
        hub.post("/v1/messages", {"from_agent": "bob", "body": f"message {number}"})
        assert poll(number, channel="general") == [(f"message {number}", False)]
    hub.stop()
    hub.start()
    hub.post("/v1/messages", {"from_agent": "bob", "body": "after it"})
    assert poll(1, channel="side") == []
    # Nobody can know whether the last answer was read; what the host went on after is not shown again.
    assert [body for body, _again in poll(2, channel="general")] == ["message 3", "after it"]
    assert poll(3, channel="general") == []


@pytest.mark.parametrize("url", ["/mcp?agent=alice", "/mcp"])
def test_an_agent_that_was_idle_until_its_session_ended_loses_nothing_though_the_hub_restarts(
    start_hub: Callable[..., HubProcess], url: str
) -> None:
    hub = start_hub("--presence-ttl-sec", "5")
    account, session = Account(hub), dict[str, str]()
    initialize(hub, url, session=session)
    asyncio.run(account.say())
    wait_until(lambda: not hub.get("/v1/agents").result, within_sec=20, what="the end of the session")
    asyncio.run(account.say())
    hub.stop()
    hub.start()
    asyncio.run(account.say())
    account.take(shown_by(hub.post(url, ask(1, "arc_poll_messages", timeout=0), headers=session).body))
    account.check()


@pytest.mark.parametrize(("times", "size"), [(600, 0), (40, 60_000)], ids=["often", "at length"])
def test_however_often_something_else_registers_the_agent_its_polls_go_on_after_a_restart(
    tmp_path: Path, times: int, size: int
) -> None:
    with served_hub(tmp_path) as hub:
        account, session = Account(hub), dict[str, str]()
        initialize(hub, "/mcp?agent=alice", session=session)
        asyncio.run(account.say())
        for _ in range(times):
            hub.post("/v1/sessions", {"agent_id": "alice", "replace": True, "metadata": {"note": "x" * size}})
    with served_hub(tmp_path) as hub:
        account.take(
            shown_by(hub.post("/mcp?agent=alice", ask(1, "arc_poll_messages", timeout=0), headers=session).body)
        )
    account.check()


def test_an_agent_whose_host_ended_the_session_begins_afresh(hub: ServedHub) -> None:
    account = Account(hub)
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    opening = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    first = {"Mcp-Session-Id": hub.post("/mcp?agent=alice", opening).headers["mcp-session-id"]}
    asyncio.run(account.say())
    assert hub.call("DELETE", "/mcp?agent=alice", headers=first).status == 200
    second = {"Mcp-Session-Id": hub.post("/mcp?agent=alice", opening).headers["mcp-session-id"]}
    shown = hub.post("/mcp?agent=alice", ask(1, "arc_poll_messages", timeout=0), headers=second)
    assert shown_by(shown.body) == {"messages": []}
