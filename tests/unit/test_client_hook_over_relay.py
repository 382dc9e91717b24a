"""A hook's way over the relay, as far as the client decides: whose folder it is, and which spool is served."""

import os
import time
from hashlib import sha256
from pathlib import Path

import pytest

from arc.finding.relays import find_relay
from arc.finding.sign_of_life import ALIVE
from arc.finding.storage import Project
from arc.hook_over_relay import name_agent
from arc.spool import NO_RESPONSE, FileRelayClient


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARC_AGENT", "ARC_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """The sign of life of a spool that is served."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".arc-relay").mkdir()
    alive = tmp_path / ".arc-relay" / ALIVE
    alive.touch()
    return alive


@pytest.mark.parametrize(
    ("harness", "field", "host"),
    [
        ("claude-code", "session_id", "claude"),
        ("codex", "session_id", "codex"),
        ("cursor", "conversation_id", "cursor"),
        ("gemini", "session_id", "gemini"),
        ("opencode", "sessionID", "opencode"),
        ("qwen", "session_id", "qwen"),
    ],
)
def test_a_window_is_named_after_its_session(harness: str, field: str, host: str) -> None:
    assert name_agent(harness, {field: "one"}) == f"{host}-{sha256(b'one').hexdigest()[:8]}"


def test_a_name_in_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARC_AGENT", "alice")
    assert name_agent("codex", {"session_id": "one"}) == "alice"


@pytest.mark.parametrize("call", [{}, {"session_id": ""}, {"session_id": 5}])
def test_a_call_that_names_no_session_has_no_agent(call: dict[str, object]) -> None:
    assert name_agent("codex", call) is None


def test_the_relay_of_a_folder_is_found_from_the_folders_below(served: Path) -> None:
    below = served.parents[1] / "src"
    below.mkdir()
    assert find_relay(Project(str(below))) == str(served.parent)


def test_a_spool_whose_sign_of_life_is_old_or_missing_is_not_served(served: Path) -> None:
    before = time.time() - 60
    os.utime(served, (before, before))
    assert find_relay(Project(str(served.parents[1]))) is None
    served.unlink()
    assert find_relay(Project(str(served.parents[1]))) is None


def test_the_relay_of_a_folder_is_not_that_of_a_hub_which_the_environment_names(
    served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARC_URL", "http://127.0.0.1:1")
    assert find_relay(Project(str(served.parents[1]))) is None


def test_a_request_that_nobody_took_can_be_taken_back_once(tmp_path: Path) -> None:
    client = FileRelayClient(agent_id="alice", spool_dir=tmp_path, timeout=0)
    response = client.call("GET", "/v1/channels")
    assert response["status"] == NO_RESPONSE
    assert client.take_back(response["request_id"])
    assert list((tmp_path / "requests" / "alice").iterdir()) == []
    assert not client.take_back(response["request_id"])
