"""`arc log replay`: all tables once more from the log, to be compared with the live ones, or to be queried."""

import argparse
import time
from pathlib import Path

from cli.errors import CommandFailed
from cli.log.storage import reading, storage_of
from cli.lookup import working_directory
from cli.options import StorageOptions, add_storage_option, count
from cli.output import ProgressBar
from projections.integrity import tell_difference
from projections.replay import replay, replay_to_file


class Options(StorageOptions):
    """Which log, how far, and where to."""

    to: int | None
    into: str | None
    check: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `Options`."""
    parser.add_argument("--into", metavar="FILE", help="a new database for the tables, to be opened and queried")
    parser.add_argument("--to", type=count, metavar="N", help="only up to this event; with --into")
    parser.add_argument(
        "--check", action="store_true", help="compare with the live tables row by row; so it is without --into"
    )
    add_storage_option(parser)


def run(options: Options) -> int:
    """Replay; 1 when a table differs from what the log says."""
    if options.to is not None and options.into is None:
        raise CommandFailed("--to needs --into FILE: the live tables are those of the newest event")
    if options.into is not None:
        _write(options, working_directory() / options.into)
    return _check(options) if options.check or options.into is None else 0


def _write(options: Options, target: Path) -> None:
    from arclog.store import read_head

    storage = storage_of(options)
    with reading(options) as connection:
        until = read_head(connection).event_id if options.to is None else options.to
    began_at = time.monotonic()
    with ProgressBar("replaying") as progress:
        replay_to_file(storage, target, until, progress)
    rate = until / max(time.monotonic() - began_at, 0.001)
    print(f"{target}: the tables as of event {until} ({rate:,.0f} events/s)")


def _check(options: Options) -> int:
    storage = storage_of(options)
    with ProgressBar("replaying") as progress:
        found = replay(storage, progress)
    if found.stale:
        print(
            f"{storage}: the tables of {', '.join(found.stale)} were made by another version of Arc, "
            "so there is nothing to compare with: start the hub once, and it makes them anew"
        )
        return 1
    for difference in found.differences:
        print(tell_difference(difference).text)
    rate = found.head / max(found.elapsed_sec, 0.001)
    verdict = "differ from the log" if found.differences else "follow from the log, row by row"
    print(f"{storage}: the tables {verdict}, up to event {found.head} ({rate:,.0f} events/s)")
    return 1 if found.differences else 0
