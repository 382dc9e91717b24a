"""Hooks of a repository that are commands, so that they know the relay, where they would call the hub otherwise."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from cli.main import main
from tests.support.hook_windows import make_tree
from tests.support.hub_process import HubProcess
from tests.support.no_network import CUT_OFF, needs_sandbox
from tests.support.waiting import wait_until


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "tree", "a.py")


@pytest.fixture
def hub(tree: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(tree).start()
    try:
        wait_until((tree / ".arc-relay" / "alive").exists, what="the relay's sign of life")
        yield hub
    finally:
        hub.stop()


def urls(tree: Path) -> tuple[bool, bool]:
    """Whether the hooks of Claude Code, and the plugin of opencode, call a URL."""
    hooks = (tree / ".claude" / "settings.local.json").read_text()
    plugin = (tree / ".opencode" / "plugins" / "arc.js").read_text()
    return "http://" in hooks, 'const HUB = ""' not in plugin


def test_hooks_are_commands_where_that_is_asked_for_and_calls_again_where_it_is_not(
    hub: HubProcess, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with chdir(tree):
        assert main(["setup", "claude-code", "opencode"]) == 0
        assert urls(tree) == (True, True)
        assert main(["setup", "claude-code", "opencode", "--by-command"]) == 0
        assert urls(tree) == (False, False)
        capsys.readouterr()
        main(["doctor"])
        said = capsys.readouterr().out
        assert "claude-code: an edit of a held file is refused" in said
        assert "opencode: an edit of a held file is refused" in said
        assert "is not as this Arc would write it" not in said
        assert main(["setup", "claude-code", "opencode"]) == 0
        assert urls(tree) == (True, True)


@needs_sandbox
def test_in_a_sandbox_without_a_network_hooks_are_commands_that_go_over_the_relay(hub: HubProcess, tree: Path) -> None:
    arc = [sys.executable, "-m", "arc"]
    done = subprocess.run(
        [*CUT_OFF, *arc, "setup", "claude-code", "opencode"], cwd=tree, capture_output=True, text=True, check=True
    )
    assert "its relay does" in done.stdout
    assert urls(tree) == (False, False)
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    settings = json.loads((tree / ".claude" / "settings.local.json").read_text())
    command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    tool = {"tool_name": "Edit", "tool_input": {"file_path": str(tree / "a.py")}}
    call = {"session_id": "s", "cwd": str(tree), "hook_event_name": "PreToolUse", **tool}
    refused = subprocess.run(
        [*CUT_OFF, "sh", "-c", command], input=json.dumps(call), cwd=tree, capture_output=True, text=True, check=True
    )
    assert "a.py is locked by ada" in json.loads(refused.stdout)["reason"]
