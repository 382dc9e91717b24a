"""The hooks of git: a commit or a push does not take what other agents hold, and a commit names its event of the log.

    PYTHON -I -S PATH/git_hook.py pre-commit
    PYTHON -I -S PATH/git_hook.py prepare-commit-msg FILE [SOURCE ...]
    PYTHON -I -S PATH/git_hook.py pre-push [REMOTE URL] <LINES

`ARC_BYPASS=reason git commit` commits all the same, and so with a push; the reason is told to everybody. Where the
folder has no hub, or it is away, git goes on.
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
ABSENT = "0" * 40
"""What git calls a branch that is not there."""
PUSHED_FIELDS = 4
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
            return _check_commit(hub)
        if name == "pre-push":
            return _check_push(hub)
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


def _check_commit(hub: _Hub) -> int:
    """Whether a commit may be made: 1 when it would take what another agent holds."""
    held = _list_held(hub, _staged())
    return _judge(
        hub, held, "commit", "committed", "commit your own files only (git reset -q FILE takes one out), wait"
    )


def _check_push(hub: _Hub) -> int:
    """Whether a push may be made: 1 when it would publish, or by force take back, what another agent holds."""
    names: dict[str, None] = {}
    forced = False
    for local, remote in _pushed():
        if local == ABSENT:
            continue
        if remote == ABSENT:
            said = _git("log", "--format=", "--name-status", "-M", "-z", local, "--not", "--remotes")
        else:
            said = _git("diff", "--name-status", "-M", "-z", remote, local)
            forced = forced or _git("merge-base", remote, local).strip() != remote
        names.update(dict.fromkeys(_names_in(said)))
    held = _list_held(hub, list(names))
    if forced:
        agent = _agent()
        others = [
            one for one in hub.call("GET", "/v1/locks?active_only=1&max_bytes=16000000") if one["agent_id"] != agent
        ]
        held += [f"the push is by force, and {one['agent_id']} holds {one['file_path']}" for one in others]
    return _judge(hub, held, "push", "pushed", "push when they are done, ask them")


def _pushed() -> list[tuple[str, str]]:
    """What is pushed where: pairs of what stands here and what stands there, as git says it or pre-commit does."""
    given = os.environ.get("PRE_COMMIT_TO_REF")
    if given:
        return [(given, os.environ.get("PRE_COMMIT_FROM_REF") or ABSENT)]
    branch = os.environ.get("PRE_COMMIT_LOCAL_BRANCH")  # all that pre-commit says of a repository's first push
    if branch:
        return [(branch, ABSENT)]
    lines = (line.split() for line in sys.stdin.buffer.read().decode("utf-8", "surrogateescape").splitlines())
    return [(fields[1], fields[3]) for fields in lines if len(fields) == PUSHED_FIELDS]


def _list_held(hub: _Hub, names: list[str]) -> list[str]:
    """Which files other agents hold, each in a few words."""
    agent, top = _agent(), _git("rev-parse", "--show-toplevel").rstrip("\n")
    held = []
    for name in names[:MAX_PATHS]:
        path = _quoted(os.path.join(top, name))
        found = hub.call("GET", f"/v1/locks/conflicts?agent_id={_quoted(agent)}&path={path}")
        held += [f"{name} is locked by {one['agent_id']} until {str(one['expires_at'])[11:19]} UTC" for one in found]
    return held


def _judge(hub: _Hub, held: list[str], verb: str, done: str, instead: str) -> int:
    """The exit code for what others hold: 1, unless there is none or a reason is given, which everybody is told."""
    if not held:
        return 0
    reason = os.environ.get(BYPASS, "").strip()
    if reason:
        said = f"{_agent()} {done} what others hold, because: {reason}\n" + "\n".join(held[:SHOWN])
        hub.call("POST", "/v1/messages", {"from_agent": _agent(), "kind": "notice", "body": said})
        return 0
    more = f"arc: and {len(held) - SHOWN} more\n" if len(held) > SHOWN else ""
    sys.stderr.write("".join(f"arc: {line}\n" for line in held[:SHOWN]) + more)
    sys.stderr.write(f"arc: {instead}, or say why not: {BYPASS}=reason git {verb}\n")
    return 1


def _add_trailer(hub: _Hub, path: str) -> None:
    """Name the event of the log at which the commit is made, so that a line leads to the talk about it."""
    event_id = hub.call("GET", "/v1/health")["head"]
    _git("interpret-trailers", "--in-place", "--if-exists", "replace", "--trailer", f"Arc-Event: {event_id}", path)


def _staged() -> list[str]:
    """What the commit takes, from the top of the working tree."""
    return _names_in(_git("diff", "--cached", "--name-status", "-M", "-z"))


def _names_in(said: str) -> list[str]:
    """The files that `--name-status -z` names, both sides of a rename."""
    fields = [field.lstrip("\n") for field in said.split("\0")]
    fields = [field for field in fields if field]
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
