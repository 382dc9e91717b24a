"""Whether a harness trusts the hooks that it is given: where it does not, it passes over them and says nothing."""

import json
import shutil
import subprocess
import threading
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from cli.doctor.results import CheckResult
from cli.setup.json_edits import OURS
from cli.setup.places import of_user

WITHIN_SEC: Final = 15.0
TRUSTED: Final = frozenset({"trusted", "managed"})
GEMINI_FOLDERS: Final = Path(".gemini", "trustedFolders.json")
CLAUDE_MANAGED: Final = Path("/etc/claude-code/managed-settings.json")
"""What the machine's owner has laid down for everybody."""


def find_claude_trust(top: Path, home: Path, url: str) -> CheckResult:
    """Whether a setting of Claude Code keeps it from running hooks, or from calling this URL in one.

    Args:
        top: the top of the repository.
        home: the user's home.
        url: what its http hooks call; empty where they are commands.
    """
    own = of_user("claude-code", home).hooks
    files = (CLAUDE_MANAGED, own, top / ".claude" / "settings.json", top / ".claude" / "settings.local.json")
    for path in files:
        settings = _read(path)
        said = ""
        if settings.get("disableAllHooks") is True:
            said = "disableAllHooks"
        elif path == CLAUDE_MANAGED and settings.get("allowManagedHooksOnly") is True:
            said = "allowManagedHooksOnly"
        allowed = settings.get("allowedHttpHookUrls")
        if url and isinstance(allowed, list) and not any(fnmatchcase(url, str(one)) for one in allowed):
            said = "allowedHttpHookUrls"
        if said:
            why = f"claude-code: {path} has {said}, so these hooks do not run"
            return CheckResult(False, why, f"change that setting, or add {url} to it" if url else "change that setting")
    return CheckResult(True, "claude-code: no setting keeps these hooks from running")


def _read(path: Path) -> dict[str, Any]:
    """A file of settings; empty where there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def find_codex_trust(top: Path) -> CheckResult:
    """What Codex's own server says of the hooks of a repository."""
    program = shutil.which("codex")
    if program is None:
        return CheckResult(None, "codex: whether it trusts these hooks only it can say", "open codex here, and /hooks")
    try:
        hooks = [hook for hook in _list_hooks(program, top) if OURS.search(json.dumps(hook))]
    except (OSError, ValueError, LookupError, TypeError):
        return CheckResult(
            None, "codex: its server does not say whether it trusts these hooks", "open codex here, and /hooks"
        )
    states = sorted({str(hook.get("trustStatus")) for hook in hooks})
    if hooks and TRUSTED.issuperset(states):
        return CheckResult(True, "codex: it trusts these hooks")
    said = (
        f"its hooks are {' and '.join(states)}" if hooks else "it does not see these hooks: the project is not trusted"
    )
    return CheckResult(False, f"codex: {said}, so they do not run", "open codex here, trust the project, and /hooks")


def find_gemini_trust(top: Path, home: Path) -> CheckResult:
    """What Gemini CLI has noted of a folder, whose hooks it otherwise does not load."""
    known = _read(home / GEMINI_FOLDERS)
    for folder in (top, *top.parents):
        said = known.get(str(folder))
        if said == "DO_NOT_TRUST":
            return CheckResult(
                False, f"gemini: it does not trust {folder}, so these hooks do not run", "/permissions trust"
            )
        if said == "TRUST_FOLDER" or (said is None and known.get(f"{folder}/") == "TRUST_FOLDER"):
            return CheckResult(True, "gemini: it trusts this folder")
    return CheckResult(
        None,
        "gemini: where folders need its trust, these hooks do not run yet",
        "trust the folder when gemini asks, or arc setup gemini --user",
    )


def _list_hooks(program: str, top: Path) -> list[dict[str, Any]]:
    """The hooks that Codex sees in a folder, asked of its server.

    Raises:
        OSError, ValueError, LookupError, TypeError: it does not answer in a form that is known.
    """
    server = subprocess.Popen(
        [program, "app-server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=top,
    )
    giving_up = threading.Timer(WITHIN_SEC, server.kill)
    giving_up.start()
    try:
        _ask(server, 0, "initialize", {"clientInfo": {"name": "arc", "title": "arc doctor", "version": "1"}})
        _send(server, {"method": "initialized"})
        answer = _ask(server, 1, "hooks/list", {"cwds": [str(top)]})
        return [hook for each in answer["result"]["data"] for hook in each["hooks"]]
    finally:
        giving_up.cancel()
        server.kill()
        server.communicate()


def _ask(server: subprocess.Popen[str], number: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
    _send(server, {"id": number, "method": method, "params": params})
    assert server.stdout is not None
    for line in server.stdout:
        said = json.loads(line)
        if isinstance(said, dict) and said.get("id") == number:
            return said
    raise LookupError(method)


def _send(server: subprocess.Popen[str], message: dict[str, Any]) -> None:
    assert server.stdin is not None
    server.stdin.write(f"{json.dumps(message)}\n")
    server.stdin.flush()
