"""Hooks where there is no network: the real script as a process, a real hub, and its relay between them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import arc
from arc.spool import FileRelayClient
from tests.support.hook_windows import make_tree
from tests.support.hub_process import HubProcess
from tests.support.no_network import CUT_OFF, needs_sandbox
from tests.support.waiting import wait_until

SCRIPT = Path(arc.__file__).with_name("arc_hook.py")
CONTENT = "this must not be kept"


pytestmark = needs_sandbox


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path, "a.py", "b.py")


@pytest.fixture
def hub(tree: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(tree).start()
    wait_until((tree / ".arc-relay" / "alive").exists, what="the relay's sign of life")
    try:
        yield hub
    finally:
        hub.kill()


class Sandbox:
    """A window of Claude Code that has no network."""

    def __init__(self, tree: Path, session: str, **environment: str) -> None:
        self.tree, self.session = tree, session
        named = {name: value for name, value in os.environ.items() if not name.startswith("ARC_")}
        self.environment = named | environment

    def hook(self, event: str, *more: str, **given: Any) -> dict[str, Any]:
        """What the script prints."""
        body = {"session_id": self.session, "cwd": str(self.tree), "hook_event_name": event, **given}
        done = subprocess.run(
            [*CUT_OFF, sys.executable, "-I", "-S", SCRIPT, "claude-code", *more],
            input=json.dumps(body), capture_output=True, text=True, timeout=30, check=True, env=self.environment,
        )  # fmt: skip
        assert done.stderr == ""
        return json.loads(done.stdout) if done.stdout else {}

    def edit(self, name: str, *more: str) -> dict[str, Any]:
        given = {"file_path": str(self.tree / name), "new_string": CONTENT}
        return self.hook("PreToolUse", *more, tool_name="Edit", tool_input=given)

    def start(self) -> str:
        """Begin the session; the name of its agent."""
        context = self.hook("SessionStart", source="startup")["hookSpecificOutput"]["additionalContext"]
        return str(context.split("agent ")[1].split()[0])


def test_an_edit_of_what_another_holds_is_refused_in_the_harnesss_own_form(hub: HubProcess, tree: Path) -> None:
    hub.post("/v1/locks", {"agent_id": "bob", "file_path": "a.py"})
    refused = Sandbox(tree, "s").edit("a.py")
    assert set(refused) == {"decision", "reason"}
    assert refused["decision"] == "block"
    assert "a.py is locked by bob" in refused["reason"]


def test_a_free_file_is_locked_for_the_windows_own_agent_and_freed_when_its_turn_ends(
    hub: HubProcess, tree: Path
) -> None:
    one, other = Sandbox(tree, "one"), Sandbox(tree, "other")
    names = one.start(), other.start()
    assert names[0] == f"claude-{sha256(b'one').hexdigest()[:8]}"
    assert names[0] != names[1]
    assert one.edit("a.py") == {}
    assert [lock["agent_id"] for lock in hub.get("/v1/locks").result] == [names[0]]
    assert names[0] in other.edit("a.py")["reason"]
    assert one.hook("Stop") == {}
    assert hub.get("/v1/locks?active_only=true").result == []
    assert other.edit("a.py") == {}


def test_what_others_said_comes_as_context(hub: HubProcess, tree: Path) -> None:
    window = Sandbox(tree, "s")
    name = window.start()
    hub.post("/v1/messages", {"from_agent": "bob", "to_agent": name, "body": "I take the parser."})
    said = window.hook("UserPromptSubmit", prompt="x")["hookSpecificOutput"]
    assert said["hookEventName"] == "UserPromptSubmit"
    assert "I take the parser." in said["additionalContext"]


def test_a_window_may_be_named(hub: HubProcess, tree: Path) -> None:
    assert Sandbox(tree, "s", ARC_AGENT="alice").start() == "alice"


def test_a_sub_agent_is_below_the_agent_of_its_windows_folder(hub: HubProcess, tree: Path) -> None:
    window = Sandbox(tree, "s")
    name = window.start()
    begun = window.hook("SubagentStart", agent_id="number one", agent_type="reviewer")["hookSpecificOutput"]
    assert f"you are the sub-agent {name}.reviewer-" in begun["additionalContext"]


def test_neither_spool_nor_log_keeps_what_the_agent_writes(hub: HubProcess, tree: Path) -> None:
    window = Sandbox(tree, "s")
    assert window.edit("a.py") == {}
    assert window.edit("b.py") == {}  # the first call's request has been sealed by then
    requests = tree / ".arc-relay" / "requests"

    def kept() -> list[Path]:
        return [file for file in requests.rglob("*") if file.is_file() and CONTENT.encode() in file.read_bytes()]

    wait_until(lambda: not kept(), what="the digest in the place of what was asked")
    assert len(list(requests.rglob("*.work"))) == 2
    hub.stop()
    for file in tree.glob("arc.sqlite3*"):
        assert CONTENT.encode() not in file.read_bytes()


def test_where_neither_hub_nor_relay_is_there_the_repository_has_chosen(hub: HubProcess, tree: Path) -> None:
    hub.stop()
    assert not (tree / ".arc-relay" / "alive").exists()
    window = Sandbox(tree, "s", CODEX_SANDBOX_NETWORK_DISABLED="1")
    assert window.edit("a.py") == {}
    assert window.edit("a.py", "--closed")["decision"] == "block"
    assert (
        "nothing is guarded" in window.hook("UserPromptSubmit", prompt="x")["hookSpecificOutput"]["additionalContext"]
    )


def test_a_call_that_no_relay_takes_is_taken_back(hub: HubProcess, tree: Path) -> None:
    hub.kill()  # so that its sign of life stays
    assert Sandbox(tree, "s").edit("a.py", "--closed")["decision"] == "block"
    assert [file for file in (tree / ".arc-relay" / "requests").rglob("*") if file.is_file()] == []


def test_a_hook_acts_as_the_agent_of_its_folder_whatever_session_it_names(hub: HubProcess, tree: Path) -> None:
    window = Sandbox(tree, "s")
    victim = window.start()
    given = {"tool_name": "Edit", "tool_input": {"file_path": str(tree / "a.py")}}
    body = {"session_id": "s", "cwd": str(tree), "hook_event_name": "PreToolUse", **given}
    mallory = FileRelayClient(agent_id="mallory", spool_dir=tree / ".arc-relay")
    assert mallory.call("POST", "/v1/hooks/claude-code", body)["status"] == 200
    assert [lock["agent_id"] for lock in hub.get("/v1/locks").result] == ["mallory"]
    assert victim != "mallory"
    assert "mallory" in window.edit("a.py")["reason"]


def test_a_name_that_is_bound_is_its_folders_owners_and_its_tokens_alone(hub: HubProcess, tree: Path) -> None:
    window = Sandbox(tree, "s")
    name = window.start()
    bound = {"agent_id": name, "token_sha256": sha256(b"arc_token-of-a-window").hexdigest()}
    assert hub.post("/v1/tokens", bound).status == 201
    assert window.edit("a.py") == {}
    body = {"session_id": "x", "cwd": str(tree), "hook_event_name": "UserPromptSubmit", "prompt": "x"}
    hub.post("/v1/messages", {"from_agent": "bob", "to_agent": name, "body": "for its eyes alone"})
    stranger = hub.call("POST", "/v1/hooks/claude-code", body, headers={"X-Arc-Agent": name})
    assert "is bound to a token" in json.dumps(stranger.body)
    assert "for its eyes alone" not in json.dumps(stranger.body)
    assert "for its eyes alone" in json.dumps(window.hook("UserPromptSubmit", prompt="x"))


def test_a_file_that_is_handed_in_again_is_done_once(hub: HubProcess, tree: Path) -> None:
    given = {"tool_name": "Write", "tool_input": {"file_path": str(tree / "a.py")}}
    body = {"session_id": "s", "cwd": str(tree), "hook_event_name": "PostToolUse", **given}
    spool = tree / ".arc-relay"
    client = FileRelayClient(agent_id="alice", spool_dir=spool)
    asked = {"method": "POST", "path": "/v1/hooks/claude-code", "body": body}
    client.call("GET", "/v1/hub-info")  # makes the folders

    def hand_in(request_id: str) -> None:
        unfinished = spool / "requests" / "alice" / f"{request_id}.tmp"
        unfinished.write_text(json.dumps(asked))
        unfinished.rename(unfinished.with_suffix(".json"))

    def written() -> int:
        return len(hub.get("/v1/log?type=file.written").result)

    for _ in range(3):
        hand_in("again")
        wait_until(lambda: not (spool / "requests" / "alice" / "again.json").exists())
        wait_until((spool / "responses" / "alice" / "again.json").exists)
        client.call("GET", "/v1/hub-info")  # comes after it
    assert written() == 1
    hand_in("anew")
    wait_until(lambda: written() == 2, what="the same under another id")
