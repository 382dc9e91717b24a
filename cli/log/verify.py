"""`arc log verify`: whether the log, and all that follows from it, is what was written."""

import argparse

import msgspec

from cli.log.storage import storage_of
from cli.options import StorageOptions, add_storage_option
from cli.output import ProgressBar
from projections.integrity import Report, verify_storage


class Options(StorageOptions):
    """What to verify, and how to print it."""

    chain_only: bool
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `Options`."""
    parser.add_argument("--chain-only", action="store_true", help="only the log itself, not the tables that follow")
    parser.add_argument("--json", action="store_true", help="one JSON object with all findings")
    add_storage_option(parser)


def run(options: Options) -> int:
    """Print a line for each finding; 0 when there is none, 1 otherwise."""
    with ProgressBar("verifying") as verifying, ProgressBar("replaying") as replaying:
        report = verify_storage(storage_of(options), options.chain_only, verifying, replaying)
    if options.json:
        print(msgspec.json.encode(report).decode())
    else:
        _tell(report)
    return 1 if report.findings else 0


def _tell(report: Report) -> None:
    for finding in report.findings:
        print(finding.text)
    count = len(report.findings)
    rate = report.events / max(report.chain_sec, 0.001)
    chain = any(finding.place in {"log", "file"} for finding in report.findings)
    verdict = "the chain is broken" if chain else "the chain is whole"
    print(f"{report.storage}: {verdict} up to event {report.head} ({rate:,.0f} events/s), digest {report.digest}")
    if report.compared:
        print(f"{report.storage}: the tables {'differ from the log' if count else 'follow from the log, row by row'}")
    else:
        print(f"{report.storage}: the tables were not compared: {report.skipped}")
