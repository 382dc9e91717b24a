"""An agent that speaks in its window's own shell is the agent of that window, and stays it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def post(hub: ServedHub, name: str, **host: str) -> None:
    """`arc post` in a shell."""
    words = [sys.executable, "-m", "arc", "post", "--agent", name, "--base-url", hub.url, "I take the lexer."]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ARC_", "CLAUDE"))}
    subprocess.run(words, cwd=CHECKOUT, env={**kept, **host}, check=True, capture_output=True)


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
