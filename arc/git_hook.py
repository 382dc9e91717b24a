"""The hooks of git: a commit does not take what other agents hold, and says at which event of the log it was made.

    PYTHON -I -S PATH/git_hook.py pre-commit
    PYTHON -I -S PATH/git_hook.py prepare-commit-msg FILE [SOURCE ...]

`ARC_BYPASS=reason git commit` commits all the same, and the reason is told to everybody. Where the folder has no hub,
or it is away, git goes on.
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
from arc.host_session import find_host_session
from arc.light_json import dumps, loads
from arc.urls import split_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BYPASS = "ARC_BYPASS"
AGENT = "ARC_AGENT"
NOBODY = "git"
"""Who commits where no agent does: a person."""
WITHIN_SEC = 4.0
GIT_WITHIN_SEC = 10.0
SHOWN = 5
MAX_PATHS = 1000
AWAY = (ArcError, BadTokenError, BrokenAnswerError, OSError)


def main(arguments: list[str]) -> int:
    """Run one hook; another exit code than 0 stops git."""
    name = arguments[0] if arguments else ""
    try:
        if not os.environ.get(VARIABLE) and Project(working_directory()).find_storage() is None:
            return 0
        hub = _Hub(choose_hub())
    except AWAY:
        return 0
    try:
        if name == "pre-commit":
            return _check(hub)
        if name == "prepare-commit-msg" and len(arguments) > 1:
            _add_trailer(hub, arguments[1])
    except AWAY as error:
        sys.stderr.write(f"arc: the hub does not answer, so nothing was checked: {error}\n")
    finally:
        hub.close()
    return 0


class _Hub:
    """Calls on one connection."""

    def __init__(self, hub: Choice) -> None:
        self._authorization = authorization(find_token(hub.storage))
        self._address = split_url(hub.url)
        self._connection = Connection(self._address, WITHIN_SEC)
        self._connection.connect()

    def call(self, method: str, target: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        """The result of a call.

        Raises:
            BrokenAnswerError: it was refused.
        """
        content = None if body is None else dumps(body).encode()
        headers = {**self._authorization, "Content-Type": "application/json"}
        answer = self._connection.ask(method, f"{self._address.prefix}{target}", headers, content)
        said = loads(answer.body)
        if not isinstance(said, dict) or not said.get("ok"):
            message = str(said.get("error") if isinstance(said, dict) else said)
            raise BrokenAnswerError(message)
        return said.get("result")

    def close(self) -> None:
        self._connection.close()


def _check(hub: _Hub) -> int:
    """Whether a commit may be made: 1 when it would take what another agent holds."""
    agent, top = _agent(), _git("rev-parse", "--show-toplevel").rstrip("\n")
    held = []
    for name in _staged()[:MAX_PATHS]:
        path = _quoted(os.path.join(top, name))
        found = hub.call("GET", f"/v1/locks/conflicts?agent_id={_quoted(agent)}&path={path}")
        held += [f"{name} is locked by {one['agent_id']} until {str(one['expires_at'])[11:19]} UTC" for one in found]
    if not held:
        return 0
    reason = os.environ.get(BYPASS, "").strip()
    if reason:
        said = f"{agent} committed what others hold, because: {reason}\n" + "\n".join(held[:SHOWN])
        hub.call("POST", "/v1/messages", {"from_agent": agent, "kind": "notice", "body": said})
        return 0
    more = f"arc: and {len(held) - SHOWN} more\n" if len(held) > SHOWN else ""
    sys.stderr.write("".join(f"arc: {line}\n" for line in held[:SHOWN]) + more)
    sys.stderr.write(
        "arc: commit your own files only (git reset -q FILE takes one out), wait, or say why not: "
        f"{BYPASS}=reason git commit\n"
    )
    return 1


def _add_trailer(hub: _Hub, path: str) -> None:
    """Name the event of the log at which the commit is made, so that a line leads to the talk about it."""
    event_id = hub.call("GET", "/v1/health")["head"]
    _git("interpret-trailers", "--in-place", "--if-exists", "replace", "--trailer", f"Arc-Event: {event_id}", path)


def _staged() -> list[str]:
    """What the commit takes, both sides of a rename, from the top of the working tree."""
    fields = [field for field in _git("diff", "--cached", "--name-status", "-M", "-z").split("\0") if field]
    names, place = [], 0
    while place < len(fields):
        sides = 2 if fields[place][0] in "RC" else 1
        names += fields[place + 1 : place + 1 + sides]
        place += 1 + sides
    return names


def _agent() -> str:
    given = os.environ.get(AGENT)
    if given:
        return given
    session = find_host_session()
    return NOBODY if session is None else session.name


def _git(*arguments: str) -> str:
    import subprocess

    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - the git that called this
            capture_output=True,
            timeout=GIT_WITHIN_SEC,
            check=False,
        )
    except subprocess.SubprocessError as error:
        raise OSError(str(error)) from None
    return done.stdout.decode("utf-8", "surrogateescape")


def _quoted(text: str) -> str:
    """A text as a part of a URL; importing `urllib` would take longer than all the rest."""
    kept = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in text.encode("utf-8", "surrogateescape"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
