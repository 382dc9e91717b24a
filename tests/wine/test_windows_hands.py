"""Hooks, setup and search on Windows."""

import json
from typing import Any

import pytest

from tests.support.hub_process import CHECKOUT
from tests.support.ports import find_free_port
from tests.support.windows_python import WindowsPython
from tests.support.windows_setup import as_windows_has_it

pytestmark = [pytest.mark.outer, pytest.mark.timeout(300)]


def edit(windows: WindowsPython, session: str) -> str:
    """What the hook's script prints before a window edits `src\\a.py`."""
    body: dict[str, Any] = {
        "session_id": session,
        "cwd": as_windows_has_it(windows.folder),
        "hook_event_name": "PreToolUse",
        "tool_name": "Edit",
        "tool_input": {"file_path": as_windows_has_it(windows.folder / "src" / "a.py")},
    }
    script = as_windows_has_it(CHECKOUT / "arc" / "arc_hook.py")
    process = windows.start("-I", "-S", script, "claude-code")
    out, err = process.communicate(json.dumps(body).encode(), timeout=60)
    assert process.returncode == 0, err
    return out.decode()


def test_an_edit_is_locked_for_a_window_and_refused_to_another(windows: WindowsPython) -> None:
    (windows.folder / "src").mkdir()
    (windows.folder / "src" / "a.py").write_text("one\n")
    with windows.hub():
        assert edit(windows, "one") == ""
        refused = json.loads(edit(windows, "two"))
        assert "src/a.py is locked by" in refused["reason"]


def test_a_repository_is_set_up_and_made_as_it_was(windows: WindowsPython) -> None:
    windows.arc("ensure", "--port", find_free_port())
    before = {path.name for path in windows.folder.iterdir()}
    done = windows.arc("setup", "claude-code")
    assert done.code == 0, done
    settings = json.loads((windows.folder / ".claude" / "settings.local.json").read_text(encoding="utf-8"))
    assert "PreToolUse" in settings["hooks"]
    assert windows.arc("setup", "--remove").code == 0
    assert {path.name for path in windows.folder.iterdir()} - before <= {".arc.setup.json"}
    windows.arc("stop")


def test_what_was_said_is_found(windows: WindowsPython) -> None:
    windows.arc("ensure", "--port", find_free_port())
    windows.arc("post", "--agent", "ada", "The lexer stumbles over tabs")
    found = windows.arc("search", "lexer tabs")
    assert (found.code, "stumbles" in found.out) == (0, True), found
    windows.arc("stop")
