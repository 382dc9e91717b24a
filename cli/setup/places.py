"""Where each harness keeps its hooks and its MCP servers: in a repository, and for all folders of a user.

Three harnesses let their user move the second place by a variable, which is honoured here as they do.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct


class Places(Struct, frozen=True):
    """The files of one harness.

    Attributes:
        hooks: its hooks; for opencode, the plugin.
        servers: its MCP servers, which may be the same file.
    """

    hooks: Path
    servers: Path


_IN_REPOSITORY: Final = {
    "claude-code": (".claude/settings.local.json", ".mcp.json"),
    "codex": (".codex/hooks.json", ".codex/config.toml"),
    "cursor": (".cursor/hooks.json", ".cursor/mcp.json"),
    "gemini": (".gemini/settings.json", ".gemini/settings.json"),
    "opencode": (".opencode/plugins/arc.js", "opencode.json"),
    "qwen": (".qwen/settings.json", ".qwen/settings.json"),
}
_OF_USER: Final = {
    "cursor": (".cursor/hooks.json", ".cursor/mcp.json"),
    "gemini": (".gemini/settings.json", ".gemini/settings.json"),
    "qwen": (".qwen/settings.json", ".qwen/settings.json"),
}


def in_repository(harness: str, top: Path) -> Places:
    """Where a harness looks in a repository.

    Args:
        harness: its name.
        top: the top folder of the working tree.
    """
    hooks, servers = _IN_REPOSITORY[harness]
    return Places(top / hooks, top / servers)


def of_user(harness: str, home: Path, environment: Mapping[str, str] = os.environ) -> Places:
    """Where a harness looks in whatever folder it was started.

    Args:
        harness: its name.
        home: the user's home.
        environment: where the user may have named another place.
    """
    if harness == "claude-code":
        moved = environment.get("CLAUDE_CONFIG_DIR")
        own, servers = (Path(moved), Path(moved)) if moved else (home / ".claude", home)
        return Places(own / "settings.json", servers / ".claude.json")
    if harness == "codex":
        own = Path(environment.get("CODEX_HOME") or home / ".codex")
        return Places(own / "hooks.json", own / "config.toml")
    if harness == "opencode":
        own = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "opencode"
        return Places(own / "plugins" / "arc.js", own / "opencode.json")
    there = _OF_USER[harness]
    return Places(home / there[0], home / there[1])
