"""`arc log replay`: all tables once more from the log, to be compared with the live ones, or to be queried."""

import time
from pathlib import Path

import msgspec

from arclog.sqlite.opened import OpenedStorage
from cli.arguments import Arguments
from cli.errors import CommandFailed, WrongArguments
from cli.log.storage import storage_of
from cli.options import StorageOptions, add_storage_option, count
from cli.paths import path_of
from cli.progress import ProgressBar
from projections.rebuilding.differences import tell_difference
from projections.rebuilding.replay import replay, replay_to_file
from projections.rebuilding.verification import verify_log


class Options(StorageOptions):
    """Which log, how far, and where to."""

    to: int | None
    into: str | None
    check: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("--into", metavar="FILE", help="a new database for the tables, to be opened and queried")
    parser.add_argument("--to", type=count, metavar="N", help="only up to this event; with --into")
    parser.add_argument(
        "--check", action="store_true", help="compare with the live tables row by row (the default without --into)"
    )
    add_storage_option(parser)


def run(options: Options) -> int:
    """Replay; 1 when the log is not what was recorded, or a table differs from what it says."""
    if options.to is not None and options.into is None:
        raise WrongArguments("--to needs --into FILE: the live tables are those of the newest event")
    with OpenedStorage(storage_of(options)) as storage:
        code = _verify(storage)
        try:
            if options.into is not None:
                _write(storage, path_of(options.into), options.to, damaged=code != 0)
            if options.check or options.into is None:
                code = max(code, _check(storage, damaged=code != 0))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise CommandFailed(
                f"the tables cannot be made: an event cannot be read ({error}): see arc log verify"
            ) from None
    return code


def _verify(storage: OpenedStorage) -> int:
    """Check the log, from which all follows; tables that were made from a damaged one say nothing."""
    with ProgressBar("verifying") as progress:
        chain = verify_log(storage, progress)
    for finding in chain.findings:
        print(finding.text)
    if chain.findings:
        print(f"{storage.path}: the log is damaged, so what follows from it is not what was recorded either")
    return 1 if chain.findings else 0


def _write(storage: OpenedStorage, target: Path, until: int | None, *, damaged: bool) -> None:
    began_at = time.monotonic()
    with ProgressBar("replaying") as progress:
        until = replay_to_file(storage, target, until, progress)
    rate = until / max(time.monotonic() - began_at, 0.001)
    of = ", of a damaged log" if damaged else ""
    print(f"{target}: the tables as of event {until}{of} ({rate:,.0f} events/s)")


def _check(storage: OpenedStorage, *, damaged: bool) -> int:
    with ProgressBar("replaying") as progress:
        found = replay(storage, progress)
    if found.stale:
        print(
            f"{storage.path}: the tables of {', '.join(found.stale)} were made by another version of Arc, "
            "so there is nothing to compare with: start the hub once, and it rebuilds them"
        )
        return 1
    for difference in found.differences:
        print(tell_difference(difference).text)
    rate = found.head / max(found.elapsed_sec, 0.001)
    log = "the damaged log" if damaged else "the log"
    decision = f"differ from {log}" if found.differences else f"follow from {log}, row by row"
    print(f"{storage.path}: the tables {decision}, up to event {found.head} ({rate:,.0f} events/s)")
    return 1 if found.differences else 0
