"""`arc doctor`: check everything, and say how to fix what does not work."""

from pathlib import Path

from arc.finding.repository import find_repository
from cli.arguments import Arguments, Namespace
from cli.doctor.findings import Finding
from cli.doctor.guards import try_guards
from cli.doctor.surroundings import find_hub, look_around


class Options(Namespace):
    """Whether to mend what can be mended safely."""

    fix: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("--fix", action="store_true", help="start the hub if none runs")


def run(options: Options) -> int:
    """Print a line for each check; 1 when one of them failed."""
    hub, url = find_hub(fix=options.fix)
    failed = _tell(hub)
    if url:
        repository = find_repository(str(Path.cwd()))
        top = Path(repository.top) if repository else Path.cwd()
        for finding in (*look_around(url), *try_guards(top, Path.home(), url)):
            failed |= _tell(finding)
    return int(failed)


def _tell(finding: Finding) -> bool:
    """Print one finding; whether it is bad."""
    mark = {True: "ok  ", False: "BAD ", None: "?   "}[finding.ok]
    print(f"{mark}{finding.what}{f' -> {finding.advice}' if finding.advice else ''}")
    return finding.ok is False
