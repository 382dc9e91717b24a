"""`arc log replay`: the proof that every table follows from the log."""

import argparse

from cli.log.storage import storage_of
from cli.options import StorageOptions, add_storage_option
from cli.output import ProgressBar
from projections.rebuild import Difference
from projections.replay import replay


class Options(StorageOptions):
    """Which log."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `Options`."""
    add_storage_option(parser)


def run(options: Options) -> int:
    """Print a line for each table that differs; 0 when none does, 1 otherwise."""
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
        print(_line(difference))
    rate = found.head / max(found.elapsed_sec, 0.001)
    verdict = "differ from the log" if found.differences else "follow from the log, row by row"
    print(f"{storage}: the tables {verdict}, up to event {found.head} ({rate:,.0f} events/s)")
    return 1 if found.differences else 0


def _line(difference: Difference) -> str:
    place = "" if difference.event_id is None else f", event {difference.event_id}"
    return f"{difference.table}{place}: the table has {_row(difference.live)}, the log says {_row(difference.replayed)}"


def _row(row: tuple[object, ...] | None) -> str:
    return "no such row" if row is None else f"{row!r:.300}"
