"""`arc log verify`: whether the log is what was written."""

import argparse
import time

from arclog.store import read_head
from arclog.verify import verify
from cli.log.storage import reading, storage_of
from cli.options import StorageOptions, add_storage_option
from cli.output import ProgressBar
from projections.checkpoints import read_checkpoints


class Options(StorageOptions):
    """Which log."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `Options`."""
    add_storage_option(parser)


def run(options: Options) -> int:
    """Print a line for each finding; 0 when there is none, 1 otherwise."""
    findings = 0
    began_at = time.monotonic()
    with reading(options) as connection:
        # Before the head: what is recorded in between makes the head greater, never the other way round.
        seen = max((at for _version, at in read_checkpoints(connection).values()), default=0)
        head = read_head(connection).event_id
        with ProgressBar("verifying") as progress:
            for broken in verify(connection, progress):
                findings += 1
                print(broken)
        if seen > head:
            findings += 1
            print(f"event {seen}: the tables have seen it, but the log ends with event {head}")
    if findings:
        print(f"{storage_of(options)}: {findings} {'place' if findings == 1 else 'places'} where the log was changed")
        return 1
    rate = head / max(time.monotonic() - began_at, 0.001)
    print(f"{storage_of(options)}: the chain is whole up to event {head} ({rate:,.0f} events/s)")
    return 0
