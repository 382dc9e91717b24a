"""The hooks of each harness that is set up, called as the harness calls them.

Two windows that do not exist begin a session, and one of them edits a file that does not exist. Then the other must be
refused the same file, must be told of a message, and must have another name. Both leave again; the log keeps that they
were here.
"""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from arc.harnesses import HARNESSES
from arc.http import HttpTransport
from cli.doctor.hook_files import Called, find_fault, read_hooks
from cli.doctor.results import CheckResult
from cli.doctor.trust import find_claude_trust, find_codex_trust, find_gemini_trust
from cli.doctor.windows import Window
from cli.setup.edits import BEGIN
from cli.setup.json_edits import OURS
from cli.setup.plan import Plan


def try_guards(top: Path, plans: Sequence[Plan], url: str) -> Iterator[CheckResult]:
    """Try the hooks of every harness that is set up, in the repository and for its user.

    Args:
        top: the top of the repository.
        plans: what is set up there, and for the user.
        url: the hub.
    """
    found = False
    for harness in HARNESSES:
        for plan in plans:
            path = plan.find_hooks(harness)
            if path.exists() and (OURS.search(text := path.read_text(errors="replace")) or BEGIN in text):
                found = True
                yield from _try(harness, plan, path, text, top, url)
    if found and not shutil.which("arc"):
        folder = Path(sys.executable).parent
        yield CheckResult(
            None, "mcp: arc is not on this shell's path, so hosts may not find it", f"add {folder} to PATH"
        )
    if not found:
        yield CheckResult(None, "hooks: no harness is set up here", "arc setup sets up those that are installed")


def _try(harness: str, plan: Plan, path: Path, text: str, top: Path, url: str) -> Iterator[CheckResult]:
    fault = find_fault(harness, text, url)
    if fault:
        if harness not in plan.ledger.chosen:  # else it was told already
            yield CheckResult(False, f"{harness}: {path}: {fault}", f"arc setup {harness}")
        return
    hooks = read_hooks(harness, text)
    yield CheckResult(True, f"{harness}: hooks are in {path}")
    yield from _play(harness, hooks, top, url)
    if harness == "claude-code":
        yield find_claude_trust(top, Path.home(), hooks["PreToolUse"].url)
    elif harness == "codex":
        yield find_codex_trust(top)
    elif harness == "gemini" and path.is_relative_to(top):
        yield find_gemini_trust(top, Path.home())
    elif harness == "opencode":
        yield CheckResult(None, "opencode: whether it loads its plugin cannot be tried from outside")


def _play(harness: str, hooks: Mapping[str, Called], top: Path, url: str) -> Iterator[CheckResult]:
    """Two windows, one file."""
    path = top / f".arc-doctor-{uuid4().hex[:8]}"
    again = f"arc setup {harness}"
    with Window(harness, hooks, top) as first, Window(harness, hooks, top) as second:
        names = [first.begin(), second.begin()]
        two = all(names) and names[0] != names[1]
        said = f"two windows are {' and '.join(names) if two else 'not told apart'}"
        yield CheckResult(two, f"{harness}: {said}", "" if two else again)
        mode = hooks[HARNESSES[harness].events.before].mode
        if mode == "off":
            yield CheckResult(None, f"{harness}: nothing is judged, since it is set up with --mode off")
            return
        free = first.before(path)
        if mode == "check" and two:
            HttpTransport(url).call("POST", "/v1/locks", {"agent_id": names[0], "file_path": str(path), "ttl_sec": 5})
        refused = second.before(path)
        right = not free and "is locked by" in refused
        said = f"an edit of a held file is {'refused' if right else 'let through'}"
        yield CheckResult(right, f"{harness}: {said}", "" if right else again)
        word = {"from_agent": "doctor", "to_agent": names[1] or "doctor", "body": "a word from arc doctor"}
        HttpTransport(url).call("POST", "/v1/messages", word)
        told = "a word from arc doctor" in second.after(path)
        said = f"a message {'reaches' if told else 'does not reach'} the context"
        yield CheckResult(told, f"{harness}: {said}", "" if told else again)
