"""`arc setup --user`: a user's own configuration guards each folder that has a hub, whichever that is."""

import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from cli.setup.places import of_user
from tests.support.hub_process import HubProcess

FOREIGN: dict[str, str] = {
    ".claude/settings.json": '{"model": "x", "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "true"}]}]}}',
    ".claude.json": '{"numStartups": 3, "mcpServers": {"other": {"command": "x"}}}',
    ".codex/config.toml": 'model = "x"',
    ".gemini/settings.json": '{\n\t"ui": {}\n}\n',
    ".config/opencode/opencode.json": "{}",
}


def fill(home: Path) -> None:
    for name, content in FOREIGN.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(content)


def leave_empty(home: Path) -> None:
    pass


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def repository(repository: Path) -> Iterator[Path]:
    """The working directory."""
    with chdir(repository):
        yield repository


@pytest.fixture
def hub(repository: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(repository).start()
    try:
        yield hub
    finally:
        hub.stop()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.mark.parametrize("prepare", [fill, leave_empty])
def test_set_up_twice_and_taken_back_a_home_is_as_it_was(
    home: Path, repository: Path, prepare: Callable[[Path], None]
) -> None:
    prepare(home)
    before, project = contents(home), contents(repository)
    assert main(["setup", "--user", "all"]) == 0
    once = contents(home)
    assert once != before
    assert main(["setup", "--user", "all"]) == 0
    assert contents(home) == once
    assert contents(repository) == project
    assert main(["setup", "--user", "--remove"]) == 0
    assert contents(home) == before


@pytest.mark.usefixtures("hub")
def test_no_file_of_a_user_names_a_hub_or_a_repository(home: Path, repository: Path, hub: HubProcess) -> None:
    assert main(["setup", "--user", "all"]) == 0
    for name, content in contents(home).items():
        text = content.decode()
        assert str(hub.port) not in text, name
        assert "6969" not in text, name
        assert str(repository) not in text, name


@pytest.mark.usefixtures("repository")
def test_hooks_go_where_a_user_has_moved_a_harness(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    assert main(["setup", "--user", "claude-code", "codex", "opencode"]) == 0
    assert contents(home) == {}
    there = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {name for name in there if not name.startswith("repository/")} == {
        "CLAUDE_CONFIG_DIR/settings.json",
        "CLAUDE_CONFIG_DIR/.claude.json",
        "CODEX_HOME/hooks.json",
        "CODEX_HOME/config.toml",
        "XDG_CONFIG_HOME/opencode/plugins/arc.js",
        "XDG_CONFIG_HOME/opencode/opencode.json",
        "XDG_STATE_HOME/arc/arc-setup.json",
    }


def hook_of(home: Path, harness: str, event: str) -> Callable[..., str]:
    """A hook as the harness would run it."""
    content = json.loads(of_user(harness, home).hooks.read_text())
    (group,) = content["hooks"][event]
    command = group.get("hooks", [group])[0]["command"]

    def run(folder: Path, session: str, **more: Any) -> str:
        body = {"session_id": session, "cwd": str(folder), "hook_event_name": event, **more}
        done = subprocess.run(command, shell=True, input=json.dumps(body), capture_output=True, text=True, check=True)  # noqa: S602
        return done.stdout

    return run


def test_the_hooks_find_the_hub_by_the_folder_and_say_nothing_where_there_is_none(
    home: Path, repository: Path, hub: HubProcess, tmp_path: Path
) -> None:
    main(["setup", "--user", "claude-code"])
    start, edit = hook_of(home, "claude-code", "SessionStart"), hook_of(home, "claude-code", "PreToolUse")
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    given = {"tool_name": "Write", "tool_input": {"file_path": str(repository / "a.py")}}
    assert "this window is the agent claude-" in start(repository, "s", source="startup")
    assert "a.py is locked by ada" in edit(repository, "s", **given)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert start(elsewhere, "other", source="startup") == ""
    assert edit(elsewhere, "other", **given) == ""


def call_as_repository(hub: HubProcess, folder: Path, session: str, mode: str = "auto") -> None:
    """A hook of a repository's own, as Claude Code calls it at the end of a turn."""
    body = {"session_id": session, "cwd": str(folder), "hook_event_name": "Stop"}
    called = f"{hub.url}/v1/hooks/claude-code?mode={mode}"
    with urllib.request.urlopen(urllib.request.Request(called, json.dumps(body).encode())) as answer:  # noqa: S310
        assert answer.status == 200


def test_where_a_repository_has_hooks_of_its_own_the_users_are_passed_over(
    home: Path, repository: Path, hub: HubProcess
) -> None:
    main(["setup", "--user", "claude-code"])
    users = hook_of(home, "claude-code", "PreToolUse")
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "a.py"})
    given = {"tool_name": "Write", "tool_input": {"file_path": str(repository / "a.py")}}
    call_as_repository(hub, repository, "another window")
    assert "a.py is locked by ada" in users(repository, "s", **given)
    call_as_repository(hub, repository, "s")
    assert users(repository, "s", **given) == ""


def test_a_repositorys_mode_holds_where_the_user_chose_another(home: Path, repository: Path, hub: HubProcess) -> None:
    main(["setup", "--user", "claude-code"])
    users = hook_of(home, "claude-code", "PreToolUse")
    given = {"tool_name": "Write", "tool_input": {"file_path": str(repository / "a.py")}}
    call_as_repository(hub, repository, "s", "check")
    assert users(repository, "s", **given) == ""
    assert hub.get("/v1/locks?active_only=1").result == []
    assert users(repository, "another window", **given) == ""
    assert len(hub.get("/v1/locks?active_only=1").result) == 1


def test_git_is_not_set_up_for_a_user(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup", "--user", "git"]) == 2
    assert "git's hooks are a repository's own" in capsys.readouterr().err
    assert contents(home) == {}
