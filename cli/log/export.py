"""`arc log export`: the log as lines of JSON that anybody can read, keep and verify without a hub."""

import sys
from typing import BinaryIO

from arclog.proof.export import Footer, write_export
from arclog.sqlite.new_file import new_file
from arclog.sqlite.reads import NO_END, read_head
from cli.arguments import Arguments
from cli.errors import CommandFailed, WrongArguments
from cli.log.storage import reading
from cli.options import StorageOptions, add_storage_option, count
from cli.output import print_note
from cli.paths import path_of
from cli.progress import ProgressBar


class Options(StorageOptions):
    """Which part, and where to."""

    file: str
    first: int
    last: int | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="a new file to write to; the standard output unless given"
    )
    parser.add_argument("--from", dest="first", type=count, default=1, metavar="N", help="the first event (1)")
    parser.add_argument("--to", dest="last", type=count, metavar="N", help="the last event (the newest)")
    add_storage_option(parser)


def run(options: Options) -> int:
    """Write the export, and say what it holds."""
    if options.file == "-":
        _export(options, sys.stdout.buffer)
        return 0
    path = path_of(options.file)
    with new_file(path) as draft, draft.open("wb") as out:
        footer = _export(options, out)
    print(f"{path}: {footer.events:,} events, SHA-256 {footer.sha256}")
    return 0


def _export(options: Options, out: BinaryIO) -> Footer:
    with reading(options) as snapshot, ProgressBar("exporting") as progress:
        head = snapshot.read(read_head).event_id
        last = _check(options.first, options.last, head)
        footer = snapshot.read(write_export, out, options.first, last, progress)
        out.flush()
    if not footer.events:
        print_note(f"the export is empty: there are no events after event {head} yet")
    return footer


def _check(first: int, last: int | None, head: int) -> int:
    """The last event of the part; a part that goes on after the newest event is empty, and to be continued.

    Raises:
        WrongArguments: the part ends before it begins.
        CommandFailed: it is beyond the newest event.
    """
    if last is not None and last < first:
        raise WrongArguments(f"event {first} comes after event {last}: --from names the earlier one")
    beyond = last if last is not None and last > head else first if first > head + 1 else None
    if beyond is not None:
        raise CommandFailed(f"event {beyond} is beyond event {head}, the last one there is")
    return NO_END if last is None else last
