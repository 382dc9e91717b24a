"""`arc setup`: make a repository ready for agents, show first what that would change, or take it all back."""

import difflib
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from arc.arc_hook import MODES
from arc.finding.kept_options import read_options
from arc.finding.relays import find_relay
from arc.finding.repository import find_repository
from arc.finding.sandboxes import is_in_sandbox
from arc.finding.storage import Project, working_directory
from arc.finding.which_hub import find_note
from arc.harnesses import HARNESSES
from arc.hub import ensure_hub
from arc.urls import DEFAULT_HOST, DEFAULT_PORT, DEFAULT_URL, url_of
from cli.arguments import Arguments, Namespace
from cli.errors import CommandFailed, WrongArguments
from cli.setup.edits import CannotEditError, Edit, read
from cli.setup.ledger import Chosen
from cli.setup.plan import GIT, NAMES, Plan

ALL: Final = "all"
NOT_ON_PATH: Final = (
    "The MCP server is started as `arc`, which is not on the path: add {folder} to PATH before you start the harness."
)
"""Other people read the file of MCP servers too, so it cannot hold a path of this machine."""
WHERE_GUARDED: Final = (
    "Sessions are guarded in each folder that has a hub (arc ensure starts one); elsewhere hooks say nothing."
)


class Options(Namespace):
    """What to set up, and how."""

    what: list[str] | None
    user: bool
    mode: str
    closed: bool
    by_command: bool
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
    parser.add_argument("--user", action="store_true", help="for all folders of yours, not for this repository")
    parser.add_argument(
        "--mode",
        choices=MODES,
        default="auto",
        help="auto locks edited files, check only refuses to edit locked ones, off does neither",
    )
    parser.add_argument("--closed", action="store_true", help="block every tool, commit and push while no hub answers")
    parser.add_argument(
        "--by-command",
        action="store_true",
        help="have no hook call a URL: a command takes a few milliseconds more, and finds the relay in a sandbox",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    parser.add_argument("--remove", action="store_true", help="restore every file to what it was")


def run(options: Options) -> int:
    """Set up what was asked for; 1 when a file could not be edited."""
    what = options.what or []
    unknown = set(what) - {*NAMES, ALL}
    if unknown:
        raise WrongArguments(f"{', '.join(sorted(unknown))}: give any of {', '.join(NAMES)}, all")
    if options.user and GIT in what:
        raise WrongArguments("git's hooks are a repository's own: run arc setup git there, without --user")
    repository = None if options.user else find_repository(str(Path.cwd()))
    if GIT in what and repository is None and not options.remove:
        raise CommandFailed("this folder is not in a git repository: make one first, with git init")
    top = Path.home() if options.user else Path(repository.top) if repository else Path.cwd()
    plan = Plan(top, repository, is_user=options.user)
    wanted = [name for name in _wanted(what, removes=options.remove) if name != GIT or repository is not None]
    return _take_out(plan, wanted, options) if options.remove else _set_up(plan, wanted, options)


def _set_up(plan: Plan, wanted: Sequence[str], options: Options) -> int:
    url, by_relay = "", False
    if not options.user:
        by_relay = _is_by_relay()
        url = "" if by_relay else _foresee_hub() if options.dry_run else _find_hub()
    chosen = Chosen(options.mode, options.closed, options.by_command or by_relay)
    all_chosen = {**plan.ledger.chosen, **dict.fromkeys(wanted, chosen)}
    if not options.dry_run:
        plan.ledger.choose(all_chosen)
    edits = [edit for name in wanted for edit in plan.edits_of(name, chosen, url)]
    failed = False
    for edit in edits + plan.shared_edits(all_chosen):
        failed |= _attempt(edit, lambda one: _write(plan, one, dry=options.dry_run))
    harnesses = [name for name in wanted if name in HARNESSES]
    if harnesses and not shutil.which("arc"):
        print(NOT_ON_PATH.format(folder=Path(sys.executable).parent))
    known = [HARNESSES[name] for name in harnesses]
    for said in dict.fromkeys(one.user_trust if options.user else one.trust for one in known):
        if said:
            print(said)
    if options.user:
        print(WHERE_GUARDED)
    return 1 if failed else 0


def _take_out(plan: Plan, wanted: Sequence[str], options: Options) -> int:
    rest = {name: how for name, how in plan.ledger.chosen.items() if name not in wanted}
    kept = {edit.path: edit for edit in plan.shared_edits(rest)}
    told: list[Path] = []

    def take(edit: Edit) -> None:
        if edit.path in kept:
            changed = _put(plan, kept[edit.path], dry=options.dry_run)
        else:
            changed = _take_back(plan, edit, dry=options.dry_run)
        if changed:
            told.append(edit.path)

    failed = False
    own = [edit for name in wanted for edit in plan.edits_of(name, Chosen(), DEFAULT_URL)]
    for edit in own + plan.shared_edits(wanted):
        failed |= _attempt(edit, take)
    if not options.dry_run:
        plan.ledger.choose(rest)
    if not told and not failed:
        print("nothing to take out: nothing is set up here")
    return 1 if failed else 0


def _attempt(edit: Edit, act: Callable[[Edit], object]) -> bool:
    """Do something with a file; whether it could not be done, which is told."""
    try:
        act(edit)
    except CannotEditError as error:
        print(f"{_shown(edit.path)}: left as it is, since {error}")
        return True
    return False


def _write(plan: Plan, edit: Edit, *, dry: bool) -> None:
    if not _put(plan, edit, dry=dry):
        print(f"{_shown(edit.path)}: set up already")


def _put(plan: Plan, edit: Edit, *, dry: bool) -> bool:
    """Make an edit, or show it; whether it changes anything."""
    if dry:
        return _show(edit.path, plan.ledger.plan(edit))
    if plan.ledger.write(edit):
        print(f"{_shown(edit.path)}: {edit.does}")
        return True
    return False


def _take_back(plan: Plan, edit: Edit, *, dry: bool) -> bool:
    """Take an edit back, or show that; whether it changes anything."""
    if dry:
        return _show(edit.path, plan.ledger.former(edit))
    if plan.ledger.take_back(edit):
        print(f"{_shown(edit.path)}: as it was")
        return True
    return False


def _show(path: Path, after: bytes | None) -> bool:
    """Print what would change in a file, as a diff; whether anything would."""
    old = (read(path) or b"").decode(errors="replace").splitlines(keepends=True)
    new = (after or b"").decode(errors="replace").splitlines(keepends=True)
    diff = "".join(difflib.unified_diff(old, new, _shown(path), _shown(path)))
    if diff:
        print(diff)
    return bool(diff)


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _wanted(what: Sequence[str], *, removes: bool) -> list[str]:
    if ALL in what or (removes and not what):
        return list(NAMES)
    if what:
        return list(dict.fromkeys(what))
    programs = {name: known.programs[0] for name, known in HARNESSES.items()}
    found = [name for name, program in programs.items() if shutil.which(program)]
    if not found:
        raise CommandFailed(
            f"none of {', '.join(programs.values())} is installed: name what to set up, "
            "as in arc setup codex, or arc setup git for git's hooks alone"
        )
    return [*found, GIT]


def _foresee_hub() -> str:
    """Where the folder's hub is, or most likely will be; the second is told."""
    project = Project(working_directory())
    storage = project.find_storage()
    note = find_note(project, storage)
    if note is not None:
        return note.url
    port = read_options(storage).get("port", DEFAULT_PORT) if storage is not None else DEFAULT_PORT
    print(f"hub: no hub runs here; arc setup starts one, on port {port} or the next that is free.", end=" ")
    print(f"{port} stands for it below\n")
    return url_of(DEFAULT_HOST, int(str(port)))


def _is_by_relay() -> bool:
    """Whether the folder's hub is reached over its relay alone, as from a sandbox without a network; it is told."""
    project = Project(working_directory())
    if not is_in_sandbox("") or find_relay(project) is None:
        return False
    print("hub: the network does not reach it, but its relay does, so hooks are commands")
    return True


def _find_hub() -> str:
    """The folder's hub, started unless it runs."""
    hub = ensure_hub()
    if not hub["running"]:
        raise CommandFailed(f"no hub could be started: {hub.get('error', 'it said nothing')}")
    print(f"hub: {hub['url']}")
    return str(hub["url"])
