"""An agent that speaks in its window's own shell is the agent of that window, and stays it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from arc.host_session import HostSession
from tests.support.hook_windows import Window, make_tree
from tests.support.hub_process import CHECKOUT
from tests.support.served_hub import ServedHub, served_hub

SESSION = "session-ada"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "tree", "a.py")


@pytest.fixture
def hub(tree: Path) -> Iterator[ServedHub]:
    with served_hub(tree) as served:
        yield served


def arc(hub: ServedHub, *words: str, **host: str) -> subprocess.CompletedProcess[str]:
    """A command in a shell."""
    whole = [sys.executable, "-m", "arc", *words, "--base-url", hub.url]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ARC_", "CLAUDE"))}
    return subprocess.run(whole, cwd=CHECKOUT, env={**kept, **host}, check=False, capture_output=True, text=True)


def post(hub: ServedHub, name: str, **host: str) -> None:
    """`arc post` in a shell."""
    assert arc(hub, "post", "--agent", name, "I take the lexer.", **host).returncode == 0


def count_sessions(hub: ServedHub, name: str) -> int:
    return sum(event["actor"] == name for event in hub.get("/v1/log?type=session.opened&limit=1000").result)


@pytest.mark.parametrize(
    ("host", "sessions"),
    [
        pytest.param({"CLAUDE_CODE_SESSION_ID": SESSION}, 1, id="in the window's shell"),
        pytest.param({}, 2, id="in a shell that does not know its window"),
    ],
)
def test_a_window_whose_agent_speaks_in_a_shell_is_that_agent_still(
    hub: ServedHub, tree: Path, host: dict[str, str], sessions: int
) -> None:
    window = Window(hub, tree, SESSION)
    name = window.start()
    post(hub, name, **host)
    assert count_sessions(hub, name) == sessions
    window.hook("UserPromptSubmit", prompt="go on")
    window.edit("a.py")
    assert [lock["agent_id"] for lock in hub.get("/v1/locks?active_only=1").result] == [name]


def test_another_name_in_the_windows_shell_is_another_agent(hub: ServedHub, tree: Path) -> None:
    window = Window(hub, tree, SESSION)
    name = window.start()
    post(hub, "helper", CLAUDE_CODE_SESSION_ID=SESSION)
    assert count_sessions(hub, "helper") == 1
    window.hook("UserPromptSubmit", prompt="go on")
    window.edit("a.py")
    assert [lock["agent_id"] for lock in hub.get("/v1/locks?active_only=1").result] == [name]


def test_in_the_windows_shell_nobody_has_to_name_its_agent(hub: ServedHub, tree: Path) -> None:
    window = Window(hub, tree, SESSION)
    name = window.start()
    assert json.loads(arc(hub, "whoami", CLAUDE_CODE_SESSION_ID=SESSION).stdout)["session"]["agent_id"] == name
    assert arc(hub, "post", "I take the lexer.", CLAUDE_CODE_SESSION_ID=SESSION).returncode == 0
    assert "yours until" in arc(hub, "lock", "a.py", CLAUDE_CODE_SESSION_ID=SESSION).stdout
    assert count_sessions(hub, name) == 1
    assert {event["actor"] for event in hub.get("/v1/log?type=message.posted").result} == {name}
    assert [lock["agent_id"] for lock in hub.get("/v1/locks?active_only=1").result] == [name]


def test_an_agent_whose_mcp_server_was_given_a_name_speaks_under_it_in_its_shell(hub: ServedHub) -> None:
    session = HostSession("claude", sha256(SESSION.encode()).hexdigest()[:16])
    hub.post("/v1/sessions", {"agent_id": "ada", "metadata": {"host": session.to_metadata()}})
    assert arc(hub, "post", "I take the lexer.", CLAUDE_CODE_SESSION_ID=SESSION).returncode == 0
    assert {event["actor"] for event in hub.get("/v1/log?type=message.posted").result} == {"ada"}


def test_a_name_in_the_environment_is_the_agents(hub: ServedHub) -> None:
    assert arc(hub, "post", "I take the lexer.", CLAUDE_CODE_SESSION_ID=SESSION, ARC_AGENT="grace").returncode == 0
    assert {event["actor"] for event in hub.get("/v1/log?type=message.posted").result} == {"grace"}


def test_elsewhere_the_agent_has_to_be_named(hub: ServedHub) -> None:
    refused = arc(hub, "post", "I take the lexer.")
    assert refused.returncode == 2
    assert "--agent" in refused.stderr
    assert hub.get("/v1/log?type=message.posted").result == []
