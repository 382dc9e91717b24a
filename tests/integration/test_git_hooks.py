"""The hooks of git: what another agent holds is not committed, and a commit names its event."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from cli.main import main
from tests.support.hub_process import HubProcess


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    for name in ("a.py", "b.py"):
        (folder / name).write_text("one\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


@pytest.fixture
def hub(repository: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(repository).start()
    try:
        with chdir(repository):
            assert main(["setup", "git"]) == 0
        yield hub
    finally:
        hub.stop()


def git(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "ARC_", "CLAUDE", "CODEX"))
    }
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, env={**kept, **more}, capture_output=True, text=True, check=False
    )


def commit(folder: Path, name: str, **more: str) -> subprocess.CompletedProcess[str]:
    (folder / name).write_text("two\n")
    git(folder, "add", name)
    return git(folder, "commit", "-m", "second", **more)


def test_what_another_agent_holds_is_not_committed(repository: Path, hub: HubProcess) -> None:
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    done = commit(repository, "a.py")
    assert done.returncode == 1
    assert "a.py is locked by ada until" in done.stderr
    assert "ARC_BYPASS=reason git commit" in done.stderr


def test_both_sides_of_a_rename_count(repository: Path, hub: HubProcess) -> None:
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    git(repository, "mv", "a.py", "c.py")
    assert git(repository, "commit", "-m", "moved").returncode == 1


def test_the_holder_itself_commits(repository: Path, hub: HubProcess) -> None:
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    assert commit(repository, "a.py", ARC_AGENT="ada").returncode == 0


def test_a_commit_names_the_event_at_which_it_was_made(repository: Path, hub: HubProcess) -> None:
    head = hub.get("/v1/health").result["head"]
    assert commit(repository, "b.py").returncode == 0
    body = git(repository, "log", "-1", "--format=%B").stdout
    named = int(body.partition("Arc-Event: ")[2])
    assert head <= named <= hub.get("/v1/health").result["head"]


def test_who_gives_a_reason_commits_all_the_same_and_everybody_is_told(repository: Path, hub: HubProcess) -> None:
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    assert commit(repository, "a.py", ARC_BYPASS="the build is red").returncode == 0
    (told,) = hub.get("/v1/messages?channel=general").result
    assert "because: the build is red" in told["body"]
    assert "a.py is locked by ada" in told["body"]


def test_git_goes_on_while_the_hub_is_away(repository: Path, hub: HubProcess) -> None:
    hub.stop()
    assert commit(repository, "a.py").returncode == 0
