"""Hubs for programs: start, stop and reset one, as the commands `arc ensure`, `arc stop` and `arc reset` do.

An argument that is left at its default is not passed on: then the command uses what belongs to the storage of the
working directory, as it does when nothing is typed after it.

Each function runs its command in a process of its own and returns the JSON line that the command prints, so a program
that uses them loads nothing of the hub. None of them raises when the command fails: what went wrong is in `error`.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

from arc.defaults import MAX_ATTACHMENT_CHARS, MAX_ATTACHMENTS, MAX_BODY_CHARS, SPOOL_DIR
from arc.finding.storage import DEFAULT_NAME
from arc.urls import DEFAULT_HOST, DEFAULT_PORT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COMMAND = Path(__file__).with_name("__main__.py")

GRACE_SEC = 30.0
"""How much longer than its own time-out a command may take before it is ended."""

STOP_WITHIN_SEC = 60.0


def ensure_hub(
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    storage: str = DEFAULT_NAME,
    timeout: float = 60.0,
    spool_dir: str = SPOOL_DIR,
    max_body_chars: int = MAX_BODY_CHARS,
    max_attachment_chars: int = MAX_ATTACHMENT_CHARS,
    max_attachments: int = MAX_ATTACHMENTS,
    allow_remote: bool = False,
) -> dict[str, Any]:
    """Start a hub and its relay in the background, unless one answers already.

    Args:
        host: the address to listen on.
        port: the port to listen on.
        storage: the hub's database, made if missing.
        timeout: seconds to wait for the hub's first answer.
        spool_dir: the relay's folder.
        max_body_chars: the longest body of a message, in characters.
        max_attachment_chars: the longest content of an attachment, in characters of JSON.
        max_attachments: the most attachments of a message.
        allow_remote: whether `host` may be other than loopback.

    Returns:
        `{running, started, url[, error]}`: whether a hub answers, whether this call started it, and where it is.
    """
    arguments = [*_place(storage, host, port), "--timeout", str(timeout)]
    for option, value, usual in (
        ("--spool-dir", str(spool_dir), SPOOL_DIR),
        ("--max-body-chars", max_body_chars, MAX_BODY_CHARS),
        ("--max-attachment-chars", max_attachment_chars, MAX_ATTACHMENT_CHARS),
        ("--max-attachments", max_attachments, MAX_ATTACHMENTS),
    ):
        if value != usual:
            arguments += [option, str(value)]
    if allow_remote:
        arguments.append("--allow-remote")
    url = f"http://{host}:{port}"
    return _run("ensure", arguments, timeout + GRACE_SEC, {"running": False, "started": False, "url": url})


def stop_hub(storage: str = DEFAULT_NAME, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> dict[str, Any]:
    """Stop the hub of this storage and return when its port is closed.

    Args:
        storage: the hub's database, beside which it left its `.arc.pid`.
        host: where the hub listens, if it left none.
        port: the same.

    Returns:
        `{stopped: true, pid, url}`, or `{stopped: false, error}`.
    """
    return _run("stop", _place(storage, host, port), STOP_WITHIN_SEC, {"stopped": False})


def reset_hub(storage: str = DEFAULT_NAME, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> dict[str, Any]:
    """Stop the hub of this storage and delete its database.

    Args:
        storage: the database to delete.
        host: where the hub listens, if it left no `.arc.pid`.
        port: the same.

    Returns:
        `{reset: true, removed: [names]}`, `{reset: true, note}` when there was nothing to delete,
        or `{reset: false, error}`.
    """
    return _run("reset", _place(storage, host, port), STOP_WITHIN_SEC, {"reset": False})


def _place(storage: str, host: str, port: int) -> list[str]:
    """The arguments that name a hub, as far as they are not the usual."""
    arguments = []
    if str(storage) != DEFAULT_NAME:
        arguments += ["--storage", str(storage)]
    if host != DEFAULT_HOST:
        arguments += ["--host", host]
    if port != DEFAULT_PORT:
        arguments += ["--port", str(port)]
    return arguments


def _run(command: str, arguments: list[str], within_sec: float, failed: dict[str, Any]) -> dict[str, Any]:
    """The JSON object that `arc <command>` prints, or `failed` with an `error` when it prints none."""
    try:
        # -P: nothing of the working directory is imported, whatever the names of the files there.
        done = subprocess.run(
            [sys.executable, "-P", str(COMMAND), command, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=within_sec,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {**failed, "error": f"arc {command} did not end within {within_sec:g} s"}
    except OSError as error:
        return {**failed, "error": f"{sys.executable or 'Python'} cannot be started for arc {command}: {error}"}
    # An object begins a line; what is nested in it is indented.
    with contextlib.suppress(ValueError):
        answer, _end = json.JSONDecoder().raw_decode(done.stdout, done.stdout.rfind("\n{") + 1)
        if isinstance(answer, dict):
            return answer
    said = (done.stderr.strip() or done.stdout.strip())[-2000:]
    return {**failed, "error": said or f"arc {command} ended with {done.returncode} and said nothing"}
