"""What each harness needs: its hooks, and the MCP server.

What names a port or this machine goes into files that are not committed. Hooks are named by full paths, since a harness
that was started from a desktop has another `PATH` than a shell. For all folders of a user no hub can be named: there
each hook is a command, which finds the hub by the folder.
"""

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

import arc
from arc.arc_hook import HARNESSES
from cli.setup.edits import Edit, block, whole
from cli.setup.json_edits import change_json, put_hooks, put_server, take_hooks, take_server
from cli.setup.ledger import Chosen
from cli.setup.places import Places, in_repository, of_user

SCRIPT: Final = Path(arc.__file__).with_name("arc_hook.py")
SERVER: Final[dict[str, Any]] = {"command": "arc", "args": ["mcp"]}
WITHIN_SEC: Final = 5
TOKEN: Final = "ARC_TOKEN"  # noqa: S105 - the name of a variable
Json = dict[str, Any]

_CLAUDE_WRITES: Final = "Edit|Write|MultiEdit|NotebookEdit|Bash|PowerShell"
_CODEX_TOOLS: Final = "Edit|Write|apply_patch|Bash"
_GEMINI_WRITES: Final = "write_file|replace|run_shell_command"


class Setting(Struct, frozen=True):
    """What a harness is set up for.

    Attributes:
        folder: the top of the repository, or the user's home.
        is_user: whether it is for all folders of the user.
        url: the hub of the repository; empty for a user.
        chosen: how it is to guard.
    """

    folder: Path
    is_user: bool
    url: str
    chosen: Chosen

    def places(self, harness: str) -> Places:
        """The files of a harness."""
        return (of_user if self.is_user else in_repository)(harness, self.folder)

    def command(self, harness: str) -> list[str]:
        """The words of a hook."""
        words = [sys.executable, "-I", "-S", str(SCRIPT), harness]
        words += [] if self.chosen.mode == "auto" else ["--mode", self.chosen.mode]
        words += ["--closed"] if self.chosen.closed else []
        return [*words, "--user"] if self.is_user else words

    def handler(self, harness: str, within: int) -> Json:
        """A hook that is a command.

        Args:
            harness: whose.
            within: how long it may take, in the unit that the harness counts in.
        """
        return {"type": "command", "command": shlex.join(self.command(harness)), "timeout": within}

    def call(self, harness: str) -> str:
        """The URL of a hook; empty for a user."""
        mode = "" if self.chosen.mode == "auto" else f"?mode={self.chosen.mode}"
        return f"{self.url}/v1/hooks/{harness}{mode}" if self.url else ""


def edits_for(harness: str, setting: Setting) -> list[Edit]:
    """The edits that set a harness up."""
    return list(_EDITS[harness](setting))


def _hooks(path: Path, groups: dict[str, Json], **beside: object) -> Edit:
    put = change_json(put_hooks(groups, beside))
    return Edit(path, put, change_json(take_hooks), "hooks")


def _server(path: Path, key: str, server: Json) -> Edit:
    return Edit(path, change_json(put_server(key, server)), change_json(take_server(key, server)), "MCP server")


def _group(handler: Json, matcher: str = "") -> Json:
    return {"matcher": matcher, "hooks": [handler]} if matcher else {"hooks": [handler]}


def _claude_code(setting: Setting) -> Iterator[Edit]:
    """Http hooks need no process; only a session's start cannot be one."""
    places = setting.places("claude-code")
    command = setting.handler("claude-code", WITHIN_SEC)
    hook, before = command, command
    if not setting.is_user:
        hook = {"type": "http", "url": setting.call("claude-code"), "timeout": WITHIN_SEC}
        hook |= {"headers": {"Authorization": f"Bearer ${TOKEN}"}, "allowedEnvVars": [TOKEN]}
        before = {**hook, "onFailure": "block"} if setting.chosen.closed else hook
    groups = {
        "SessionStart": _group(command),
        "UserPromptSubmit": _group(hook),
        "PreToolUse": _group(before, _CLAUDE_WRITES),
        "PostToolUse": _group(hook, f"{_CLAUDE_WRITES}|Read"),
        "Stop": _group(hook),
        "SubagentStart": _group(hook),
        "SubagentStop": _group(hook),
        "SessionEnd": _group(hook),
    }
    yield _hooks(places.hooks, groups)
    yield _server(places.servers, "mcpServers", SERVER)


def _codex(setting: Setting) -> Iterator[Edit]:
    places, hook = setting.places("codex"), setting.handler("codex", WITHIN_SEC)
    groups = {
        "SessionStart": _group(hook),
        "UserPromptSubmit": _group(hook),
        "PreToolUse": _group(hook, _CODEX_TOOLS),
        "PostToolUse": _group(hook, _CODEX_TOOLS),
        "Stop": _group(hook),
        "SubagentStart": _group(hook),
        "SubagentStop": _group(hook),
        "SessionEnd": _group(hook),
    }
    yield _hooks(places.hooks, groups)
    lines = f'[mcp_servers.arc]\ncommand = "arc"\nargs = {json.dumps(SERVER["args"])}\n'
    put, take = block(lines, "# ")

    def put_once(text: str) -> str:
        return text if "[mcp_servers.arc]" in text else put(text)

    yield Edit(places.servers, put_once, take, "MCP server")


def _gemini(setting: Setting) -> Iterator[Edit]:
    hook = {"name": "arc", **setting.handler("gemini", WITHIN_SEC * 1000)}
    groups = {
        "SessionStart": _group(hook),
        "BeforeAgent": _group(hook),
        "BeforeTool": _group(hook, _GEMINI_WRITES),
        "AfterTool": _group(hook, f"{_GEMINI_WRITES}|read_file"),
        "AfterAgent": _group(hook),
        "SessionEnd": _group(hook),
    }
    path = setting.places("gemini").hooks
    yield _both(_hooks(path, groups), _server(path, "mcpServers", SERVER))


def _qwen(setting: Setting) -> Iterator[Edit]:
    hook = setting.handler("qwen", WITHIN_SEC * 1000)
    events = ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop")
    path = setting.places("qwen").hooks
    yield _both(_hooks(path, {event: _group(hook) for event in events}), _server(path, "mcpServers", SERVER))


def _cursor(setting: Setting) -> Iterator[Edit]:
    places = setting.places("cursor")
    hook = {"command": shlex.join(setting.command("cursor")), "timeout": WITHIN_SEC}
    groups = {
        "sessionStart": hook,
        "preToolUse": {**hook, "failClosed": True} if setting.chosen.closed else hook,
        "postToolUse": hook,
        "stop": hook,
        "sessionEnd": hook,
    }
    yield _hooks(places.hooks, groups, version=1)
    yield _server(places.servers, "mcpServers", SERVER)


def _opencode(setting: Setting) -> Iterator[Edit]:
    places = setting.places("opencode")
    plugin = Path(__file__).with_name("opencode.js").read_text(encoding="utf-8")
    plugin = plugin.replace("@URL@", setting.call("opencode"))
    plugin = plugin.replace("@COMMAND@", json.dumps(setting.command("opencode") if setting.is_user else []))
    plugin = plugin.replace("@CLOSED@", "true" if setting.chosen.closed else "false")
    put, take = whole(plugin)
    yield Edit(places.hooks, put, take, "plugin")
    yield _server(places.servers, "mcp", {"type": "local", "command": ["arc", "mcp"]})


def _both(first: Edit, second: Edit) -> Edit:
    """Two edits of one file as one."""
    return Edit(
        first.path,
        lambda text: second.put(first.put(text)),
        lambda text: first.take(second.take(text)),
        f"{first.does}, {second.does}",
    )


_EDITS: Final = {
    "claude-code": _claude_code,
    "codex": _codex,
    "cursor": _cursor,
    "gemini": _gemini,
    "opencode": _opencode,
    "qwen": _qwen,
}
assert set(_EDITS) == set(HARNESSES)
