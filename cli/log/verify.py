"""`arc log verify`: whether a log, and all that follows from it, is what was written."""

import time
from contextlib import closing
from pathlib import Path

import msgspec
from msgspec import Struct

from arclog.proof.findings import Finding
from cli.arguments import Arguments
from cli.errors import CommandFailed
from cli.log.anchor_places import look_into, repository_of
from cli.log.storage import kind_of_file, storage_of
from cli.options import StorageOptions, add_storage_option
from cli.paths import path_of
from cli.progress import ProgressBar
from projections.rebuilding.verification import Anchoring, Report, verify_storage


class Options(StorageOptions):
    """What to verify, and how to print it."""

    file: str | None
    chain_only: bool
    json: bool
    log: str | None
    anchors: str | None


class ExportReport(Struct, frozen=True):
    """What verification of an export found; `digest` is that of its last event."""

    export: str
    origin: str
    after: int
    events: int
    head: int
    digest: str | None
    findings: tuple[Finding, ...]


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="an export or a backup, instead of the storage; no hub is needed"
    )
    parser.add_argument("--chain-only", action="store_true", help="only the log itself, not the tables that follow")
    parser.add_argument("--json", action="store_true", help="one JSON object with all findings")
    parser.add_argument(
        "--anchors",
        metavar="FILE",
        help="a file with anchors to compare with, beside the places that the log names and the git repository here",
    )
    add_storage_option(parser)
    parser.add_argument("--log", metavar="URL", help="a log on PostgreSQL, as its server has it, instead of a storage")


def run(options: Options) -> int:
    """Print a line for each finding; 0 when there is none, 1 otherwise."""
    if options.log is not None:
        return _verify_log(options.log, options.json)
    path = storage_of(options) if options.file is None else path_of(options.file)
    if options.file is not None:
        kind = kind_of_file(path)
        if kind == "export":
            return _verify_export(path, options.json)
        if kind == "other":
            raise CommandFailed(f"{path} is neither an export nor a storage of Arc")
    with ProgressBar("verifying") as verifying, ProgressBar("replaying") as replaying:
        report = verify_storage(path, options.chain_only, verifying, replaying, _anchoring_of(options, path))
    if options.json:
        print(msgspec.json.encode(report).decode())
    else:
        _tell(report)
    return 1 if report.findings else 0


def _anchoring_of(options: Options, path: Path) -> Anchoring:
    """Where anchors may be, beside the places that the log names: its own word is not enough once it was rewritten."""
    named = () if options.anchors is None else (str(path_of(options.anchors).resolve()),)
    around = repository_of(path)
    return Anchoring(look_into, named if around is None else (*named, around))


def _tell(report: Report) -> None:
    for finding in report.findings:
        print(finding.text)
    if not report.digest:
        print(f"{report.storage}: the log cannot be read")
        return
    rate = report.events / max(report.chain_sec, 0.001)
    broken = any(finding.place in {"log", "file"} for finding in report.findings)
    result = "the chain is broken" if broken else "the chain is whole"
    print(f"{report.storage}: {result} up to event {report.head} ({rate:,.0f} events/s), digest {report.digest}")
    for place in report.anchors:
        if place.anchors is None:
            print(f"{report.storage}: the anchors in {place.place} were not compared: it cannot be read")
        elif place.anchors:
            print(f"{report.storage}: compared with {place.anchors} anchors in {place.place}")
    if report.compared:
        result = "differ from the log" if report.findings else "follow from the log, row by row"
        print(f"{report.storage}: the tables {result}")
    else:
        print(f"{report.storage}: the tables were not compared: {report.skipped}")


def _verify_log(url: str, as_json: bool) -> int:
    from arclog.postgresql.opening import open_log
    from arclog.proof.elsewhere import verify_elsewhere

    began_at = time.monotonic()
    with closing(open_log(url)) as engine, ProgressBar("verifying") as progress:
        report = verify_elsewhere(engine, progress)
        where = engine.state.where
    if as_json:
        print(msgspec.json.encode(report).decode())
    else:
        for finding in report.findings:
            print(finding.text)
        rate = report.events / max(time.monotonic() - began_at, 0.001)
        verdict = "the chain is broken" if report.findings else "the chain is whole"
        print(f"{where}: {verdict} up to event {report.head} ({rate:,.0f} events/s), digest {report.digest}")
    return 1 if report.findings else 0


def _verify_export(path: Path, as_json: bool) -> int:
    from arclog.proof.export import ExportReader

    began_at = time.monotonic()
    with path.open("rb") as file, ProgressBar("verifying") as progress:
        reader = ExportReader(file, str(path))
        for event in reader:
            progress(event.event_id, reader.header.last)
    findings = tuple(reader.findings)
    digest = None if reader.digest is None else reader.digest.hex()
    header = reader.header
    if as_json:
        report = ExportReport(str(path), header.origin, header.after, reader.events, reader.head, digest, findings)
        print(msgspec.json.encode(report).decode())
    else:
        for finding in findings:
            print(finding.text)
        rate = reader.events / max(time.monotonic() - began_at, 0.001)
        result = "the export is not what was written" if findings else "the export is whole"
        print(
            f"{path}: {result}: events {header.after + 1} to {reader.head} of {header.origin} ({rate:,.0f} events/s), "
            f"digest {digest}"
        )
    return 1 if findings else 0
