"""`arc doctor`: what works is proved, and what does not is named with what to do."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from cli.main import main
from tests.support.hub_process import HubProcess

CALLED = ("claude-code", "codex", "cursor", "gemini", "qwen")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "repository"
    folder.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    with chdir(folder):
        yield folder


@pytest.fixture
def hub(repository: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(repository).start()
    try:
        yield hub
    finally:
        hub.stop()


def examine(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["doctor", *options])
    return code, capsys.readouterr().out


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("harness", CALLED)
def test_the_guards_of_a_harness_are_proved(harness: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["setup", harness])
    code, said = examine(capsys)
    assert code == 0, said
    for proved in ("two windows are", "an edit of a held file is refused", "a message reaches the context"):
        assert f"ok  {harness}: {proved}" in said


def test_a_hub_that_is_not_the_folders_own_is_told(
    hub: HubProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = HubProcess.at(elsewhere).start()
    try:
        assert f"ok  hub: answers at {hub.url}\n" in examine(capsys)[1]
        monkeypatch.setenv("ARC_URL", other.url)
        code, said = examine(capsys)
    finally:
        other.stop()
    assert code == 0
    assert f"?   hub: answers at {other.url}, but " in said


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("is_on_path", [True, False])
def test_a_command_that_hosts_may_not_find_is_named_with_the_folder_to_add(
    is_on_path: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["setup", "codex"])
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/arc" if is_on_path else None)
    _, said = examine(capsys)
    assert (f"hosts may not find it -> add {Path(sys.executable).parent} to PATH" in said) == (not is_on_path)


@pytest.mark.usefixtures("hub")
def test_a_script_that_is_gone_is_named(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["setup", "codex"])
    path = repository / ".codex" / "hooks.json"
    path.write_text(path.read_text().replace("arc_hook.py", "gone/arc_hook.py"))
    code, said = examine(capsys)
    assert code == 1
    assert "BAD codex" in said
    assert "is not there any more -> arc setup codex" in said


@pytest.mark.usefixtures("hub")
def test_hooks_that_call_another_hub_are_named(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["setup", "claude-code"])
    path = repository / ".claude" / "settings.local.json"
    path.write_text(path.read_text().replace("127.0.0.1:", "127.0.0.1:1"))
    code, said = examine(capsys)
    assert code == 1
    assert "and the hub is at" in said


@pytest.mark.usefixtures("repository")
def test_without_a_hub_it_says_how_to_start_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARC_URL", "http://127.0.0.1:9")
    code, said = examine(capsys)
    assert code == 1
    assert "BAD hub:" in said
    assert "arc ensure" in said


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(
    ("states", "said"),
    [(["trusted", "managed"], "ok  codex: it trusts"), (["trusted", "modified"], "BAD codex: its hooks are modified")],
)
def test_whether_codex_trusts_the_hooks_is_asked_of_its_own_server(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    states: list[str],
    said: str,
) -> None:
    hooks = [{"command": "x/arc_hook.py codex", "trustStatus": state} for state in states]
    answers = [{"id": 0, "result": {}}, {"id": 1, "result": {"data": [{"hooks": hooks}]}}]
    program = tmp_path / "bin" / "codex"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{chr(10).join(map(json.dumps, answers))}\nEND\ncat >/dev/null\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    main(["setup", "codex"])
    assert said in examine(capsys)[1]


@pytest.mark.usefixtures("hub")
def test_whether_gemini_trusts_the_folder_is_read_where_it_notes_that(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folders = tmp_path / "home" / ".gemini" / "trustedFolders.json"
    folders.parent.mkdir(parents=True)
    main(["setup", "gemini"])
    for note, said in (("TRUST_FOLDER", "ok  gemini: it trusts"), ("DO_NOT_TRUST", "BAD gemini: it does not trust")):
        folders.write_text(json.dumps({str(repository): note}))
        assert said in examine(capsys)[1]
