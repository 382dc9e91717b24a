"""`arc doctor`: what works is proved, and what does not is named with what to do."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from arc.harnesses import HARNESSES
from cli.main import main
from tests.support.hub_process import CHECKOUT, HubProcess


@pytest.fixture
def repository(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory of somebody whose home is empty."""
    monkeypatch.setenv("HOME", str(repository.parent / "home"))
    with chdir(repository):
        yield repository


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
@pytest.mark.parametrize("harness", HARNESSES)
@pytest.mark.parametrize("scope", [[], ["--user"]])
def test_the_guards_of_a_harness_are_proved(harness: str, scope: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["setup", *scope, harness])
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
        assert f"ok  hub: answers at {hub.url} (case A)\n" in examine(capsys)[1]
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
    assert "is not there any more -> arc doctor --fix" in said


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
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "ok  claude-code: no setting keeps these hooks from running"),
        ({"disableAllHooks": True}, "has disableAllHooks, so these hooks do not run"),
        (
            {"allowedHttpHookUrls": ["https://hooks.example.org/*"]},
            "has allowedHttpHookUrls, so these hooks do not run",
        ),
        ({"allowedHttpHookUrls": ["http://127.0.0.1:*"]}, "ok  claude-code: no setting"),
    ],
)
def test_a_setting_that_keeps_claude_code_from_running_hooks_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: dict[str, object], said: str
) -> None:
    own = tmp_path / "home" / ".claude" / "settings.json"
    own.parent.mkdir(parents=True)
    own.write_text(json.dumps(settings))
    main(["setup", "claude-code"])
    code, told = examine(capsys)
    assert said in told
    assert code == (0 if said.startswith("ok") else 1)


def test_within_a_harness_it_does_not_act_as_the_window_that_it_runs_in(hub: HubProcess, tmp_path: Path) -> None:
    main(["setup", "gemini"])
    shell = tmp_path / "gemini"
    shell.write_text(f"#!/bin/sh\n{sys.executable} -m arc doctor\n")
    shell.chmod(0o755)
    surroundings = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run([shell], capture_output=True, text=True, env=surroundings, timeout=60, check=False)
    assert "ok  gemini: two windows are gemini-" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
    assert hub.get("/v1/locks?active_only=1").result == []


def test_where_only_the_disk_leads_to_the_hub_it_names_the_case(
    hub: HubProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "ok  relay: answers in " in examine(capsys)[1]
    monkeypatch.setenv("ARC_URL", "http://127.0.0.1:9")
    code, said = examine(capsys)
    assert "?   hub: the network does not reach it, but the relay does (case B)" in said
    assert code == 0


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
