"""The hooks of git: what another agent holds is not committed, and a commit names its event."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from hashlib import sha256
from pathlib import Path

import pytest

from cli.main import main
from tests.support.hub_process import CHECKOUT, HubProcess


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


def test_an_agent_that_was_given_a_name_commits_its_own_from_its_windows_shell(
    repository: Path, hub: HubProcess
) -> None:
    host = {"harness": "claude", "session": sha256(b"its session").hexdigest()[:16]}
    hub.post("/v1/sessions", {"agent_id": "ada", "metadata": {"host": host}})
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    assert commit(repository, "a.py", CLAUDE_CODE_SESSION_ID="another session").returncode == 1
    assert commit(repository, "a.py", CLAUDE_CODE_SESSION_ID="its session").returncode == 0


@pytest.fixture
def origin(repository: Path, hub: HubProcess, tmp_path: Path) -> Path:
    """What the repository pushes to."""
    origin = tmp_path / "origin.git"
    git(tmp_path, "init", "-q", "--bare", str(origin))
    git(repository, "remote", "add", "origin", str(origin))
    assert git(repository, "push", "-q", "origin", "HEAD:main").returncode == 0
    return origin


def test_where_the_repository_chose_so_nothing_is_committed_or_pushed_while_the_hub_is_away(
    repository: Path, hub: HubProcess, origin: Path
) -> None:
    with chdir(repository):
        assert main(["setup", "git", "--closed"]) == 0
    assert commit(repository, "b.py").returncode == 0
    hub.stop()
    refused = commit(repository, "a.py")
    assert refused.returncode == 1
    assert "nothing is committed here without it" in refused.stderr
    assert git(repository, "push", "-q", "origin", "HEAD:main").returncode == 1
    assert git(repository, "commit", "-m", "second", ARC_BYPASS="the hub is on its way").returncode == 0


def test_what_another_agent_holds_is_not_pushed(repository: Path, hub: HubProcess, origin: Path) -> None:
    assert commit(repository, "a.py").returncode == 0
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    for branch in ("HEAD:main", "HEAD:refs/heads/new"):
        done = git(repository, "push", "origin", branch)
        assert done.returncode == 1
        assert "a.py is locked by ada until" in done.stderr
        assert "ARC_BYPASS=reason git push" in done.stderr
    assert git(repository, "push", "origin", "HEAD:main", ARC_BYPASS="it is urgent").returncode == 0
    assert "pushed what others hold, because: it is urgent" in hub.get("/v1/messages?channel=general").result[0]["body"]


def test_both_sides_of_a_rename_that_is_pushed_count(repository: Path, hub: HubProcess, origin: Path) -> None:
    git(repository, "mv", "a.py", "näme with spaces.py")
    assert git(repository, "commit", "-qm", "moved").returncode == 0
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "näme with spaces.py"})
    assert "näme with spaces.py is locked" in git(repository, "push", "origin", "HEAD:main").stderr


def test_a_push_by_force_is_refused_while_another_holds_anything(
    repository: Path, hub: HubProcess, origin: Path
) -> None:
    assert commit(repository, "b.py").returncode == 0
    assert git(repository, "push", "-q", "origin", "HEAD:main").returncode == 0
    git(repository, "commit", "--amend", "-qm", "another")
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    assert "by force" in git(repository, "push", "-f", "origin", "HEAD:main").stderr
    assert git(repository, "push", "origin", "HEAD:refs/heads/mine").returncode == 0


@pytest.mark.parametrize("folder", [".git/hooks", "own hooks", ".husky/_"])
def test_a_hook_that_was_there_runs_after_ours_with_the_lines_that_git_gave(
    repository: Path, hub: HubProcess, origin: Path, tmp_path: Path, folder: str
) -> None:
    with chdir(repository):
        assert main(["setup", "git", "--remove"]) == 0
    if folder != ".git/hooks":
        git(repository, "config", "core.hooksPath", folder)
    hook = repository / folder / "pre-push"
    hook.parent.mkdir(parents=True, exist_ok=True)
    before = f"#!/bin/sh\ncat > '{tmp_path}/given'\n"
    hook.write_text(before)
    hook.chmod(0o755)
    with chdir(repository):
        assert main(["setup", "git"]) == 0
    assert commit(repository, "b.py").returncode == 0
    assert git(repository, "push", "origin", "HEAD:main").returncode == 0
    (line,) = (tmp_path / "given").read_text().splitlines()
    assert line.split()[2] == "refs/heads/main"
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    assert commit(repository, "a.py").returncode == 1
    with chdir(repository):
        assert main(["setup", "git", "--remove"]) == 0
    assert hook.read_text() == before


def test_pre_commit_finds_every_hook_as_a_module_that_runs(repository: Path, hub: HubProcess) -> None:
    named = (CHECKOUT / ".pre-commit-hooks.yaml").read_text()
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    (repository / "a.py").write_text("two\n")
    git(repository, "add", "a.py")
    for entry, code in (("pre-commit", 1), ("pre-push", 0), ("prepare-commit-msg", 0)):
        assert f"entry: python -m arc.git_hook {entry}\n" in named
        words = [sys.executable, "-m", "arc.git_hook", entry]
        done = subprocess.run(words, cwd=repository, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        assert done.returncode == code, done.stderr


def test_the_first_push_of_a_repository_is_judged_where_pre_commit_names_its_branch_alone(
    repository: Path, hub: HubProcess
) -> None:
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    branch = git(repository, "symbolic-ref", "HEAD").stdout.strip()
    words = [sys.executable, "-m", "arc.git_hook", "pre-push"]
    surroundings = {**os.environ, "PRE_COMMIT": "1", "PRE_COMMIT_LOCAL_BRANCH": branch}
    done = subprocess.run(
        words, cwd=repository, env=surroundings, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert b"a.py is locked by ada" in done.stderr


def test_a_hook_that_pre_commit_has_moved_aside_is_found_and_taken_out(repository: Path, hub: HubProcess) -> None:
    hooks = repository / ".git" / "hooks"
    moved = hooks / "pre-commit.legacy"
    (hooks / "pre-commit").rename(moved)
    own = "#!/bin/sh\n# File generated by pre-commit\nexit 0\n"
    (hooks / "pre-commit").write_text(own)
    with chdir(repository):
        assert main(["setup", "git"]) == 0
        assert (hooks / "pre-commit").read_text() == own
        assert moved.exists()
        assert main(["setup", "git", "--remove"]) == 0
    assert (hooks / "pre-commit").read_text() == own
    assert not moved.exists()
