"""`arc log restore`: a new storage from a backup."""

from cli.arguments import Arguments
from cli.errors import CommandFailed
from cli.log.storage import kind_of_file, target_of
from cli.options import StorageOptions, add_storage_option
from cli.paths import path_of
from cli.progress import ProgressBar
from projections.moving.transfer import restore


class Options(StorageOptions):
    """From where, and to where."""

    file: str


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("file", metavar="FILE", help="the backup; it is only read")
    add_storage_option(parser)


def run(options: Options) -> int:
    """Make the storage, rebuild its tables from its log, and say what it holds."""
    backup, target = path_of(options.file), target_of(options)
    kind = kind_of_file(backup)
    if kind == "export":
        raise CommandFailed(f"{backup} is an export: bring it in with arc log import {options.file} --storage NEW")
    if kind == "other":
        raise CommandFailed(f"{backup} is not a backup of a storage")
    with ProgressBar("restoring") as progress:
        made = restore(backup, target, progress)
    print(
        f"{target}: restored up to event {made.head}, its chain is whole and its tables were rebuilt from it; "
        f"its instance id is now {made.instance_id}"
    )
    return 0
