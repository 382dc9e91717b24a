"""Waking over every road: what an idle agent is told, what it may answer, and what those who asked see."""

import asyncio
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from tests.support.hook_windows import Window
from tests.support.mcp_hosts import call, over_http
from tests.support.served_hub import ServedHub
from tests.support.waiting import wait_until

TOKEN = "opens the inbox"


class Inbox:
    """The inbox of a window of Claude Code, as far as its MCP servers see it."""

    def __init__(self, folder: Path, *, protocol: int = 1) -> None:
        self.path = str(folder / "4711.sock")
        self.frames: list[dict[str, Any]] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self.path)
        self._socket.listen()
        sessions = folder / "claude" / "sessions"
        sessions.mkdir(parents=True)
        note = {"pid": 4711, "peerProtocol": protocol, "messagingSocketPath": self.path}
        (sessions / "4711.json").write_text(json.dumps(note))
        self.environment = {
            "CLAUDE_CODE_MESSAGING_SOCKET": self.path,
            "CLAUDE_CODE_MESSAGING_TOKEN": TOKEN,
            "CLAUDE_CODE_SESSION_ID": "window-of-bob",
            "CLAUDE_CONFIG_DIR": str(folder / "claude"),
            "XDG_RUNTIME_DIR": str(folder),
        }
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                self.frames += [json.loads(line) for line in lines]

    @property
    def text(self) -> str:
        """What the model is to read."""
        (message,) = [frame for frame in self.frames if frame["type"] == "user"]
        return str(message["message"]["content"])

    @property
    def reply_to(self) -> str:
        (message,) = [frame for frame in self.frames if frame["type"] == "user"]
        return str(message["from"]).removeprefix("uds:")

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    inbox = Inbox(tmp_path)
    yield inbox
    inbox.close()


@contextmanager
def serving_mcp(hub: ServedHub, environment: dict[str, str]) -> Iterator[str]:
    """`arc mcp` for a window of Claude Code; the name of its agent."""
    known = {one["agent_id"] for one in hub.get("/v1/agents").result}
    process = subprocess.Popen(
        [sys.executable, "-m", "arc", "mcp", "--base-url", hub.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
    )
    try:
        wait_until(lambda: {one["agent_id"] for one in hub.get("/v1/agents").result} - known)
        (name,) = {one["agent_id"] for one in hub.get("/v1/agents").result} - known
        yield name
    finally:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0


def wake(hub: ServedHub, agent_id: str, **more: Any) -> dict[str, Any]:
    asked: dict[str, Any] = hub.post(f"/v1/agents/{agent_id}/wake", {"from_agent": "ada", **more}).result
    return asked


def state_of(hub: ServedHub, asked: dict[str, Any]) -> str:
    return str(hub.get(f"/v1/wakes/{asked['wake_id']}").result["state"])


def until(hub: ServedHub, asked: dict[str, Any], state: str) -> None:
    wait_until(lambda: state_of(hub, asked) == state)


def types_of(hub: ServedHub, agent_id: str) -> list[str]:
    return [event["type"] for event in hub.get(f"/v1/log?stream=wake/{agent_id}").result]


def test_an_idle_window_of_claude_code_is_called_by_its_inbox_with_what_is_new_for_it(
    hub: ServedHub, inbox: Inbox
) -> None:
    with serving_mcp(hub, inbox.environment) as bob:
        said = hub.say("the build is red", from_agent="ada", to_agent=bob)
        asked = wake(hub, bob, message_id=said)
        until(hub, asked, "sent")
        wait_until(lambda: len(inbox.frames) == 2)
        assert "ada asks for you" in inbox.text
        assert "the build is red" in inbox.text
        assert inbox.frames[0] == {"type": "auth", "token": TOKEN}
        assert hub.get(f"/v1/wakes/{asked['wake_id']}").result["road"] == "claude-inbox"


def test_the_first_hook_after_that_is_what_was_seen(hub: ServedHub, inbox: Inbox, tmp_path: Path) -> None:
    window = Window(hub, tmp_path, "window-of-bob")
    bob = window.start()
    with serving_in(hub, inbox.environment, bob):
        asked = wake(hub, bob)
        until(hub, asked, "sent")
        window.hook("UserPromptSubmit", prompt="Another session sent a message")
        assert state_of(hub, asked) == "seen"
        hub.post(f"/v1/wakes/{asked['wake_id']}/ack", {"agent_id": bob})
        assert types_of(hub, bob) == ["wake.requested", "wake.sent", "wake.seen", "wake.acknowledged"]


@contextmanager
def serving_in(hub: ServedHub, environment: dict[str, str], name: str) -> Iterator[None]:
    """`arc mcp` for a window whose hooks have registered its agent already."""
    process = subprocess.Popen(
        [sys.executable, "-m", "arc", "mcp", "--base-url", hub.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
    )
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0


def test_hooks_and_mcp_server_of_one_window_are_one_agent(hub: ServedHub, inbox: Inbox, tmp_path: Path) -> None:
    bob = Window(hub, tmp_path, "window-of-bob").start()
    with serving_in(hub, inbox.environment, bob):
        until(hub, wake(hub, bob), "sent")
        assert [one["agent_id"] for one in hub.get("/v1/agents").result] == [bob]
    assert [one["agent_id"] for one in hub.get("/v1/agents").result] == [bob]  # whose hooks end it


def test_hooks_that_come_after_the_mcp_server_are_the_same_agent_too(
    hub: ServedHub, inbox: Inbox, tmp_path: Path
) -> None:
    with serving_mcp(hub, inbox.environment) as bob:
        assert Window(hub, tmp_path, "window-of-bob").start() == bob


def test_a_window_whose_protocol_is_not_known_is_not_written_to(hub: ServedHub, tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, protocol=2)
    try:
        with serving_mcp(hub, inbox.environment) as bob:
            asked = wake(hub, bob)
            wait_until(lambda: "wake.failed" in types_of(hub, bob))
            (failed,) = hub.get(f"/v1/log?stream=wake/{bob}&type=wake.failed").result
            assert (failed["data"]["why"], failed["data"]["next_turn"]) == ("unknown_version", "watch")
            assert state_of(hub, asked) == "requested"
            assert inbox.frames == []
    finally:
        inbox.close()


def test_what_the_model_sends_back_is_a_direct_message_to_whoever_asked(hub: ServedHub, inbox: Inbox) -> None:
    with serving_mcp(hub, inbox.environment) as bob:
        said = hub.say("the build is red", from_agent="ada", to_agent=bob)
        until(hub, wake(hub, bob, message_id=said), "sent")
        wait_until(lambda: len(inbox.frames) == 2)
        content = (
            f'<cross-session-message from="uds:{inbox.path}" from-name="x">\nit is mended\n</cross-session-message>'
        )
        line = {"msgV": 1, "msg_id": "1", "type": "user", "message": {"role": "user", "content": content}}
        with socket.socket(socket.AF_UNIX) as back:
            back.settimeout(10)
            back.connect(inbox.reply_to)
            back.sendall(json.dumps(line).encode() + b"\n")
            assert back.recv(1) == b""  # the end of the connection is the receipt
        (reply,) = hub.get("/v1/inbox/ada").result
        assert (reply["from_agent"], reply["body"], reply["reply_to"]) == (bob, "it is mended", said)


def test_the_token_of_an_inbox_never_reaches_the_hub(hub: ServedHub, inbox: Inbox, tmp_path: Path) -> None:
    with serving_mcp(hub, inbox.environment) as bob:
        until(hub, wake(hub, bob), "sent")
    for path in (*tmp_path.glob("arc.sqlite3*"),):
        content = path.read_bytes()
        assert TOKEN.encode() not in content
        assert inbox.path.encode() not in content


def test_a_command_calls_an_agent_whose_harness_has_no_way(
    hub: ServedHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.post("/v1/sessions", {"agent_id": "bob"})
    seen = tmp_path / "seen"
    with watching(hub, "bob", f"cat > {seen}", times=1):
        asked = wake(hub, "bob")
        until(hub, asked, "sent")
    assert json.loads(seen.read_text())["wake_id"] == asked["wake_id"]
    assert types_of(hub, "bob") == ["wake.requested", "wake.failed", "wake.sent"]


def test_a_command_that_fails_leaves_the_agent_dark_and_whoever_waits_is_told(
    hub: ServedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.post("/v1/sessions", {"agent_id": "bob"})
    with watching(hub, "bob", "exit 3", times=1):
        code = main(["wake", "--agent", "ada", "--base-url", hub.url, "bob", "wake up", "--wait", "30"])
    assert code == 1
    assert json.loads(capsys.readouterr().out)["state"] == "dark"
    assert [one["body"] for one in hub.get("/v1/inbox/bob").result] == ["wake up"]
    assert any(one["kind"] == "dark" for one in hub.get("/v1/digest?agent_id=ada").result["lines"])


@contextmanager
def watching(hub: ServedHub, agent_id: str, command: str, *, times: int) -> Iterator[None]:
    """`arc watch --wake` until it has called the agent so often."""
    words = ["watch", "--base-url", hub.url, "--wake", agent_id, "--exec", command, "--times", str(times)]
    thread = threading.Thread(target=main, args=(words,), daemon=True)
    thread.start()
    yield
    thread.join(20)
    assert not thread.is_alive()


def test_a_tool_wakes_and_takes_up(hub: ServedHub) -> None:
    async def story() -> None:
        async with over_http(hub.url, "ada", "auto") as ada, over_http(hub.url, "bob", "auto") as bob:
            await call(bob, "arc_whoami")
            asked = await call(ada, "arc_wake", agent_id="bob")
            told = await call(bob, "arc_wake", ack=asked["wake_id"])
            assert told["state"] == "acknowledged"

    asyncio.run(asyncio.wait_for(story(), 60))


def test_whoever_is_refused_what_a_dark_agent_holds_is_told_that_it_does_not_answer(
    hub: ServedHub, tmp_path: Path
) -> None:
    hub.post("/v1/sessions", {"agent_id": "bob"})
    hub.post("/v1/locks", {"agent_id": "bob", "file_path": "a.py"})
    asked = wake(hub, "bob")
    for turn in ("harness", "watch"):
        report = {"agent_id": "bob", "turn": turn, "road": "x", "failed": "refused"}
        hub.post(f"/v1/wakes/{asked['wake_id']}/report", report)
    until(hub, asked, "dark")
    refusal = Window(hub, tmp_path, "window-of-carl").before("Edit", file_path=str(tmp_path / "a.py"))
    assert "a.py is locked by bob" in refusal
    assert "did not answer" in refusal
