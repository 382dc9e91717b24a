"""`arc doctor --fix`: what it mends is as it was, and nothing else is touched."""

import json
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from cli.hubs.git_exclude import keep_out_of_sight
from cli.main import main
from tests.support.hub_process import HubProcess

Break = Callable[[Path], None]


@pytest.fixture
def repository(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory of somebody whose home is empty."""
    monkeypatch.setenv("HOME", str(repository.parent / "home"))
    with chdir(repository):
        yield repository


@pytest.fixture
def hub(repository: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(repository).start()
    keep_out_of_sight(hub.storage, hub.spool_dir)
    try:
        yield hub
    finally:
        hub.stop()


def examine(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["doctor", *options])
    return code, capsys.readouterr().out


def without(name: str, *lines: str) -> Break:
    """Take a file away, or the lines that hold some texts out of it."""

    def damage(folder: Path) -> None:
        path = folder / name
        if not lines:
            path.unlink()
            return
        kept = [line for line in path.read_text().splitlines(keepends=True) if not any(one in line for one in lines)]
        path.write_text("".join(kept))

    return damage


def instead(name: str, old: str, new: str) -> Break:
    """Replace a text in a file."""

    def damage(folder: Path) -> None:
        path = folder / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return damage


def without_hook(name: str, event: str) -> Break:
    """Take the hooks of one event out of a file."""

    def damage(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        del content["hooks"][event]
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")

    return damage


def without_block(name: str) -> Break:
    """Take what stands between the marks out of a file."""

    def damage(folder: Path) -> None:
        before, _, rest = (folder / name).read_text().partition("# arc:begin")
        (folder / name).write_text(before + rest.partition("# arc:end\n")[2])

    return damage


def not_executable(folder: Path) -> None:
    (folder / ".git" / "hooks" / "pre-push").chmod(0o644)


CLAUDE, PLUGIN, EXCLUDE = ".claude/settings.local.json", ".opencode/plugins/arc.js", ".git/info/exclude"
HURT: dict[str, tuple[str, Break, str]] = {
    "the file of hooks": ("claude-code", without(CLAUDE), "claude-code: {top}/.claude/settings.local.json lacks"),
    "one hook": ("claude-code", without_hook(CLAUDE, "Stop"), "settings.local.json: Stop has no hook"),
    "another hub's port": ("claude-code", instead(CLAUDE, "127.0.0.1:", "127.0.0.1:1"), "and the hub is at"),
    "a script that is gone": (
        "codex",
        instead(".codex/hooks.json", "arc_hook.py", "gone/arc_hook.py"),
        "is not there any more",
    ),
    "a plugin that calls another": ("opencode", instead(PLUGIN, "127.0.0.1:", "127.0.0.1:1"), "and the hub is at"),
    "the MCP server": ("claude-code", without(".mcp.json"), ".mcp.json lacks what setup wrote there (MCP server)"),
    "the MCP server of Codex": ("codex", without_block(".codex/config.toml"), "config.toml lacks what setup wrote"),
    "what git passes over": ("opencode", without_block(EXCLUDE), "exclude lacks what setup wrote there"),
    "the instructions": ("opencode", without("AGENTS.md"), "AGENTS.md lacks what setup wrote there"),
    "a hook of git": ("git", without(".git/hooks/pre-commit"), "git: {top}/.git/hooks/pre-commit lacks"),
    "a hook of git that calls what is gone": (
        "git",
        instead(".git/hooks/pre-commit", "git_hook.py", "gone/git_hook.py"),
        "is not there any more",
    ),
    "a hook of git that may not run": ("git", not_executable, "pre-push may not be executed"),
    "the hub's files in git": ("git", without(EXCLUDE, "/arc.sqlite3", "/.arc"), "git: it sees the files of the hub"),
}


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """The files that setup writes to, with their modes."""
    files = [*(path for path in folder.rglob("*") if ".git" not in path.parts), folder / ".git" / "info" / "exclude"]
    files += [path for path in (folder / ".git" / "hooks").iterdir() if not path.name.endswith(".sample")]
    left_out = ("arc.sqlite3", ".arc", "hub-")
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode)
        for path in files
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(left_out)
    }


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("hurt", HURT)
def test_what_was_lost_is_named_and_put_back(hurt: str, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    what, damage, named = HURT[hurt]
    assert main(["setup", what]) == 0
    whole = contents(repository)
    damage(repository)
    assert contents(repository) != whole
    named = named.format(top=repository)
    code, said = examine(capsys)
    (line,) = [line for line in said.splitlines() if named in line]
    assert code == 1
    assert line.startswith("BAD ")
    assert line.endswith(" -> arc doctor --fix")
    code, said = examine(capsys, "--fix")
    assert code == 0, said
    (line,) = [line for line in said.splitlines() if named in line]
    assert line.startswith("FIXED ")
    assert {name: sorted(content.split()) for name, (content, _) in contents(repository).items()} == {
        name: sorted(content.split()) for name, (content, _) in whole.items()
    }


@pytest.mark.usefixtures("hub")
def test_what_a_user_has_set_up_for_all_folders_is_mended_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["setup", "--user", "qwen"]) == 0
    path = tmp_path / "home" / ".qwen" / "settings.json"
    whole = path.read_bytes()
    path.unlink()
    assert f"BAD qwen: {path} lacks" in examine(capsys)[1]
    code, said = examine(capsys, "--fix")
    assert code == 0, said
    assert path.read_bytes() == whole
    assert "ok  qwen: an edit of a held file is refused" in said


@pytest.mark.usefixtures("hub")
def test_what_the_user_chose_is_kept_when_hooks_are_put_back(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["setup", "codex", "--mode", "check", "--closed"])
    path = repository / ".codex" / "hooks.json"
    whole = path.read_bytes()
    path.unlink()
    code, said = examine(capsys, "--fix")
    assert code == 0, said
    assert path.read_bytes() == whole


@pytest.mark.usefixtures("hub")
def test_what_somebody_added_meanwhile_stays(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["setup", "claude-code"])
    path = repository / ".claude" / "settings.local.json"
    path.write_text('{"model": "x"}')
    assert examine(capsys, "--fix")[0] == 0
    content = json.loads(path.read_text())
    assert content["model"] == "x"
    assert "PreToolUse" in content["hooks"]


@pytest.mark.usefixtures("hub")
def test_what_cannot_be_mended_without_harm_is_left_and_told(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["setup", "claude-code"])
    path = repository / ".mcp.json"
    path.write_text("{ /* mine */ }")
    code, said = examine(capsys, "--fix")
    assert ".mcp.json: it is not plain JSON" in said
    assert path.read_text() == "{ /* mine */ }"
    assert code == 0, said


def test_the_note_of_a_hub_that_was_killed_is_taken_away(
    hub: HubProcess, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = repository / ".arc.pid"
    content = note.read_text()
    (repository / ".arc.pid.99").write_text(content.replace(str(hub.port), "9"))
    code, said = examine(capsys)
    assert "?   note: " in said
    assert ".arc.pid.99 says" in said
    code, said = examine(capsys, "--fix")
    assert code == 0
    assert "FIXED note: " in said
    assert not (repository / ".arc.pid.99").exists()
    assert note.read_text() == content


def test_a_hub_that_was_killed_is_started_again(
    hub: HubProcess, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.kill()
    code, said = examine(capsys)
    assert code == 1
    assert "arc doctor --fix" in said
    try:
        code, said = examine(capsys, "--fix")
        assert code == 0, said
        assert "ok  hub: started at " in said
    finally:
        assert main(["stop"]) == 0
