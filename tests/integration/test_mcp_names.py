"""Who an agent is: each window is one of its own, nobody's name is taken over, and a look ends nobody's session."""

import http.client
import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from arc.host_session import HostSession, find_host_process, find_start, is_dead, name_sub_agent, of_thread
from tests.support.command import running
from tests.support.mcp_hosts import LineHost, line_host
from tests.support.served_hub import ServedHub, served_hub
from tests.support.waiting import wait_until


@contextmanager
def window(hub: ServedHub, tmp_path: Path, agent: str | None, **environment: str) -> Iterator[LineHost]:
    """A window of a host with an `arc mcp` of its own, which has been opened."""
    with line_host(hub.url, agent, tmp_path / "host.log", environment=environment) as host:
        host.open()
        yield host


def name_of(host: LineHost) -> str:
    """Who the agent of a window is."""
    name: str = whoami(host)["agent_id"]
    return name


def whoami(host: LineHost) -> dict[str, Any]:
    shown: dict[str, Any] = host.shown("arc_whoami")
    return shown


def live(hub: ServedHub) -> dict[str, str]:
    """The live sessions by agent."""
    return {one["agent_id"]: one["session_id"] for one in hub.get("/v1/agents").result}


def test_two_windows_without_a_name_are_two_agents_and_one_window_keeps_its_name(
    hub: ServedHub, tmp_path: Path
) -> None:
    with window(hub, tmp_path, None, CLAUDE_CODE_SESSION_ID="one") as first:
        with window(hub, tmp_path, None, CLAUDE_CODE_SESSION_ID="two") as second:
            names = name_of(first), name_of(second)
            assert len(set(names)) == 2
            assert all(name.startswith("claude-") for name in names)
            lock = {"file_path": "src/a.py"}
            assert first.shown("arc_acquire_lock", **lock)["acquired"]
            assert not second.shown("arc_acquire_lock", **lock)["acquired"]
            assert second.close() == 0
        assert live(hub).keys() == {names[0]}
        assert first.close() == 0
    with window(hub, tmp_path, None, CLAUDE_CODE_SESSION_ID="one") as again:
        assert name_of(again) == names[0]


def test_a_host_that_is_not_known_has_an_agent_for_each_server_that_it_starts(hub: ServedHub, tmp_path: Path) -> None:
    if find_host_process()[0]:
        pytest.skip("the tests run in a host themselves")
    with window(hub, tmp_path, None) as first, window(hub, tmp_path, None) as second:
        assert name_of(first) != name_of(second)


def test_a_name_that_is_live_elsewhere_is_not_taken_over(hub: ServedHub, tmp_path: Path) -> None:
    with window(hub, tmp_path, "ada") as first:
        name_of(first)
        before = live(hub)
        with window(hub, tmp_path, "ada") as second:
            shown = whoami(second)
            assert shown["agent_id"] == "ada-2"
            assert shown["notices"] == ["You are agent ada-2: an agent ada is live elsewhere."]
            assert "notices" not in whoami(second)
            assert live(hub) == before | {"ada-2": shown["session"]["session_id"]}
            assert second.close() == 0
        assert live(hub) == before


def test_a_name_whose_process_is_dead_is_taken_over_with_what_it_held(hub: ServedHub, tmp_path: Path) -> None:
    with window(hub, tmp_path, "ada") as first:
        assert first.shown("arc_acquire_lock", file_path="src/a.py")["acquired"]
        first.process.kill()
        first.process.wait(30)
    with window(hub, tmp_path, "ada") as second:
        assert name_of(second) == "ada"
        assert second.shown("arc_acquire_lock", file_path="src/a.py")["acquired"]


@pytest.mark.parametrize("agent", [None, "ada"])
def test_a_look_at_the_server_ends_nobodys_session(hub: ServedHub, tmp_path: Path, agent: str | None) -> None:
    with window(hub, tmp_path, agent, CLAUDE_CODE_SESSION_ID="one") as working:
        before = {name_of(working): whoami(working)["session"]["session_id"]}
        with window(hub, tmp_path, agent, CLAUDE_CODE_SESSION_ID="one") as look:
            assert look.close() == 0
        assert live(hub) == before
        with window(hub, tmp_path, agent) as look_from_elsewhere:
            assert look_from_elsewhere.close() == 0
        assert live(hub) == before


def test_a_thread_of_codex_is_named_by_its_first_call_and_one_that_it_began_is_its_sub_agent(
    hub: ServedHub, tmp_path: Path
) -> None:
    codex = tmp_path / "codex"
    codex.symlink_to("/bin/sh")
    with (
        line_host(hub.url, None, tmp_path / "host.log", starter=codex) as parent,
        line_host(hub.url, None, tmp_path / "host.log", starter=codex) as child,
    ):
        for host, thread in ((parent, "0199-root"), (child, "0199-child"), (parent, "0199-root")):
            host.open()
            meta = {"x-codex-turn-metadata": {"session_id": "0199-root", "thread_id": thread}}
            host.ask("tools/call", {"name": "arc_whoami", "arguments": {}, "_meta": meta})
        root = of_thread("codex", "0199-root", 0).name
        assert live(hub).keys() == {root, name_sub_agent(root, "0199-child")}
        said = hub.get(f"/v1/agents/{name_sub_agent(root, '0199-child')}").result["session"]
        assert said["parent"] == root


def test_a_sub_agent_of_codex_is_one_agent_by_its_hooks_and_by_its_tools(hub: ServedHub, tmp_path: Path) -> None:
    codex = tmp_path / "codex"
    codex.symlink_to("/bin/sh")
    common = {"session_id": "0199-root", "turn_id": "1", "cwd": str(hub.hub.roots.own.folder)}
    hub.post("/v1/hooks/codex", {**common, "hook_event_name": "SessionStart", "source": "startup"})
    begun = {**common, "hook_event_name": "SubagentStart", "agent_id": "0199-child", "agent_type": "worker"}
    assert hub.post("/v1/hooks/codex", begun).body is None
    before = live(hub)
    with line_host(hub.url, None, tmp_path / "host.log", starter=codex) as child:
        child.open()
        meta = {"x-codex-turn-metadata": {"session_id": "0199-root", "thread_id": "0199-child"}}
        child.ask("tools/call", {"name": "arc_whoami", "arguments": {}, "_meta": meta})
        assert live(hub) == before
    root = of_thread("codex", "0199-root", 0).name
    assert before.keys() == {root, name_sub_agent(root, "0199-child")}


def test_a_sub_agent_is_registered_by_the_command_by_its_mcp_server_and_by_a_url(
    hub: ServedHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.post("/v1/sessions", {"agent_id": "ada"})
    with line_host(hub.url, "ada.one", tmp_path / "host.log", parent="ada") as host:
        host.open()
        name_of(host)
        assert open_by_url(hub, "?agent=ada.two&parent=ada")[0] == "ada.two"
        shown = running(capsys)("whoami", "--agent", "ada.three", "--parent", "ada", "--base-url", hub.url)
        assert '"parent": "ada"' in shown
        found = {one["agent_id"]: one.get("parent") for one in hub.get("/v1/agents").result}
    assert found == {"ada": None, "ada.one": "ada", "ada.two": "ada", "ada.three": "ada"}


def test_a_hang_up_ends_the_session(hub: ServedHub, tmp_path: Path) -> None:
    with window(hub, tmp_path, "ada") as host:
        name_of(host)
        host.process.send_signal(signal.SIGHUP)
        assert host.process.wait(30) == 0
    assert live(hub) == {}


def open_by_url(hub: ServedHub, query: str) -> tuple[str, dict[str, str]]:
    """Open a window by URL; returns who it is, and the header that names its session."""
    params = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "claude-code", "version": "1"},
    }
    opened = hub.post(f"/mcp{query}", {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    headers = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
    return whoami_by_url(hub, query, headers)["agent_id"], headers


def whoami_by_url(hub: ServedHub, query: str, headers: dict[str, str]) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "arc_whoami", "arguments": {}}}
    answer = hub.post(f"/mcp{query}", message, headers=headers)
    shown: dict[str, Any] = json.loads(answer.body["result"]["content"][0]["text"])
    return shown


@contextmanager
def listening(hub: ServedHub, query: str, headers: dict[str, str]) -> Iterator[None]:
    """A window keeps its stream open."""
    with closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=10)) as connection:
        connection.request("GET", f"/mcp{query}", headers=headers)
        assert connection.getresponse().readline() == b":\n"
        yield


def test_two_windows_at_one_url_are_two_agents_and_one_that_nobody_attends_is_taken_over(hub: ServedHub) -> None:
    first, headers = open_by_url(hub, "?agent=ada")
    with listening(hub, "?agent=ada", headers):
        second, others = open_by_url(hub, "?agent=ada")
        assert (first, second) == ("ada", "ada-2")
        assert whoami_by_url(hub, "?agent=ada", headers)["agent_id"] == "ada"
        assert whoami_by_url(hub, "?agent=ada", others)["agent_id"] == "ada-2"
    wait_until(lambda: open_by_url(hub, "?agent=ada")[0] == "ada", what="the end of the stream to be seen")


def test_a_url_without_a_name_gives_each_window_one_of_its_own(hub: ServedHub) -> None:
    (first, _), (second, headers) = open_by_url(hub, ""), open_by_url(hub, "")
    assert first != second
    assert first.startswith("claude-")
    assert second.startswith("claude-")
    assert live(hub).keys() == {first, second}
    assert hub.call("DELETE", "/mcp", headers=headers).status == 200
    assert live(hub).keys() == {first}
    over = hub.post("/mcp", {"jsonrpc": "2.0", "id": 3, "method": "tools/list"}, headers=headers)
    assert (over.status, "begin again with initialize" in over.body["error"]) == (404, True)


def test_a_host_that_closes_its_stream_and_asks_for_no_more_does_not_stay_listed(tmp_path: Path) -> None:
    with served_hub(tmp_path, left_after_sec=2.0) as hub:
        _, headers = open_by_url(hub, "?agent=ada")
        with listening(hub, "?agent=ada", headers):
            assert live(hub).keys() == {"ada"}
        wait_until(lambda: not live(hub), what="the end of the session")
        assert whoami_by_url(hub, "?agent=ada", headers)["agent_id"] == "ada"  # it was there all the same
        assert live(hub).keys() == {"ada"}


def test_the_process_of_a_session_is_known_by_its_pid_and_its_start() -> None:
    mine = HostSession("claude", None, os.getpid())
    said = mine.to_metadata()
    assert mine.is_same(said)
    assert not is_dead(said)
    assert is_dead(said | {"started": "1"})
    assert not is_dead(said | {"started": "1", "machine": "another"})
    assert not HostSession("claude", None, os.getppid()).is_same(said)
    assert find_start(2**22 + 1) is None
