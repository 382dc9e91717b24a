"""`arc log import`: bring an export, or a database of Arc 0.1.1, into a new log."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from arc.finding.storage import is_same_file
from cli.arguments import Arguments
from cli.errors import CommandFailed
from cli.hubs.filesystems import make_folder_of
from cli.log.storage import kind_of_file, target_of
from cli.options import StorageOptions, add_storage_option
from cli.paths import path_of
from cli.progress import ProgressBar
from projections.moving.import_011 import import_011
from projections.moving.transfer import bring_in

NOUNS: Final = {
    "message.posted": "message",
    "channel.created": "channel",
    "session.opened": "session",
    "claim.acquired": "claim",
    "lock.acquired": "lock",
    "task.completed": "completed task",
}


class Options(StorageOptions):
    """From where, and to where."""

    file: str


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("file", metavar="FILE", help="an export, or a database of Arc 0.1.1; it is only read")
    add_storage_option(parser)


def run(options: Options) -> int:
    """Print what was brought in."""
    source, storage = path_of(options.file), target_of(options)
    if is_same_file(str(source), str(storage)):
        raise CommandFailed(
            f"{source} cannot be brought into itself: name a new file, as in "
            f"arc log import {options.file} --storage {source.stem}-1{source.suffix}"
        )
    kind = kind_of_file(source)
    if kind == "other":
        raise CommandFailed(f"{source} is neither an export nor a database of Arc 0.1.1")
    make_folder_of(storage)
    if kind == "export":
        return _import_export(source, storage)
    with ProgressBar("importing", "messages") as progress:
        imported = import_011(source, storage, progress)
    print(f"{storage}: {_list(imported.counts)} from {source}; the last event is {imported.head}")
    return 0


def _import_export(source: Path, storage: Path) -> int:
    with source.open("rb") as file, ProgressBar("importing") as progress:
        made = bring_in(file, str(source), storage, progress)
    print(f"{storage}: {made.events:,} events from {source}; the last is event {made.head}, digest {made.digest}")
    return 0


def _list(counts: Mapping[str, int]) -> str:
    found = {noun: counts.get(event_type, 0) for event_type, noun in NOUNS.items()}
    return ", ".join(f"{number:,} {noun}{'' if number == 1 else 's'}" for noun, number in found.items())
