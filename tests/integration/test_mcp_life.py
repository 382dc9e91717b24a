"""The life of an MCP host and of its hub: who stops, who stays away, and what is left behind."""

import asyncio
import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.hub_process import CHECKOUT, HubProcess
from tests.support.mcp_hosts import COMMAND, call, line_host, over_http, over_stdio
from tests.support.recorders import events_in
from tests.support.served_hub import served_hub
from tests.support.waiting import wait_until


@pytest.fixture
def hub(start_hub: Callable[..., HubProcess]) -> HubProcess:
    """A hub in a process of its own."""
    return start_hub()


def live_agents(hub: HubProcess) -> list[str]:
    return [session["agent_id"] for session in hub.get("/v1/agents").result]


@pytest.mark.parametrize("end", ["EOF", "SIGTERM", "SIGINT"])
def test_a_host_that_is_stopped_leaves_no_session_behind(hub: HubProcess, tmp_path: Path, end: str) -> None:
    with line_host(hub.url, "alice", tmp_path / "host.log") as host:
        host.open()
        assert live_agents(hub) == ["alice"]
        waits = {"name": "arc_poll_messages", "arguments": {"timeout": 60}}
        host.tell({"jsonrpc": "2.0", "id": "waits", "method": "tools/call", "params": waits})
        if end != "EOF":
            host.process.send_signal(getattr(signal, end))
            assert host.process.wait(30) == 0
        else:
            assert host.close() == 0
        assert live_agents(hub) == []


def test_what_was_asked_before_the_end_of_the_stream_is_answered(hub: HubProcess, tmp_path: Path) -> None:
    with line_host(hub.url, "alice", tmp_path / "host.log") as host:
        host.open()
        post = {"name": "arc_post_message", "arguments": {"channel": "general", "body": "last words"}}
        host.tell({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": post})
        assert host.close() == 0
        assert host.hear()["result"]["content"][0]["type"] == "text"
        assert host.hear() is None
    assert hub.get("/v1/messages?channel=general&tail=1&limit=1").result[0]["body"] == "last words"


def test_a_host_that_reads_no_more_ends_the_adapter(hub: HubProcess) -> None:
    command = [*COMMAND, "--agent", "alice", "--base-url", hub.url]
    surroundings = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(command, env=surroundings, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as host:
        assert host.stdin is not None
        assert host.stdout is not None
        host.stdout.close()
        host.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        host.stdin.flush()
        assert host.wait(20) == 0
    assert live_agents(hub) == []


def test_idle_agents_stay_while_their_host_runs_and_go_when_it_was_killed(
    start_hub: Callable[..., HubProcess], tmp_path: Path
) -> None:
    hub = start_hub("--presence-ttl-sec", "5")
    with (
        line_host(hub.url, "idle", tmp_path / "idle.log") as idle,
        line_host(hub.url, "killed", tmp_path / "killed.log") as killed,
        listening(hub, "listens"),
    ):
        idle.open()
        killed.open()
        initialize(hub, "listens")
        initialize(hub, "silent")
        assert live_agents(hub) == ["idle", "killed", "listens", "silent"]
        killed.process.kill()
        wait_until(lambda: live_agents(hub) == ["idle", "listens"], what="the end of two sessions")
        assert not idle.call("arc_whoami").get("isError")


def initialize(hub: HubProcess, agent: str) -> str:
    """Open an MCP session over HTTP and return its id."""
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    answer = hub.post("/mcp", message, headers={"X-Arc-Agent": agent})
    assert answer.body["result"]["protocolVersion"] == "2025-06-18"
    return answer.headers["mcp-session-id"]


@contextmanager
def listening(hub: HubProcess, agent: str) -> Iterator[None]:
    """A host that keeps the stream of `GET /mcp` open."""
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=10)
    try:
        connection.request("GET", f"/mcp?agent={agent}", headers={"Accept": "text/event-stream"})
        response = connection.getresponse()
        assert (response.status, response.getheader("content-type")) == (200, "text/event-stream")
        assert response.readline() == b":\n"
        yield
    finally:
        connection.close()


def test_deleting_the_mcp_session_ends_the_agents_session(hub: HubProcess) -> None:
    session_id = initialize(hub, "alice")
    assert [session["session_id"] for session in hub.get("/v1/agents").result] == [session_id]
    named = {"X-Arc-Agent": "alice", "Mcp-Session-Id": session_id}
    assert hub.call("DELETE", "/mcp", headers=named).status == 200
    assert live_agents(hub) == []
    assert hub.call("DELETE", "/mcp", headers=named).status == 404
    assert hub.call("DELETE", "/mcp", headers={"X-Arc-Agent": "alice"}).status == 400


@pytest.mark.parametrize("replaced", [False, True], ids=["same storage", "another storage"])
def test_a_hub_that_restarts_ends_no_adapter(forked_hub: HubProcess, tmp_path: Path, *, replaced: bool) -> None:
    hub = forked_hub
    with line_host(hub.url, "alice", tmp_path / "host.log") as host:
        host.open()
        session = hub.get("/v1/agents").result[0]["session_id"]
        hub.kill()
        if replaced:
            for file in tmp_path.glob("arc.sqlite3*"):
                file.unlink()
        asked = threading.Thread(target=hub.start)
        asked.start()
        assert not host.call("arc_post_message", channel="general", body="still here").get("isError")
        asked.join()
        assert live_agents(hub) == ["alice"]
        assert (hub.get("/v1/agents").result[0]["session_id"] != session) is replaced
        hub.post("/v1/messages", {"from_agent": "bob", "body": "welcome back"})
        assert "welcome back" in host.call("arc_poll_messages")["content"][0]["text"]
        assert host.close() == 0
        assert live_agents(hub) == []


def test_a_poll_over_http_loses_nothing_when_the_hub_restarts(hub: HubProcess) -> None:
    async def story() -> None:
        async with over_http(hub.url, "alice") as alice:
            await call(alice, "arc_whoami")
            hub.post("/v1/messages", {"from_agent": "bob", "body": "before"})
            hub.kill()
            hub.start()
            assert [one["body"] for one in (await call(alice, "arc_poll_messages"))["messages"]] == ["before"]

    asyncio.run(story())


def test_an_adapter_without_a_hub_says_so_and_serves_when_there_is_one(tmp_path: Path) -> None:
    hub = HubProcess.at(tmp_path)
    with line_host(hub.url, "alice", tmp_path / "host.log") as host:
        assert host.open()["serverInfo"]["name"] == "arc"
        said = host.call("arc_list_agents")
        assert said["isError"]
        assert "arc ensure" in said["content"][0]["text"]
        try:
            hub.start()
            assert not host.call("arc_list_agents").get("isError")
            assert live_agents(hub) == ["alice"]
            assert host.close() == 0
        finally:
            hub.stop()
    assert "connection error" in (tmp_path / "host.log").read_text()


@pytest.mark.parametrize("arguments", [("--agent", "system"), ("--base-url", "ftp://nowhere")])
def test_an_agent_or_a_url_that_cannot_be_used_is_told_in_one_line(hub: HubProcess, arguments: tuple[str, str]) -> None:
    command = [sys.executable, "-m", "arc", "mcp", "--base-url", hub.url, *arguments]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(CHECKOUT)}, capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("arc error: ")
    assert done.stderr.count("\n") == 1


def test_a_call_that_waits_is_answered_when_the_hub_stops(hub: HubProcess) -> None:
    answers = []

    def ask() -> None:
        params = {"name": "arc_rpc_call", "arguments": {"to_agent": "bob", "body": "?", "timeout": 60}}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        answers.append(hub.post("/mcp?agent=alice", message))

    asking = threading.Thread(target=ask)
    asking.start()
    wait_until(lambda: hub.get("/v1/inbox/bob").result, what="the request to arrive")
    assert hub.stop() == 0
    asking.join(10)
    result = answers[0].body["result"]
    assert result["isError"]
    assert "stays open" in result["content"][0]["text"]


def test_a_poll_that_the_host_gives_up_shows_its_messages_to_the_next(hub: HubProcess) -> None:
    async def story() -> None:
        async with over_stdio(hub.url, "alice", "legacy") as alice:
            with pytest.raises(Exception, match=r"(?i)timed? ?out"):
                await alice.call_tool("arc_poll_messages", {"timeout": 30}, read_timeout_seconds=0.3)
            await call(alice, "arc_whoami")  # by now the adapter has seen that the host gave up
            hub.post("/v1/messages", {"from_agent": "bob", "body": "hi"})
            assert [one["body"] for one in (await call(alice, "arc_poll_messages"))["messages"]] == ["hi"]

    asyncio.run(story())


def test_events_from_mcp_on_the_hub_say_so(tmp_path: Path) -> None:
    async def story(url: str) -> None:
        async with over_http(url, "alice") as alice:
            await call(alice, "arc_post_message", channel="general", body="hi")

    with served_hub(tmp_path) as hub:
        asyncio.run(story(hub.url))
        events = [event for event in events_in(tmp_path / "arc.sqlite3") if event.actor == "alice"]
    assert {event.metadata.transport for event in events} == {"mcp"}


def test_serving_mcp_over_http_loads_nothing_of_the_sdk(tmp_path: Path) -> None:
    program = (
        "import sys, api.app, api.http.server, api.mcp.over_http; "
        "print([name for name in ('mcp', 'mcp_types', 'pydantic', 'anyio._backends') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"
