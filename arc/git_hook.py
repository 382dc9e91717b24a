"""The hooks of git: a commit or a push does not take what other agents hold, and a commit names its event of the log.

    PYTHON -I -S PATH/git_hook.py pre-commit [--closed]
    PYTHON -I -S PATH/git_hook.py prepare-commit-msg FILE [SOURCE ...]
    PYTHON -I -S PATH/git_hook.py pre-push [--closed] [REMOTE URL] <LINES

`ARC_BYPASS=reason git commit` commits all the same, and so with a push; the reason is told to everybody. Where there is
no network the folder's relay is asked. Where the folder has no hub, git goes on; where its hub is away too, unless the
repository chose `--closed`.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":  # run by its path, without any installed package on the path
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from arc.finding.storage import Project, working_directory
from arc.git_hub import AWAY, GitHub, find_git_hub

BYPASS = "ARC_BYPASS"
CLOSED = "--closed"
DONE = {"commit": "committed", "push": "pushed"}
GIT_WITHIN_SEC = 10.0
SHOWN = 5
MAX_PATHS = 1000
ABSENT = "0" * 40
"""What git calls a branch that is not there."""
PUSHED_FIELDS = 4


def main(arguments: list[str]) -> int:
    """Run one hook; another exit code than 0 stops git."""
    name, *given = [word for word in arguments if word != CLOSED] or [""]
    hub: GitHub | None = None
    try:
        hub = find_git_hub(Project(working_directory()))
        if hub is None:
            return 0
        if name == "pre-commit":
            return _check_commit(hub)
        if name == "pre-push":
            return _check_push(hub)
        if name == "prepare-commit-msg" and given:
            _add_trailer(hub, given[0])
    except AWAY as error:
        return _without_hub(name, str(error), closed=CLOSED in arguments)
    finally:
        if hub is not None:
            hub.close()
    return 0


def _without_hub(name: str, why: str, *, closed: bool) -> int:
    """The exit code while the hub is away: 1 where the repository chose that nothing is committed or pushed then."""
    if name == "prepare-commit-msg":
        return 0
    if not closed or os.environ.get(BYPASS, "").strip():
        sys.stderr.write(f"arc: the hub does not answer, so nothing was checked: {why}\n")
        return 0
    verb = name.removeprefix("pre-")
    sys.stderr.write(f"arc: the hub does not answer, and nothing is {DONE[verb]} here without it: {why}\n")
    sys.stderr.write(f"arc: arc ensure starts it, or say why not: {BYPASS}=reason git {verb}\n")
    return 1


def _check_commit(hub: GitHub) -> int:
    """Whether a commit may be made: 1 when it would take what another agent holds."""
    held = _list_held(hub, _staged())
    return _judge(hub, held, "commit", "commit your own files only (git reset -q FILE takes one out), wait")


def _check_push(hub: GitHub) -> int:
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
        agent = hub.agent
        others = [
            one for one in hub.call("GET", "/v1/locks?active_only=1&max_bytes=16000000") if one["agent_id"] != agent
        ]
        held += [f"the push is by force, and {one['agent_id']} holds {one['file_path']}" for one in others]
    return _judge(hub, held, "push", "push when they are done, ask them")


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


def _list_held(hub: GitHub, names: list[str]) -> list[str]:
    """Which files other agents hold, each in a few words."""
    agent, top = hub.agent, _git("rev-parse", "--show-toplevel").rstrip("\n")
    held = []
    for name in names[:MAX_PATHS]:
        path = _quoted(os.path.join(top, name))
        found = hub.call("GET", f"/v1/locks/conflicts?agent_id={_quoted(agent)}&path={path}")
        held += [f"{name} is locked by {one['agent_id']} until {str(one['expires_at'])[11:19]} UTC" for one in found]
    return held


def _judge(hub: GitHub, held: list[str], verb: str, instead: str) -> int:
    """The exit code for what others hold: 1, unless there is none or a reason is given, which everybody is told."""
    if not held:
        return 0
    reason = os.environ.get(BYPASS, "").strip()
    if reason:
        said = f"{hub.agent} {DONE[verb]} what others hold, because: {reason}\n" + "\n".join(held[:SHOWN])
        hub.call("POST", "/v1/messages", {"from_agent": hub.agent, "kind": "notice", "body": said})
        return 0
    more = f"arc: and {len(held) - SHOWN} more\n" if len(held) > SHOWN else ""
    sys.stderr.write("".join(f"arc: {line}\n" for line in held[:SHOWN]) + more)
    sys.stderr.write(f"arc: {instead}, or say why not: {BYPASS}=reason git {verb}\n")
    return 1


def _add_trailer(hub: GitHub, path: str) -> None:
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
