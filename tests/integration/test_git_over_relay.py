"""The hooks of git where there is no network: a real git, a real hub, and its relay between them."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import chdir
from hashlib import sha256
from pathlib import Path

import pytest

from cli.main import main
from tests.support.hook_windows import make_tree
from tests.support.hub_process import HubProcess
from tests.support.no_network import CUT_OFF, needs_sandbox
from tests.support.waiting import wait_until

pytestmark = needs_sandbox

WITHIN_SEC = 12
"""All calls of one hook take ten seconds at most."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "tree", "a.py", "b.py")


@pytest.fixture
def hub(tree: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(tree).start()
    try:
        wait_until((tree / ".arc-relay" / "alive").exists, what="the relay's sign of life")
        with chdir(tree):
            assert main(["setup", "git"]) == 0
        yield hub
    finally:
        hub.kill()


def git(tree: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command of git without a network."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    left_out = ("GIT_", "ARC_", "CLAUDE", "CODEX")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return subprocess.run(
        [*CUT_OFF, "git", *who, *words], cwd=tree, env=kept | more, capture_output=True, text=True, check=False
    )


def commit(tree: Path, name: str, **more: str) -> subprocess.CompletedProcess[str]:
    (tree / name).write_text("two\n")
    git(tree, "add", name)
    return git(tree, "commit", "-m", "second", **more)


def test_what_another_agent_holds_is_not_committed(hub: HubProcess, tree: Path) -> None:
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    refused = commit(tree, "a.py")
    assert refused.returncode == 1
    assert "a.py is locked by ada until" in refused.stderr


def test_a_commit_names_its_event(hub: HubProcess, tree: Path) -> None:
    head = hub.get("/v1/health").result["head"]
    assert commit(tree, "b.py").returncode == 0
    message = git(tree, "log", "-1", "--format=%B").stdout
    assert int(message.partition("Arc-Event: ")[2]) >= head


def test_what_a_window_holds_under_another_name_than_its_folders_is_committed_in_its_sandbox(
    hub: HubProcess, tree: Path
) -> None:
    host = {"harness": "codex", "session": sha256(b"a thread").hexdigest()[:16]}
    hub.post("/v1/sessions", {"agent_id": "codex-ada", "metadata": {"host": host}})
    hub.post("/v1/locks", {"agent_id": "codex-ada", "file_path": "a.py"})
    assert commit(tree, "a.py", CODEX_THREAD_ID="another thread").returncode == 1
    assert commit(tree, "a.py", CODEX_THREAD_ID="a thread").returncode == 0


def test_who_gives_a_reason_commits_all_the_same_and_everybody_is_told(hub: HubProcess, tree: Path) -> None:
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    assert commit(tree, "a.py", ARC_BYPASS="ada is on holiday").returncode == 0
    (told,) = hub.get("/v1/messages?channel=general").result
    assert "because: ada is on holiday" in told["body"]


def test_a_push_is_judged(hub: HubProcess, tree: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    assert commit(tree, "a.py").returncode == 0
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    refused = git(tree, "push", "-q", str(tmp_path / "origin.git"), "HEAD:main")
    assert refused.returncode == 1
    assert "a.py is locked by ada until" in refused.stderr


@pytest.mark.parametrize("closed", [False, True])
def test_where_no_relay_takes_the_call_the_repository_has_chosen_soon(
    hub: HubProcess, tree: Path, closed: bool
) -> None:
    with chdir(tree):
        assert main(["setup", "git", *(["--closed"] if closed else [])]) == 0
    hub.kill()  # so that its sign of life stays
    began_at = time.monotonic()
    assert commit(tree, "b.py").returncode == (1 if closed else 0)
    assert time.monotonic() - began_at < 2 * WITHIN_SEC  # two hooks of one commit
