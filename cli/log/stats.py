"""`arc log stats`: how many events of which type, by whom, how large, and how fast they came."""

import msgspec

from arclog.sqlite.statistics import Share, Statistics, read_statistics
from cli.arguments import Arguments
from cli.log.storage import reading
from cli.options import StorageOptions, add_storage_option
from cli.tables import print_line, print_table
from projections.times import timestamp

BAR_CHARS = 40


class Options(StorageOptions):
    """How to print it."""

    json: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("--json", action="store_true", help="one JSON object")
    add_storage_option(parser)


def run(options: Options) -> int:
    """Print the figures of the log."""
    with reading(options) as snapshot:
        found = snapshot.read(read_statistics)
    if options.json:
        print(msgspec.json.encode(found).decode())
    else:
        _print(found)
    return 0


def _print(found: Statistics) -> None:
    share = found.bytes / found.file_bytes if found.file_bytes else 0.0
    print_line(f"{found.events:,} events, the last is event {found.head}")
    print_line(
        f"{found.bytes:,} bytes of events in a file of {found.file_bytes:,} ({share:.0%}), {found.free_bytes:,} free"
    )
    if not found.events:
        return
    print_line(f"from {timestamp(found.first_at)} to {timestamp(found.last_at)}")
    print()
    print_table(("type", "events", "bytes", "each", "last event"), map(_row, found.types))
    print()
    print_table(("agent", "events", "bytes", "each", "last event"), map(_row, found.actors))
    if found.actor_count > len(found.actors):
        print_line(f"and {found.actor_count - len(found.actors):,} more")
    print()
    most = max(span.events for span in found.spans)
    print_table(
        (f"each {found.span_sec:,} s from", "events", "a second", ""),
        [
            (
                timestamp(span.from_at)[:19] + "Z",
                f"{span.events:,}",
                f"{span.events / found.span_sec:.2f}",
                "#" * max(1, round(span.events / most * BAR_CHARS)),
            )
            for span in found.spans
        ],
    )


def _row(share: Share) -> tuple[object, ...]:
    return share.name, f"{share.events:,}", f"{share.bytes:,}", f"{share.bytes / share.events:,.0f}", share.last_event
