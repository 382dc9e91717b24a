"""The hook's script: a whole process, as a harness starts it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import pytest

import arc
from arc.finding.sandboxes import is_in_sandbox
from cli.main import main
from tests.support.hub_process import HubProcess
from tests.support.no_network import CUT_OFF, needs_sandbox
from tests.support.waiting import wait_until

SCRIPT = Path(arc.__file__).with_name("arc_hook.py")


@contextmanager
def running_hub(folder: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(folder).start()
    try:
        yield hub
    finally:
        hub.stop()


def call(folder: Path, event: str, *more: str, **given: Any) -> str:
    """What the script prints, started as `arc setup` writes it."""
    return started([sys.executable, "-I", "-S", SCRIPT, "claude-code", *more], folder, event, **given)


def started(command: Sequence[str | Path], folder: Path, event: str, **given: Any) -> str:
    body = {"session_id": "s", "cwd": str(folder), "hook_event_name": event, **given}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARC_")}
    done = subprocess.run(
        command, input=json.dumps(body), capture_output=True, text=True, timeout=30, check=True, env=environment
    )
    assert done.stderr == ""
    return done.stdout


def edit(folder: Path, *more: str, session: str = "s") -> str:
    given = {"tool_name": "Edit", "tool_input": {"file_path": str(folder / "a.py")}, "session_id": session}
    return call(folder, "PreToolUse", *more, **given)


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A folder whose hub does not run."""
    with running_hub(tmp_path):
        pass
    return tmp_path


def test_it_hands_the_call_to_the_folders_hub_and_the_answer_back(tmp_path: Path) -> None:
    with running_hub(tmp_path):
        assert edit(tmp_path) == ""
        refused = json.loads(edit(tmp_path, session="other"))
    assert set(refused) == {"decision", "reason"}
    assert "a.py is locked by claude-" in refused["reason"]


def test_where_there_is_a_network_nothing_is_loaded_for_the_relay(tmp_path: Path) -> None:
    with running_hub(tmp_path) as hub:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-X", "importtime", SCRIPT, "claude-code"],
            input=json.dumps({"session_id": "s", "cwd": str(tmp_path), "hook_event_name": "SessionStart"}),
            capture_output=True, text=True, timeout=30, check=True, env={"ARC_URL": hub.url},
        )  # fmt: skip
    assert "this window is the agent" in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "arc.connection" in loaded
    assert not loaded & {"arc.hook_over_relay", "arc.spool", "json", "re", "pathlib"}


def test_where_a_folder_has_no_storage_it_says_nothing(tmp_path: Path) -> None:
    assert edit(tmp_path, "--closed") == ""


def test_a_hub_that_is_away_lets_the_tool_run(away: Path) -> None:
    assert edit(away) == ""


def test_a_hub_that_is_away_stops_the_tool_where_the_repository_chose_so(away: Path) -> None:
    assert json.loads(edit(away, "--closed"))["decision"] == "block"


@pytest.mark.skipif(is_in_sandbox("claude-code"), reason="this machine has no network, as in a sandbox")
def test_a_session_that_begins_starts_the_hub_of_its_folder_and_does_not_wait_for_it(
    away: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_SANDBOX_NETWORK_DISABLED", "1")
    assert "does not answer" in call(away, "SessionStart", source="startup")
    monkeypatch.delenv("CODEX_SANDBOX_NETWORK_DISABLED")
    assert not (away / ".arc.pid").exists()  # nobody starts one from a sandbox
    assert "is being started now" in call(away, "SessionStart", source="startup")
    try:
        wait_until((away / ".arc.pid").exists, within_sec=30, what="the note of a hub")  # to call again starts another
        wait_until(lambda: call(away, "Stop") == "", within_sec=30)
        assert "this window is the agent" in call(away, "SessionStart", source="startup")
    finally:
        with chdir(away):
            assert main(["stop"]) == 0


@needs_sandbox
def test_a_session_that_begins_without_a_network_starts_no_hub(away: Path) -> None:
    assert "does not answer" in started(
        [*CUT_OFF, sys.executable, "-I", "-S", SCRIPT, "claude-code"], away, "SessionStart"
    )
    assert not (away / ".arc.pid").exists()


def test_a_window_is_told_once_that_the_hub_is_away_and_again_when_it_is_away_anew(away: Path) -> None:
    def ask(session: str = "s") -> str:
        return call(away, "UserPromptSubmit", prompt="x", session_id=session)

    assert "nothing is guarded" in ask()
    assert (ask(), edit(away), ask()) == ("", "", "")
    assert "nothing is guarded" in ask("another window")
    with running_hub(away):
        assert ask() == ""
    assert "nothing is guarded" in ask()
    assert ask() == ""
    assert ask("another window") == ""  # it has not heard of the hub meanwhile


def test_what_windows_were_told_is_kept_for_a_day(away: Path) -> None:
    call(away, "UserPromptSubmit", prompt="x", session_id="gone")
    (kept,) = away.glob(".arc.away.*")
    os.utime(kept, (0, 0))
    call(away, "UserPromptSubmit", prompt="x")
    assert not kept.exists()
    assert len(list(away.glob(".arc.away.*"))) == 1


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_what_is_no_call_of_a_hook_is_answered_with_nothing(tmp_path: Path, text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT, "codex"],
        input=text,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_arguments_that_are_wrong_do_not_look_like_a_refusal() -> None:
    done = subprocess.run([sys.executable, "-I", "-S", SCRIPT, "vim"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "usage" in done.stderr


def test_what_changed_while_the_hub_was_away_is_named_when_it_is_back(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    names = [f"{number}.py" for number in range(50)]
    with running_hub(tmp_path) as hub:
        given = {"tool_name": "Edit", "tool_input": {"file_path": str(tmp_path / "known.py")}}
        (tmp_path / "known.py").write_text("x")
        call(tmp_path, "PostToolUse", **given)
        for name in names[:25]:
            (tmp_path / name).write_text("x")
        hub.kill()
        for name in names[25:]:
            (tmp_path / name).write_text("x")
        hub.start()

        def told() -> list[Any]:
            return list(hub.get("/v1/messages?channel=general").result)

        wait_until(lambda: bool(told()), within_sec=20, what="the message that names the files")
        (message,) = told()
        assert set(names) <= set(message["body"].splitlines())
        assert "known.py" not in message["body"].splitlines()
