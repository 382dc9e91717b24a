"""`arc setup`: make a repository ready for agents, show first what that would change, or take it all back."""

import difflib
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from arc.arc_hook import HARNESSES, MODES
from arc.errors import ArcError
from arc.finding.repository import Repository, find_repository
from arc.finding.which_hub import choose_hub
from arc.hub import ensure_hub
from cli.arguments import Arguments, Namespace
from cli.errors import CommandFailed, WrongArguments
from cli.setup import git_hooks
from cli.setup.edits import CannotEditError, Edit, block, read
from cli.setup.harnesses import Setting, edits_for
from cli.setup.ledger import NAME, Ledger
from cli.setup.paragraph import paragraphs_for

GIT: Final = "git"
ALL: Final = "all"
PROGRAMS: Final = {
    "claude-code": "claude",
    "codex": "codex",
    "cursor": "cursor-agent",
    "gemini": "gemini",
    "opencode": "opencode",
    "qwen": "qwen",
}
"""What each harness is started by; without a name, those are set up that are there."""
ADVICE: Final = {
    "codex": "Codex runs hooks only once they are trusted: open codex here and look at /hooks.",
    "gemini": "Gemini CLI runs a project's hooks in trusted folders only; arc setup gemini --scope user does without.",
    "cursor": "The hooks of Cursor follow its documentation; they were not tried on the program itself.",
}
NOT_ON_PATH: Final = (
    "The MCP server is started as `arc`, which is not on the path: add {folder} to PATH before you start the harness."
)
"""Other people read the file of MCP servers too, so it cannot hold a path of this machine."""
MACHINES: Final = {
    "claude-code": ("/.claude/settings.local.json",),
    "codex": ("/.codex/hooks.json",),
    "cursor": ("/.cursor/hooks.json",),
    "gemini": ("/.gemini/settings.json",),
    "opencode": ("/.opencode/plugins/arc.js",),
    "qwen": ("/.qwen/settings.json",),
}
"""Files that name this machine or a port: git ignores them, unless it has them already."""


class Options(Namespace):
    """What to set up, and how."""

    what: list[str] | None
    scope: str
    mode: str
    closed: bool
    dry_run: bool
    remove: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help=f"{', '.join(HARNESSES)}, git or all; by default what is installed, and git",
    )
    parser.add_argument(
        "--scope", choices=("project", "user"), default="project", help="for this repository, or for all of yours"
    )
    parser.add_argument(
        "--mode",
        choices=MODES,
        default="auto",
        help="auto locks edited files, check only refuses to edit locked ones, off does neither",
    )
    parser.add_argument("--closed", action="store_true", help="block every tool while no hub answers")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    parser.add_argument("--remove", action="store_true", help="restore every file to what it was")


def run(options: Options) -> int:
    """Set up what was asked for; 1 when a file could not be edited."""
    what = options.what or []
    unknown = set(what) - {*HARNESSES, GIT, ALL}
    if unknown:
        raise WrongArguments(f"{', '.join(sorted(unknown))}: give any of {', '.join(HARNESSES)}, git, all")
    is_user = options.scope == "user"
    repository = find_repository(str(Path.cwd()))
    if GIT in what and repository is None and not (is_user or options.remove):
        raise CommandFailed("this folder is in no git repository: make one first, with git init")
    top = Path.home() if is_user else Path(repository.top) if repository else Path.cwd()
    ledger = Ledger(_ledger_of(top, repository, is_user=is_user))
    wanted = _wanted(what, removes=options.remove)
    url = "" if is_user or options.remove else _find_hub(dry=options.dry_run)
    setting = Setting(top, is_user, url or "http://127.0.0.1:6969", options.mode, options.closed)
    harnesses = [name for name in wanted if name != GIT]
    edits = [edit for name in harnesses for edit in edits_for(name, setting)]
    if not is_user:
        edits += paragraphs_for(set(harnesses), top)
        if repository is not None:
            edits += _kept_from_git(harnesses, Path(repository.shared))
            edits += git_hooks.edits_for(top) if GIT in wanted else []
    failed = told = False
    for edit in edits:
        try:
            told = _do(edit, ledger, options) or told
        except CannotEditError as error:
            print(f"{_shown(edit.path)}: left as it is, since {error}")
            failed = True
    if not options.remove:
        if harnesses and not shutil.which("arc"):
            print(NOT_ON_PATH.format(folder=Path(sys.executable).parent))
        for name in harnesses:
            if name in ADVICE:
                print(ADVICE[name])
    elif not told and not failed:
        print("nothing to take out: nothing is set up here")
    return 1 if failed else 0


def _do(edit: Edit, ledger: Ledger, options: Options) -> bool:
    """Make one edit, show it or take it back; whether there was anything to tell."""
    if options.remove:
        if options.dry_run:
            print(f"{_shown(edit.path)}: would be as it was")
        elif ledger.take_back(edit):
            print(f"{_shown(edit.path)}: as it was")
        else:
            return False
        return True
    if options.dry_run:
        _show(edit.path, read(edit.path), ledger.plan(edit))
    elif ledger.write(edit):
        print(f"{_shown(edit.path)}: {edit.does}")
    else:
        print(f"{_shown(edit.path)}: set up already")
    return True


def _show(path: Path, before: bytes | None, after: bytes | None) -> None:
    """What would change, as a diff."""
    old = (before or b"").decode(errors="replace").splitlines(keepends=True)
    new = (after or b"").decode(errors="replace").splitlines(keepends=True)
    print("".join(difflib.unified_diff(old, new, _shown(path), _shown(path))) or f"{_shown(path)}: set up already")


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _wanted(what: Sequence[str], *, removes: bool) -> list[str]:
    if ALL in what or (removes and not what):
        return [*HARNESSES, GIT]
    if what:
        return list(dict.fromkeys(what))
    found = [name for name in HARNESSES if shutil.which(PROGRAMS[name])]
    if not found:
        raise CommandFailed(
            f"none of {', '.join(PROGRAMS.values())} is installed: name what to set up, "
            "as in arc setup codex, or arc setup git for git's hooks alone"
        )
    return [*found, GIT]


def _find_hub(*, dry: bool) -> str:
    """The folder's hub, started unless it runs."""
    if dry:
        try:
            return choose_hub().url
        except ArcError:
            return ""
    hub = ensure_hub()
    if not hub["running"]:
        raise CommandFailed(f"no hub could be started: {hub.get('error', 'it said nothing')}")
    print(f"hub: {hub['url']}")
    return str(hub["url"])


def _kept_from_git(harnesses: Sequence[str], git: Path) -> list[Edit]:
    lines = [line for name in harnesses for line in MACHINES[name]]
    if not lines:
        return []
    put, take = block("\n".join(lines), "# ")
    return [Edit(git / "info" / "exclude", put, take, "what names this machine stays out of git")]


def _ledger_of(top: Path, repository: Repository | None, *, is_user: bool) -> Path:
    if is_user:
        state = os.environ.get("XDG_STATE_HOME")
        return (Path(state) if state else top / ".local" / "state") / "arc" / NAME
    if repository is None:
        return top / f".{NAME}"
    own = "" if repository.main in {None, repository.top} else f".{Path(repository.top).name}"
    return Path(repository.shared) / f"{NAME}{own}"
