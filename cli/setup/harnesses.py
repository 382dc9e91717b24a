"""What each harness needs: its hooks, and the MCP server.

What names a port or this machine goes into files that are not committed. Hooks are named by full paths, since a harness
that was started from a desktop has another `PATH` than a shell.
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

SCRIPT: Final = Path(arc.__file__).with_name("arc_hook.py")
SERVER: Final[dict[str, Any]] = {"command": "arc", "args": ["mcp"]}
WITHIN_SEC: Final = 5
TOKEN: Final = "ARC_TOKEN"  # noqa: S105 - the name of a variable
Json = dict[str, Any]

_CLAUDE_WRITES: Final = "Edit|Write|MultiEdit|NotebookEdit|Bash|PowerShell"
_CODEX_TOOLS: Final = "Edit|Write|apply_patch|Bash"
_GEMINI_WRITES: Final = "write_file|replace|run_shell_command"


class Setting(Struct, frozen=True):
    """What was chosen.

    Attributes:
        folder: the top of the repository, or the user's home.
        is_user: whether it is for all of the user's repositories.
        url: the hub.
        mode: what its hooks do.
        closed: whether no tool may run while the hub is away.
    """

    folder: Path
    is_user: bool
    url: str
    mode: str
    closed: bool

    def command(self, harness: str) -> str:
        """The command of a hook."""
        words = [sys.executable, "-I", "-S", str(SCRIPT), harness]
        words += [] if self.mode == "auto" else ["--mode", self.mode]
        return shlex.join([*words, "--closed"] if self.closed else words)


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
    """Http hooks need no process; only a session's start cannot be one. They name a port, so they are not committed."""
    command = {"type": "command", "command": setting.command("claude-code"), "timeout": WITHIN_SEC}
    mode = "" if setting.mode == "auto" else f"?mode={setting.mode}"
    hook: Json = {"type": "http", "url": f"{setting.url}/v1/hooks/claude-code{mode}", "timeout": WITHIN_SEC}
    hook |= {"headers": {"Authorization": f"Bearer ${TOKEN}"}, "allowedEnvVars": [TOKEN]}
    if setting.is_user:
        hook = command  # one hub a folder, so the folder has to be looked at
    before = {**hook, "onFailure": "block"} if setting.closed and not setting.is_user else hook
    groups = {
        "SessionStart": _group(command),
        "UserPromptSubmit": _group(hook),
        "PreToolUse": _group(before, _CLAUDE_WRITES),
        "PostToolUse": _group(hook, f"{_CLAUDE_WRITES}|Read"),
        "Stop": _group(hook),
        "SessionEnd": _group(hook),
    }
    name = "settings.json" if setting.is_user else "settings.local.json"
    yield _hooks(setting.folder / ".claude" / name, groups)
    server = setting.folder / (".claude.json" if setting.is_user else ".mcp.json")
    yield _server(server, "mcpServers", SERVER)


def _codex(setting: Setting) -> Iterator[Edit]:
    hook = {"type": "command", "command": setting.command("codex"), "timeout": WITHIN_SEC}
    groups = {
        "SessionStart": _group(hook),
        "UserPromptSubmit": _group(hook),
        "PreToolUse": _group(hook, _CODEX_TOOLS),
        "PostToolUse": _group(hook, _CODEX_TOOLS),
        "Stop": _group(hook),
        "SessionEnd": _group(hook),
    }
    yield _hooks(setting.folder / ".codex" / "hooks.json", groups)
    lines = f'[mcp_servers.arc]\ncommand = "arc"\nargs = {json.dumps(SERVER["args"])}\n'
    put, take = block(lines, "# ")

    def put_once(text: str) -> str:
        return text if "[mcp_servers.arc]" in text else put(text)

    yield Edit(setting.folder / ".codex" / "config.toml", put_once, take, "MCP server")


def _gemini(setting: Setting) -> Iterator[Edit]:
    hook = {"name": "arc", "type": "command", "command": setting.command("gemini"), "timeout": WITHIN_SEC * 1000}
    groups = {
        "SessionStart": _group(hook),
        "BeforeAgent": _group(hook),
        "BeforeTool": _group(hook, _GEMINI_WRITES),
        "AfterTool": _group(hook, f"{_GEMINI_WRITES}|read_file"),
        "AfterAgent": _group(hook),
        "SessionEnd": _group(hook),
    }
    path = setting.folder / ".gemini" / "settings.json"
    yield _both(_hooks(path, groups), _server(path, "mcpServers", SERVER))


def _qwen(setting: Setting) -> Iterator[Edit]:
    hook = {"type": "command", "command": setting.command("qwen"), "timeout": WITHIN_SEC * 1000}
    events = ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop")
    path = setting.folder / ".qwen" / "settings.json"
    yield _both(_hooks(path, {event: _group(hook) for event in events}), _server(path, "mcpServers", SERVER))


def _cursor(setting: Setting) -> Iterator[Edit]:
    hook = {"command": setting.command("cursor"), "timeout": WITHIN_SEC}
    groups = {
        "sessionStart": hook,
        "preToolUse": {**hook, "failClosed": True} if setting.closed else hook,
        "postToolUse": hook,
        "stop": hook,
        "sessionEnd": hook,
    }
    yield _hooks(setting.folder / ".cursor" / "hooks.json", groups, version=1)
    yield _server(setting.folder / ".cursor" / "mcp.json", "mcpServers", SERVER)


def _opencode(setting: Setting) -> Iterator[Edit]:
    mode = "" if setting.mode == "auto" else f"?mode={setting.mode}"
    plugin = Path(__file__).with_name("opencode.js").read_text(encoding="utf-8")
    plugin = plugin.replace("@URL@", f"{setting.url}/v1/hooks/opencode{mode}")
    plugin = plugin.replace("@CLOSED@", "true" if setting.closed else "false")
    put, take = whole(plugin)
    own = setting.folder / ".config" / "opencode" if setting.is_user else setting.folder / ".opencode"
    yield Edit(own / "plugins" / "arc.js", put, take, "plugin")
    server = {"type": "local", "command": ["arc", "mcp"]}
    path = own / "opencode.json" if setting.is_user else setting.folder / "opencode.json"
    yield _server(path, "mcp", server)


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
