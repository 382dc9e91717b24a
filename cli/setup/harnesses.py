"""What each harness needs: its hooks, and the MCP server, as `arc.harnesses` says where and how.

What names a port or this machine goes into files that are not committed. Hooks are named by full paths, since a harness
that was started from a desktop has another `PATH` than a shell. For all folders of a user no hub can be named, and
where only the relay leads to a hub none can be called: there each hook is a command, which finds the way by the folder.
"""

import json
import shlex
import sys
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

import arc
from arc.harnesses import HARNESSES, Harness
from cli.setup.edits import Edit, block, whole
from cli.setup.json_edits import change_json, put_hooks, put_server, take_hooks, take_server
from cli.setup.ledger import Chosen
from cli.setup.places import Places, in_repository, of_user

SCRIPT: Final = Path(arc.__file__).with_name("arc_hook.py")
SERVER: Final[dict[str, Any]] = {"command": "arc", "args": ["mcp"]}
PLUGINS_SERVER: Final[dict[str, Any]] = {"type": "local", "command": ["arc", "mcp"]}
"""The same as opencode has it."""
WITHIN_SEC: Final = 5
TOKEN: Final = "ARC_TOKEN"  # noqa: S105 - the name of a variable
Json = dict[str, Any]


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

    def call(self, harness: str) -> str:
        """The URL of a hook; empty where hooks are commands."""
        if self.is_user or self.chosen.by_command or not HARNESSES[harness].has_url_hooks:
            return ""
        mode = "" if self.chosen.mode == "auto" else f"?mode={self.chosen.mode}"
        return f"{self.url}/v1/hooks/{harness}{mode}"


def edits_for(harness: str, setting: Setting) -> list[Edit]:
    """The edits that set a harness up."""
    places = setting.places(harness)
    if HARNESSES[harness].form == "plugin":
        return [_plugin(harness, setting, places.hooks), _server(places.servers, "mcp", PLUGINS_SERVER)]
    beside = {"version": 1} if HARNESSES[harness].form == "permission" else {}
    put = change_json(put_hooks(_groups(harness, setting), beside))
    hooks = Edit(places.hooks, put, change_json(take_hooks), "hooks")
    server = (
        _table(places.servers) if places.servers.suffix == ".toml" else _server(places.servers, "mcpServers", SERVER)
    )
    return [_both(hooks, server)] if places.hooks == places.servers else [hooks, server]


def _groups(harness: str, setting: Setting) -> dict[str, Json]:
    """What is called at each moment, as the harness's file has it."""
    known = HARNESSES[harness]
    events, writes = known.events, known.writes
    matchers = {events.before: writes, events.after: f"{writes}|{known.reads}" if known.reads else writes}
    return {
        event: _group(known, _handler(harness, setting, event), matchers.get(event, "")) for event in events.list_all()
    }


def _handler(harness: str, setting: Setting, event: str) -> Json:
    """One hook: a call of the hub where that can be, since it needs no process, else a command."""
    known, url = HARNESSES[harness], setting.call(harness)
    within = WITHIN_SEC * 1000 if known.counts_ms else WITHIN_SEC
    is_closed = setting.chosen.closed and event == known.events.before
    if known.form == "permission":
        flat: Json = {"command": shlex.join(setting.command(harness)), "timeout": within}
        return {**flat, "failClosed": True} if is_closed else flat
    if not url or event == known.events.start:  # in Claude Code, the hook of a start cannot be a URL
        named = {"name": "arc"} if harness == "gemini" else {}
        return {**named, "type": "command", "command": shlex.join(setting.command(harness)), "timeout": within}
    call: Json = {"type": "http", "url": url, "timeout": within}
    call |= {"headers": {"Authorization": f"Bearer ${TOKEN}"}, "allowedEnvVars": [TOKEN]}
    return {**call, "onFailure": "block"} if is_closed else call


def _group(known: Harness, handler: Json, matcher: str) -> Json:
    if known.form == "permission":
        return handler
    return {"matcher": matcher, "hooks": [handler]} if matcher else {"hooks": [handler]}


def _server(path: Path, key: str, server: Json) -> Edit:
    return Edit(path, change_json(put_server(key, server)), change_json(take_server(key, server)), "MCP server")


def _table(path: Path) -> Edit:
    """The MCP server as a table of TOML."""
    head = "[mcp_servers.arc]"
    put, take = block(f'{head}\ncommand = "arc"\nargs = {json.dumps(SERVER["args"])}\n', "# ")
    return Edit(path, lambda text: text if head in text else put(text), take, "MCP server")


def _plugin(harness: str, setting: Setting, path: Path) -> Edit:
    """The plugin of opencode."""
    plugin, url = Path(__file__).with_name("opencode.js").read_text(encoding="utf-8"), setting.call(harness)
    plugin = plugin.replace("@URL@", url)
    plugin = plugin.replace("@COMMAND@", json.dumps([] if url else setting.command(harness)))
    plugin = plugin.replace("@CLOSED@", "true" if setting.chosen.closed else "false")
    put, take = whole(plugin)
    return Edit(path, put, take, "plugin")


def _both(first: Edit, second: Edit) -> Edit:
    """Two edits of one file as one."""
    return Edit(
        first.path,
        lambda text: second.put(first.put(text)),
        lambda text: first.take(second.take(text)),
        f"{first.does}, {second.does}",
    )
