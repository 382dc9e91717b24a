"""The hooks of git: ours is called first in a hook that is there already, or is all of one that is not.

pre-commit, when it is installed after us, calls the hook that it finds `HOOK.legacy` and runs it before its own: there
ours stays until it is taken out.

A hook that is not a shell script is somebody's program, which cannot be added to: it is left alone, and its owner is
told what it is to call.
"""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import arc
from cli.setup.edits import BEGIN, END, CannotEditError, Edit

SCRIPT: Final = Path(arc.__file__).with_name("git_hook.py")
NAMES: Final = ("pre-commit", "prepare-commit-msg", "pre-push")
READS_INPUT: Final = "pre-push"
"""The hook that git gives lines to, which a hook after ours wants too."""
NEVER_REFUSES: Final = "prepare-commit-msg"
MOVED: Final = ".legacy"
SHELLS: Final = ("sh", "bash", "dash", "zsh", "ksh")
GIT_WITHIN_SEC: Final = 10.0


def edits_for(top: Path, *, closed: bool) -> list[Edit]:
    """The edits of a repository's hooks, wherever `core.hooksPath` has them.

    Args:
        top: the top of the working tree.
        closed: whether nothing may be committed or pushed while the hub is away.
    """
    asked = ["git", "-C", str(top), "rev-parse", "--git-path", "hooks"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=GIT_WITHIN_SEC, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    folder = top / done.stdout.rstrip("\n")
    edits: list[Edit] = []
    for name in NAMES:
        moved = folder / f"{name}{MOVED}"
        is_moved = _is_ours(moved)
        words = [name, "--closed"] if closed and name != NEVER_REFUSES else [name]
        edits.append(_edit(folder / name, words, is_called=is_moved))
        edits += [_edit(moved, words)] if is_moved else []
    return edits


def _is_ours(path: Path) -> bool:
    try:
        return BEGIN in path.read_text(errors="replace")
    except OSError:
        return False


def _edit(path: Path, words: list[str], *, is_called: bool = False) -> Edit:
    """The edit of one file.

    Args:
        path: the file.
        words: the hook, and what our program is told besides.
        is_called: whether it calls another file that calls ours, and needs nothing.
    """
    call = shlex.join([sys.executable, "-I", "-S", str(SCRIPT), *words])
    lines = f"# {BEGIN}\n{_handing_on(call) if words[0] == READS_INPUT else _calling(call)}# {END}\n"

    def take(text: str) -> str:
        start, end = text.find(f"# {BEGIN}\n"), text.find(f"# {END}\n")
        if start < 0 or end < start:
            return text
        rest = text[:start] + text[end + len(f"# {END}\n") :]
        return "" if rest == "#!/bin/sh\n" else rest

    def put(text: str) -> str:
        text = take(text)
        if is_called:
            return text
        if not text:
            return f"#!/bin/sh\n{lines}"
        first, newline, rest = text.partition("\n")
        if not first.startswith("#!"):
            return lines + text
        if first.split("/")[-1].split()[-1] not in SHELLS:
            raise CannotEditError(f"it is not a shell script: let it call {call}")
        return f"{first}{newline or chr(10)}{lines}{rest}"

    return Edit(path, put, take, "git hook", is_program=True)


def _calling(call: str) -> str:
    return f'{call} "$@" </dev/null || exit $?\n'


def _handing_on(call: str) -> str:
    """The same, with what stands on the standard input for us and for whatever follows."""
    return (
        "ARC_INPUT=$(cat)\n"
        f'printf \'%s\\n\' "$ARC_INPUT" | {call} "$@" || exit $?\n'
        'if [ -n "$ARC_INPUT" ]; then exec <<ARC_END\n$ARC_INPUT\nARC_END\nelse exec </dev/null; fi\n'
    )
