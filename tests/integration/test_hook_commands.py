"""Shell commands as agents write them: those that would destroy a sibling's work are refused, the others run.

The two lists were written by somebody who had not seen how commands are read.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.served_hub import ServedHub, served_hub

LISTS = Path(__file__).parent / "commands"
DANGEROUS: list[str] = json.loads((LISTS / "dangerous.json").read_text(encoding="utf-8"))
HARMLESS: list[str] = json.loads((LISTS / "harmless.json").read_text(encoding="utf-8"))
MAY_BE_REFUSED = 4
"""How many harmless ones may be refused, of two hundred."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A working tree in which two agents have changed a file each."""
    tree = tmp_path / "tree"
    (tree / "src").mkdir(parents=True)
    for name in ("README.md", "src/mine.py", "src/other.py"):
        (tree / name).write_text("one\n")
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run(["git", *who, *words], cwd=tree, check=True, capture_output=True)
    return tree


def hook(hub: ServedHub, tree: Path, session: str, event: str, **more: Any) -> Any:
    body = {"session_id": session, "cwd": str(tree), "hook_event_name": event, **more}
    answer = hub.post("/v1/hooks/claude-code?mode=auto", body)
    assert answer.status == 200, answer.body
    return answer.body


def edit(hub: ServedHub, tree: Path, session: str, name: str) -> None:
    given = {"file_path": str(tree / name)}
    assert hook(hub, tree, session, "PreToolUse", tool_name="Edit", tool_input=given) is None
    (tree / name).write_text(f"{session}\n")
    hook(hub, tree, session, "PostToolUse", tool_name="Edit", tool_input=given, tool_response={})


def test_commands_that_destroy_are_refused_and_harmless_ones_run(tree: Path) -> None:
    with served_hub(tree) as hub:
        for session in ("me", "sibling"):
            hook(hub, tree, session, "SessionStart", source="startup")
        edit(hub, tree, "sibling", "src/other.py")
        edit(hub, tree, "me", "src/mine.py")

        def is_refused(command: str) -> bool:
            said = hook(hub, tree, "me", "PreToolUse", tool_name="Bash", tool_input={"command": command})
            return said is not None and said.get("decision") == "block"

        let_through = [command for command in DANGEROUS if not is_refused(command)]
        refused = [command for command in HARMLESS if is_refused(command)]
    assert let_through == []
    assert len(refused) <= MAY_BE_REFUSED, refused
