"""`ensure_hub`, `stop_hub` and `reset_hub` run the command and return its JSON line, whatever becomes of it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arc import ensure_hub, reset_hub, stop_hub

Stand = Callable[[str], None]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Let a program of the test's own play the command."""

    def play(program: str) -> None:
        command = tmp_path / "command.py"
        command.write_text(f"import json, sys, time\n{program}\n")
        monkeypatch.setattr("arc.hub.COMMAND", command)

    return play


def test_the_commands_get_what_the_functions_got(stand_in: Stand) -> None:
    stand_in("print(json.dumps({'arguments': sys.argv[1:]}))")
    ensured: list[str] = ensure_hub("0.0.0.0", 7000, "a.db", 9.5, "spool", 10, 20, 3, True)["arguments"]  # noqa: S104
    assert " ".join(ensured) == (
        "ensure --storage a.db --host 0.0.0.0 --port 7000 --timeout 9.5 --spool-dir spool "
        "--max-body-chars 10 --max-attachment-chars 20 --max-attachments 3 --allow-remote"
    )
    where = ["--storage", "a.db", "--port", "7000"]
    assert stop_hub("a.db", port=7000)["arguments"] == ["stop", *where]
    assert reset_hub("a.db", port=7000)["arguments"] == ["reset", *where]


def test_what_is_left_at_its_default_is_for_the_command_to_find_out(stand_in: Stand) -> None:
    stand_in("print(json.dumps({'arguments': sys.argv[1:]}))")
    assert ensure_hub()["arguments"] == ["ensure", "--timeout", "60.0"]
    assert stop_hub()["arguments"] == ["stop"]
    assert reset_hub()["arguments"] == ["reset"]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_failure_that_the_command_tells_is_returned(indent: int | None, stand_in: Stand) -> None:
    told = {"running": False, "started": False, "url": "http://127.0.0.1:1", "error": "the port is taken"}
    stand_in(f"print('a line before'); print(json.dumps({told!r}, indent={indent})); sys.exit(1)")
    assert ensure_hub() == told


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("sys.exit('no such module')", "no such module"),
        ("print('[1]')", "[1]"),
        ("sys.exit(3)", "ended with 3 and said nothing"),
        ("time.sleep(30)", "did not end within"),
    ],
)
def test_a_command_that_tells_nothing_is_an_error_in_the_usual_shape(
    program: str, error: str, stand_in: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arc.hub.GRACE_SEC", 0.2 if "sleep" in program else 20)
    stand_in(program)
    failed = ensure_hub(timeout=0.1)
    assert error in failed.pop("error")
    assert failed == {"running": False, "started": False, "url": "http://127.0.0.1:6969"}


@pytest.mark.parametrize(("function", "shape"), [(stop_hub, {"stopped": False}), (reset_hub, {"reset": False})])
def test_stop_and_reset_fail_in_their_own_shape(
    function: Callable[[], dict[str, Any]], shape: dict[str, bool], stand_in: Stand
) -> None:
    stand_in("sys.exit('no')")
    assert function() == {**shape, "error": "no"}


def test_without_a_python_to_start_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    assert "/nonexistent/python cannot be started for arc stop" in stop_hub()["error"]


def test_a_hostile_working_directory_is_not_imported_from(
    stand_in: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported json of the working directory')\n")
    monkeypatch.chdir(tmp_path)
    stand_in("print(json.dumps({'stopped': True}))")
    assert stop_hub() == {"stopped": True}
