"""`arc doctor`: check everything, say how to fix what does not work, and with `--fix` mend what is safe to mend."""

from collections.abc import Iterator
from pathlib import Path

from arc.finding.repository import find_repository
from arc.finding.storage import Project, working_directory
from cli.arguments import Arguments, Namespace
from cli.doctor.entries import check_entries
from cli.doctor.guards import try_guards
from cli.doctor.leftovers import find_leftovers
from cli.doctor.results import CheckResult
from cli.doctor.surroundings import find_hub, look_around
from cli.setup.edits import CannotEditError
from cli.setup.plan import Plan


class Options(Namespace):
    """Whether to mend what can be mended safely."""

    fix: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("--fix", action="store_true", help="mend what can be mended without harm to anything else")


def run(options: Options) -> int:
    """Print a line for each check; 1 when one of them failed."""
    failed = False
    for finding in _examine(fix=options.fix):
        failed |= _tell(finding, fix=options.fix)
    return int(failed)


def _examine(*, fix: bool) -> Iterator[CheckResult]:
    """All checks. Each is made when the one before was told, and mended if it was to be."""
    project = Project(working_directory())
    yield from find_leftovers(project)
    hub, url = find_hub(project, fix=fix)
    yield hub
    if not url:
        return
    repository = find_repository(str(Path.cwd()))
    top = Path(repository.top) if repository else Path.cwd()
    plans = (Plan(top, repository), Plan(Path.home(), None, is_user=True))
    yield from look_around(project, url)
    for plan in plans:
        yield from check_entries(plan, url)
    yield from try_guards(top, plans, url)


def _tell(finding: CheckResult, *, fix: bool) -> bool:
    """Print one finding, and mend it if that is asked for; whether it is bad."""
    if fix and finding.ok is not True and finding.mend is not None:
        try:
            finding.mend()
        except (CannotEditError, OSError) as error:
            print(f"BAD {finding.what} -> it could not be mended: {error}")
            return True
        print(f"FIXED {finding.what}")
        return False
    mark = {True: "ok  ", False: "BAD ", None: "?   "}[finding.ok]
    advice = finding.advice or ("arc doctor --fix" if finding.mend is not None else "")
    print(f"{mark}{finding.what}{f' -> {advice}' if advice else ''}")
    return finding.ok is False
