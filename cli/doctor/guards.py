"""The hooks of each harness that is set up, called as the harness calls them.

Two windows that do not exist begin a session, and one of them edits a file that does not exist. Then the other must be
refused the same file, must be told of a message, and must have another name. Both leave again; the log keeps that they
were here.
"""

import json
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from arc.arc_hook import HARNESSES
from arc.http import HttpTransport
from cli.doctor.findings import Finding
from cli.doctor.trust import find_codex_trust, find_gemini_trust
from cli.setup.edits import BEGIN
from cli.setup.json_edits import OURS

FILES: Final = {
    "claude-code": (".claude/settings.local.json", ".claude/settings.json"),
    "codex": (".codex/hooks.json",),
    "cursor": (".cursor/hooks.json",),
    "gemini": (".gemini/settings.json",),
    "opencode": (".opencode/plugins/arc.js", ".config/opencode/plugins/arc.js"),
    "qwen": (".qwen/settings.json",),
}
"""Where `arc setup` writes hooks, in a repository and in a home."""
EVENTS: Final = {
    "cursor": ("sessionStart", "preToolUse", "postToolUse", "stop", "sessionEnd"),
    "gemini": ("SessionStart", "BeforeTool", "AfterTool", "AfterAgent", "SessionEnd"),
}
CLAUDE_EVENTS: Final = ("SessionStart", "PreToolUse", "PostToolUse", "Stop", "SessionEnd")
WITHIN_SEC: Final = 10.0
Hook = Callable[[dict[str, Any]], str]


def try_guards(top: Path, home: Path, url: str) -> Iterator[Finding]:
    """Try the hooks of every harness that is set up."""
    found = False
    for harness in HARNESSES:
        for path in (folder / name for folder in dict.fromkeys((top, home)) for name in FILES[harness]):
            if path.exists() and (OURS.search(text := path.read_text(errors="replace")) or BEGIN in text):
                found = True
                yield from _try(harness, path, text, top, url)
                break
    if found and not shutil.which("arc"):
        folder = Path(sys.executable).parent
        yield Finding(None, "mcp: arc is not on this shell's path, so hosts may not find it", f"add {folder} to PATH")
    if not found:
        yield Finding(None, "hooks: no harness is set up here", "arc setup sets up those that are installed")


def _try(harness: str, path: Path, text: str, top: Path, url: str) -> Iterator[Finding]:
    if harness == "opencode":
        right = f"{url}/v1/hooks/opencode" in text
        yield Finding(
            right,
            f"{harness}: its plugin {path} calls {'this hub' if right else 'another'}",
            "" if right else "arc setup opencode",
        )
        return
    hooks = _hooks_of(json.loads(text), EVENTS.get(harness, CLAUDE_EVENTS))
    missing = next((reason for hook in hooks.values() if (reason := _find_fault(hook, url))), "")
    if missing:
        yield Finding(False, f"{harness}: {path}: {missing}", f"arc setup {harness}")
        return
    yield Finding(True, f"{harness}: hooks are in {path}")
    yield from _play(harness, {event: _calling(hook) for event, hook in hooks.items()}, top, url)
    if harness == "codex":
        yield find_codex_trust(top)
    elif harness == "gemini" and path.is_relative_to(top):
        yield find_gemini_trust(top, Path.home())


def _hooks_of(content: dict[str, Any], events: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Our hook for each event."""
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        for group in content.get("hooks", {}).get(event, ()):
            for hook in group.get("hooks", (group,)):
                if OURS.search(json.dumps(hook)):
                    found[event] = hook
    return found


def _find_fault(hook: dict[str, Any], url: str) -> str:
    """Why a hook cannot work; empty when it can."""
    if "url" in hook:
        return "" if str(hook["url"]).startswith(f"{url}/") else f"it calls {hook['url']}, and the hub is at {url}"
    program, *words = shlex.split(str(hook["command"]))
    script = next((word for word in words if word.endswith(".py")), program)
    gone = [name for name in (program, script) if "/" in name and not Path(name).exists()]
    return f"{gone[0]} is not there any more" if gone else ""


def _calling(hook: dict[str, Any]) -> Hook:
    def call(body: dict[str, Any]) -> str:
        content = json.dumps(body).encode()
        if "url" in hook:
            request = urllib.request.Request(str(hook["url"]), content)  # noqa: S310 - from the user's own configuration
            try:
                with urllib.request.urlopen(request, timeout=WITHIN_SEC) as answer:  # noqa: S310
                    return str(answer.read().decode())
            except OSError as error:
                return f"failed: {error}"
        try:
            done = subprocess.run(
                shlex.split(str(hook["command"])), input=content, capture_output=True, timeout=WITHIN_SEC, check=False
            )
        except (OSError, subprocess.SubprocessError) as error:
            return f"failed: {error}"
        return done.stdout.decode(errors="replace")

    return call


def _play(harness: str, hooks: dict[str, Hook], top: Path, url: str) -> Iterator[Finding]:
    """Two windows, one file."""
    start, before, after, stop, end = EVENTS.get(harness, CLAUDE_EVENTS)
    needed = {start, before, after, stop}
    if not needed <= set(hooks):
        yield Finding(False, f"{harness}: {', '.join(sorted(needed - set(hooks)))} has no hook", f"arc setup {harness}")
        return
    first, second = (f"doctor-{uuid4().hex}" for _ in range(2))
    path = str(top / f".arc-doctor-{uuid4().hex[:8]}")
    tool = {"tool_name": "write_file" if harness == "gemini" else "Write", "tool_input": {"file_path": path}}

    def call(event: str, session: str, **more: Any) -> str:  # noqa: ANN401
        named = "conversation_id" if harness == "cursor" else "session_id"
        return hooks[event]({named: session, "cwd": str(top), "hook_event_name": event, **more})

    try:
        names = [
            call(start, session, source="startup").partition("is the agent ")[2].split(" ")[0]
            for session in (first, second)
        ]
        two = bool(names[0]) and names[0] != names[1]
        yield Finding(
            two,
            f"{harness}: two windows are {' and '.join(names) if two else 'not told apart'}",
            "" if two else "name them",
        )
        free = call(before, first, **tool)
        refused = call(before, second, **tool)
        right = not free and "is locked by" in refused
        yield Finding(
            right,
            f"{harness}: an edit of a held file is {'refused' if right else 'let through'}",
            "" if right else "see arc setup --help for --mode",
        )
        said = {"from_agent": "doctor", "to_agent": names[1] or "doctor", "body": "a word from arc doctor"}
        HttpTransport(url).call("POST", "/v1/messages", said)
        told = "a word from arc doctor" in call(after, second, **tool)
        yield Finding(
            told,
            f"{harness}: a message {'reaches' if told else 'does not reach'} the context",
            "" if told else f"arc setup {harness}",
        )
    finally:
        for session in (first, second):
            call(stop, session)
            if end in hooks:
                call(end, session, reason="other")
