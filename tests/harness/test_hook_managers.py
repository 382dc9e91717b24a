"""The real husky and the real pre-commit beside Arc's hooks of git: both run, and each can go without the other."""

import os
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from cli.main import main
from tests.support.hub_process import CHECKOUT, HubProcess

pytestmark = [pytest.mark.outer, pytest.mark.timeout(600)]

HUSKY = "husky@9.1.7"
PRE_COMMIT = "pre-commit==4.7.0"
THEIRS = "theirs.txt"
"""Where the other hooks write that they ran."""


def run(folder: Path, *words: object, **more: str) -> subprocess.CompletedProcess[str]:
    """A command in a folder, without what the caller's shell says of agents and repositories."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "ARC_", "CLAUDE"))}
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in WHO.items()}
    return subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={**kept, **who, **more},
        capture_output=True,
        text=True,
        check=False,
    )


WHO = {"NAME": "t", "EMAIL": "t@example.org"}


def done(folder: Path, *words: object, **more: str) -> str:
    result = run(folder, *words, **more)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture
def repository(repository: Path) -> Path:
    """One with a commit, which leaves out what the hooks and the hub write."""
    (repository / "a.py").write_text("one\n")
    (repository / ".gitignore").write_text(f"node_modules\n{THEIRS}\narc.sqlite3*\n.arc*\nhub-*\n")
    done(repository, "git", "add", ".")
    done(repository, "git", "commit", "-qm", "first")
    return repository


@pytest.fixture(scope="module")
def pre_commit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real program, in an environment of its own."""
    folder = tmp_path_factory.mktemp("pre-commit")
    done(folder, sys.executable, "-m", "venv", folder / "venv")
    installed = run(folder, folder / "venv" / "bin" / "pip", "install", "-q", "--no-input", PRE_COMMIT)
    if installed.returncode:
        pytest.skip(f"pre-commit cannot be had: {installed.stderr[-200:]}")
    return folder / "venv" / "bin" / "pre-commit"


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """The files of a repository and its hooks, with their modes."""
    roots = (folder / ".husky", folder / ".git" / "hooks", folder / ".git" / "info")
    files = [*(path for root in roots for path in root.rglob("*")), folder / ".git" / "config"]
    kept = {path: (path.read_bytes(), path.stat().st_mode) for path in files if path.is_file()}
    return {str(path.relative_to(folder)): content for path, content in kept.items()} | {
        path.name: (b"", 0) for path in (folder / ".git").glob("arc-setup*")
    }


def setup(folder: Path, *words: str) -> None:
    with chdir(folder):
        assert main(["setup", *words]) == 0


def commit(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    with (folder / "a.py").open("a") as file:
        file.write("more\n")
    done(folder, "git", "add", "a.py")
    return run(folder, "git", "commit", "-m", "second", **more)


def both_run(folder: Path, hub: HubProcess, **more: str) -> None:
    """A commit of what is held is refused; one of what is free goes through ours and theirs."""
    (folder / THEIRS).unlink(missing_ok=True)
    held = hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"}).result
    refused = commit(folder, **more)
    assert refused.returncode != 0
    assert "a.py is locked by ada" in refused.stdout + refused.stderr
    hub.post("/v1/locks/release", {"agent_id": "ada", "fencing_token": held["fencing_token"], "file_path": "a.py"})
    through = commit(folder, **more)
    assert through.returncode == 0, through.stdout + through.stderr
    assert (folder / THEIRS).read_text().endswith("theirs\n")
    assert "Arc-Event: " in done(folder, "git", "log", "-1", "--format=%B")


def test_husky(repository: Path, hub: HubProcess) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    (repository / "package.json").write_text("{}\n")
    installed = run(repository, "npm", "install", "--no-audit", "--no-fund", "--save-dev", HUSKY)
    if installed.returncode:
        pytest.skip(f"husky cannot be had: {installed.stderr[-200:]}")
    done(repository, "npx", "husky", "init")
    (repository / ".husky" / "pre-commit").write_text(f"echo theirs >> {THEIRS}\n")
    before = contents(repository)
    setup(repository, "git")
    once = contents(repository)
    setup(repository, "git")
    assert contents(repository) == once
    both_run(repository, hub)
    done(repository, "npx", "husky")  # as each installation does: it writes its hooks anew
    setup(repository, "git")
    both_run(repository, hub)
    setup(repository, "git", "--remove")
    assert contents(repository) == before
    assert commit(repository).returncode == 0


LOCAL = f"""\
repos:
  - repo: local
    hooks:
      - id: theirs
        name: theirs
        entry: sh -c 'echo theirs >> {THEIRS}'
        language: system
        always_run: true
        pass_filenames: false
"""


def test_pre_commit_that_was_there_first(repository: Path, hub: HubProcess, pre_commit: Path) -> None:
    (repository / ".pre-commit-config.yaml").write_text(LOCAL)
    done(repository, "git", "add", ".pre-commit-config.yaml")
    done(repository, pre_commit, "install")
    before = contents(repository)
    setup(repository, "git")
    once = contents(repository)
    setup(repository, "git")
    assert contents(repository) == once
    both_run(repository, hub)
    setup(repository, "git", "--remove")
    assert contents(repository) == before
    assert commit(repository).returncode == 0


def test_pre_commit_that_comes_later(repository: Path, hub: HubProcess, pre_commit: Path) -> None:
    (repository / ".pre-commit-config.yaml").write_text(LOCAL)
    done(repository, "git", "add", ".pre-commit-config.yaml")
    setup(repository, "git")
    done(repository, pre_commit, "install")
    both_run(repository, hub)
    once = contents(repository)
    setup(repository, "git")
    assert contents(repository) == once
    setup(repository, "git", "--remove")
    assert b"arc:begin" not in b"".join(content for content, _ in contents(repository).values())
    done(repository, pre_commit, "uninstall")
    assert commit(repository).returncode == 0


def test_pre_commit_runs_our_hooks_from_this_repository(repository: Path, hub: HubProcess, pre_commit: Path) -> None:
    commit_id = done(CHECKOUT, "git", "rev-parse", "HEAD").strip()
    hooks = "[{id: arc}, {id: arc-push}, {id: arc-event}]"
    config = f"repos:\n  - repo: {CHECKOUT}\n    rev: {commit_id}\n    hooks: {hooks}\n"
    (repository / ".pre-commit-config.yaml").write_text(config + LOCAL.partition("\n")[2])
    done(repository, "git", "add", ".pre-commit-config.yaml")
    own = {"PRE_COMMIT_HOME": str(repository.parent / "home")}
    kinds = [word for kind in ("pre-commit", "prepare-commit-msg", "pre-push") for word in ("-t", kind)]
    done(repository, pre_commit, "install", *kinds, **own)
    assert "Passed" in done(repository, pre_commit, "run", "arc", "--all-files", **own)
    both_run(repository, hub, **own)
    origin = repository.parent / "origin.git"
    done(repository.parent, "git", "init", "-q", "--bare", origin)
    done(repository, "git", "remote", "add", "origin", origin)
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    refused = run(repository, "git", "push", "origin", "main", **own)
    assert refused.returncode != 0
    assert "a.py is locked by ada" in refused.stdout + refused.stderr
