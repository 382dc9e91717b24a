"""Entries in a file of JSON: hooks and MCP servers. What is ours is known by the command or the URL in it."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from cli.setup.edits import CannotEditError

OURS: Final = re.compile(r"arc_hook\.py|/v1/hooks/|\barc(\.exe)?['\"]? hook ")
_INDENT: Final = re.compile(r"^([ \t]+)\S", re.MULTILINE)
Json = dict[str, Any]


def change_json(change: Callable[[Json], None]) -> Callable[[str], str]:
    """An edit of a text that holds a JSON object, with the indent that it has; an empty object is no file."""

    def edit(text: str) -> str:
        try:
            content = json.loads(text) if text.strip() else {}
        except ValueError:
            raise CannotEditError(
                "it is not plain JSON (comments would be lost): take them out, or add the entries by hand"
            ) from None
        if not isinstance(content, dict):
            raise CannotEditError("it holds no JSON object")
        before = json.dumps(content)
        change(content)
        if json.dumps(content) == before:
            return text
        if not content:
            return ""
        found = _INDENT.search(text)
        indent: int | str = found[1] if found else 2
        end = "\n" if not text or text.endswith("\n") else ""
        return json.dumps(content, indent=indent, ensure_ascii=False) + end

    return edit


def put_hooks(groups: Mapping[str, Json], beside: Mapping[str, Any] | None = None) -> Callable[[Json], None]:
    """Add one group of hooks for each event, after those that are there."""

    def change(content: Json) -> None:
        take_hooks(content)
        for name, value in (beside or {}).items():
            content.setdefault(name, value)
        hooks = content.setdefault("hooks", {})
        if not isinstance(hooks, dict):
            raise CannotEditError("its hooks are not an object")
        for event, group in groups.items():
            hooks.setdefault(event, []).append(group)

    return change


def take_hooks(content: Json) -> None:
    """Take our hooks away, and what is empty without them."""
    hooks = content.get("hooks")
    if not isinstance(hooks, dict):
        return
    for event, groups in list(hooks.items()):
        if isinstance(groups, list):
            kept = [group for group in groups if not OURS.search(json.dumps(group))]
            if len(kept) != len(groups):
                hooks[event] = kept
                if not kept:
                    del hooks[event]
    if not hooks:
        del content["hooks"]


def put_server(key: str, server: Json) -> Callable[[Json], None]:
    """Add the MCP server `arc`, unless there is one of that name."""

    def change(content: Json) -> None:
        servers = content.setdefault(key, {})
        if not isinstance(servers, dict):
            raise CannotEditError(f"its {key} is not an object")
        servers.setdefault("arc", server)

    return change


def take_server(key: str, server: Json) -> Callable[[Json], None]:
    """Take our MCP server away; one that somebody has changed stays."""

    def change(content: Json) -> None:
        servers = content.get(key)
        if isinstance(servers, dict) and servers.get("arc") == server:
            del servers["arc"]
            if not servers:
                del content[key]

    return change
