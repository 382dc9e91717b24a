"""A window of Claude Code as far as its hooks go, and the repository that it works in."""

import subprocess
from pathlib import Path
from typing import Any

from tests.support.served_hub import ServedHub

CONTENT = "this must not be kept"


def git(tree: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *arguments], cwd=tree, check=True, capture_output=True)


def make_tree(tree: Path, *names: str) -> Path:
    """A repository in a new folder, with these files committed."""
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("one\n")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        git(tree, *words)
    return tree


class Window:
    """A window of Claude Code as far as its hooks go."""

    def __init__(self, hub: ServedHub, tree: Path, session: str, *, mode: str = "auto") -> None:
        self.hub = hub
        self.tree = tree
        self.session = session
        self.mode = mode

    def hook(self, event: str, **more: Any) -> Any:
        body = {"session_id": self.session, "cwd": str(self.tree), "hook_event_name": event, **more}
        answer = self.hub.post(f"/v1/hooks/claude-code?mode={self.mode}", body)
        assert answer.status == 200, answer.body
        return answer.body

    def sub_agent(self, number: str, kind: str = "general-purpose") -> "SubAgent":
        """A sub-agent of the window."""
        return SubAgent(self, number, kind)

    def start(self) -> str:
        """Begin the session; the name of its agent."""
        context = self.hook("SessionStart", source="startup")["hookSpecificOutput"]["additionalContext"]
        return str(context.split("agent ")[1].split()[0])

    def before(self, tool: str, **given: str) -> str:
        """Why a tool is refused; empty when it may run."""
        answer = self.hook("PreToolUse", tool_name=tool, tool_input=given)
        assert answer is None or set(answer) == {"decision", "reason"}
        return "" if answer is None else str(answer["reason"])

    def after(self, tool: str, **given: str) -> str:
        """What is told after a tool."""
        answer = self.hook("PostToolUse", tool_name=tool, tool_input=given, tool_response={"content": CONTENT})
        return "" if answer is None else str(answer["hookSpecificOutput"]["additionalContext"])

    def edit(self, name: str) -> str:
        """Edit a file as a tool does; why it was refused, if it was."""
        path = self.tree / name
        reason = self.before("Edit", file_path=str(path), new_string=CONTENT)
        if not reason:
            path.write_text(f"{self.session}\n")
            self.after("Edit", file_path=str(path), new_string=CONTENT)
        return reason

    def read(self, name: str) -> None:
        self.after("Read", file_path=str(self.tree / name))

    def run(self, command: str) -> str:
        return self.before("Bash", command=command)

    def stop(self, *, again: bool = False) -> str:
        answer = self.hook("Stop", stop_hook_active=again)
        return "" if answer is None else str(answer["reason"])


class SubAgent(Window):
    """A sub-agent of a window of Claude Code: its hooks name it beside the window's session."""

    def __init__(self, window: Window, number: str, kind: str) -> None:
        super().__init__(window.hub, window.tree, window.session, mode=window.mode)
        self.number, self.kind = number, kind

    def hook(self, event: str, **more: Any) -> Any:
        return super().hook(event, agent_id=self.number, agent_type=self.kind, **more)

    def start(self) -> str:
        context = self.hook("SubagentStart")["hookSpecificOutput"]["additionalContext"]
        return str(context.split("sub-agent ")[1].split()[0])

    def stop(self, *, again: bool = False) -> str:
        answer = self.hook("SubagentStop", stop_hook_active=again, last_assistant_message="done")
        return "" if answer is None else str(answer["reason"])
