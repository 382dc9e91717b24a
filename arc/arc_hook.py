"""The hook of a coding agent: hands what the harness says to the folder's hub, and the hub's answer back.

    PYTHON -I -S PATH/arc_hook.py HARNESS [--mode MODE] [--closed] [--user]

It runs before each tool, so it loads next to nothing and speaks HTTP over a bare socket. Where the hub is away, the
tool runs, unless the repository chose `--closed`; a session that begins starts the hub of a folder that has one, and
does not wait for it. Where there is no network, the call goes over the folder's relay, if one serves it. A folder with
neither a storage nor a relay has no hub, and nothing is said there. `--user` says that the hook is for all folders of
its user, so that the hub passes over it where the repository has hooks of its own.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":  # run by its path, without any installed package on the path
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from arc.connection import BrokenAnswerError, Connection
from arc.errors import ArcError
from arc.finding.storage import Project, working_directory
from arc.finding.tokens import BadTokenError, authorization, find_token
from arc.finding.which_hub import VARIABLE, Choice, choose_hub
from arc.harnesses import HARNESSES, Harness
from arc.host_session import find_boot_id, find_host_process, find_start
from arc.hub_away import forget, is_news
from arc.light_json import dumps, loads
from arc.urls import split_url

MODES = ("auto", "check", "off")
WITHIN_SEC = 4.0
OK = 200
AWAY = "Arc: the hub of this folder does not answer; nothing is guarded until it does."
CLOSED = "Arc: the hub of this folder does not answer, and no tool runs here without it. arc ensure starts it."


def main(arguments: list[str]) -> int:
    """Answer one call of a hook.

    Args:
        arguments: the harness, and what its repository chose.

    Returns:
        The exit code: 0, or 1 for arguments that are wrong, which no harness takes for a refusal.
    """
    harness, mode, closed = arguments[0] if arguments else "", "auto", "--closed" in arguments
    if "--mode" in arguments[:-1]:
        mode = arguments[arguments.index("--mode") + 1]
    if harness not in HARNESSES or mode not in MODES:
        usage = f"usage: arc_hook.py {{{','.join(HARNESSES)}}} [--mode {{{','.join(MODES)}}}] [--closed] [--user]"
        sys.stderr.write(f"{usage}\n")
        return 1
    body = sys.stdin.buffer.read()
    said = answer(harness, body, mode, closed=closed, user="--user" in arguments)
    sys.stdout.write(said)
    return 0


def answer(harness: str, body: bytes, mode: str, *, closed: bool, user: bool = False) -> str:
    """What to answer the harness.

    Args:
        harness: who calls.
        body: what it says.
        mode: what the repository chose.
        closed: whether no tool may run while the hub is away.
        user: whether the hook is for all folders of its user.
    """
    try:
        call = loads(body)
    except ValueError:
        return ""
    if not isinstance(call, dict):
        return ""
    folder, event = _folder(call), str(call.get("hook_event_name") or call.get("event", ""))
    path = f"/v1/hooks/{harness}?mode={mode}{'&scope=user' if user else ''}"
    away = _Away(harness, event, folder, str(call.get(HARNESSES[harness].session) or ""))
    try:
        project = Project(folder)
        storage = project.find_storage()
        away.notes = None if storage is None else os.path.dirname(storage)
        has_hub = bool(os.environ.get(VARIABLE)) or storage is not None
        said, sandboxed = _ask(choose_hub(folder=folder), harness, event, body, path) if has_hub else None, False
        if said is None:
            said, sandboxed = _ask_relay(project, harness, call, path)
    except (ArcError, BadTokenError, BrokenAnswerError, OSError):
        return away.answer(closed=closed, may_start=True)
    if said is None and (has_hub or sandboxed):
        return away.answer(closed=closed, may_start=not sandboxed)
    forget(away.notes, away.session)
    return said or ""


def _folder(call: dict[str, object]) -> str:
    folder, roots = call.get("cwd") or call.get("directory"), call.get("workspace_roots")
    if not folder and isinstance(roots, list) and roots:
        folder = roots[0]
    return folder if isinstance(folder, str) and os.path.isdir(folder) else working_directory()


def _ask(hub: Choice, harness: str, event: str, body: bytes, path: str) -> str | None:
    """The hub's answer; None where it cannot be reached from here, since there is no network, or no hub."""
    address = split_url(hub.url)
    headers = {"Content-Type": "application/json", "Connection": "close", **authorization(find_token(hub.storage))}
    known = HARNESSES[harness]
    if known.by_process or (event == known.events.start and not known.many_windows):
        headers |= _name_process()
    connection = Connection(address, WITHIN_SEC)
    try:
        try:
            connection.connect()
        except TimeoutError:
            raise  # there is a network, and the harness has waited long enough
        except OSError:
            return None
        given = connection.ask("POST", address.prefix + path, headers, body)
    finally:
        connection.close()
    if given.status != OK:
        raise BrokenAnswerError(f"the hub answered with {given.status}")
    return given.body.decode()


def _ask_relay(project: Project, harness: str, call: dict[str, object], path: str) -> tuple[str | None, bool]:
    """The answer over the folder's relay, None where there is none; and whether a relay has taken the call."""
    from arc import hook_over_relay
    from arc.finding.relays import find_relay

    spool, agent_id = find_relay(project), hook_over_relay.name_agent(harness, call)
    if spool is None or agent_id is None:
        return None, False
    try:
        said = hook_over_relay.ask(spool, agent_id, path, call, WITHIN_SEC)
    except BrokenAnswerError:
        return None, True
    return said, said is not None


def _name_process() -> dict[str, str]:
    """The harness's process, when that started, and in which boot of the machine."""
    _, pid = find_host_process()
    started = find_start(pid) if pid else None
    return {"X-Arc-Host-Process": f"{pid} {started} {find_boot_id() or ''}".strip()} if started else {}


class _Away:
    """A call of a hook whose hub may be away.

    Attributes:
        notes: the folder in which it is noted what windows were told; None where there is none.
        session: the window's session.
    """

    def __init__(self, harness: str, event: str, folder: str, session: str) -> None:
        self.notes: str | None = None
        self.session = session
        self._harness = harness
        self._event = event
        self._folder = folder

    def answer(self, *, closed: bool, may_start: bool) -> str:
        """What the harness is answered; a session that begins outside of a sandbox starts the hub."""
        known, event = HARNESSES[self._harness], self._event
        if event == known.events.start and may_start and _start_hub(self._harness, self._folder):
            return _tell(known, event, "Arc: the hub of this folder did not run and is being started now.")
        if event in (known.events.start, known.events.prompt):
            is_told = not is_news(self.notes, self.session) and event == known.events.prompt
            return "" if is_told else _tell(known, event, AWAY)
        return _refuse(known, CLOSED) if closed and event == known.events.before else ""


def _refuse(harness: Harness, reason: str) -> str:
    """How a hook says that a tool must not run."""
    if harness.form == "permission":
        return dumps({"permission": "deny", "user_message": reason, "agent_message": reason})
    return dumps({"refusal": reason} if harness.form == "plugin" else {"decision": "block", "reason": reason})


def _tell(harness: Harness, event: str, text: str) -> str:
    """How a hook tells the model something."""
    if harness.form == "permission":
        return dumps({"additional_context": text})
    if harness.form == "plugin":
        return dumps({"context": text})
    return dumps({"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}})


def _start_hub(harness: str, folder: str) -> bool:
    """Start the folder's hub, cut off from this process, and wait for nothing; False where that cannot be done."""
    from arc.finding.sandboxes import is_in_sandbox

    if is_in_sandbox(harness):
        return False
    import subprocess

    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")
    try:
        subprocess.Popen(
            [sys.executable, "-P", program, "ensure"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
